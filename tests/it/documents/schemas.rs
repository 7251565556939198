//! Both documents, and what they say of frames.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::{Map, Value, json};

pub(super) fn source(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Both documents, with the schemas of both in one place.
pub(super) struct Documents {
    pub(super) http: Value,
    pub(super) frames: Value,
    pub(super) schemas: Value,
}

impl Documents {
    pub(super) fn read() -> Self {
        let read = |name: &str| -> Value {
            serde_saphyr::from_str(&source(&format!("docs/{name}.yaml"))).unwrap()
        };
        let (http, mut frames) = (read("openapi"), read("asyncapi"));
        localize(&mut frames);
        let mut schemas = http["components"]["schemas"].as_object().unwrap().clone();
        for (name, schema) in frames["components"]["schemas"].as_object().unwrap() {
            assert!(schemas.insert(name.clone(), schema.clone()).is_none(), "{name} is said twice");
        }
        let mut schemas = Value::Object(schemas);
        close(&mut schemas);
        Self { http, frames, schemas }
    }

    /// What is wrong with a value.
    pub(super) fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let whole = json!({ "allOf": [schema], "components": { "schemas": self.schemas } });
        let validator =
            jsonschema::validator_for(&whole).unwrap_or_else(|error| panic!("{schema}: {error}"));
        validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    pub(super) fn check(&self, what: &str, schema: &Value, value: &Value) {
        let faults = self.faults(schema, value);
        assert!(faults.is_empty(), "{what}: {value} is not {schema}: {faults:#?}");
    }

    /// What a reference of the OpenAPI leads to.
    pub(super) fn at<'a>(&'a self, node: &'a Value) -> &'a Value {
        node["$ref"]
            .as_str()
            .map_or(node, |link| self.http.pointer(link.trim_start_matches('#')).unwrap())
    }

    /// The types of an operation's messages, each with its message.
    pub(super) fn messages(&self, operation: &str) -> BTreeMap<&str, &Value> {
        let list = self.frames["operations"][operation]["messages"].as_array().unwrap();
        let found = |link: &Value| {
            let in_channel = self
                .frames
                .pointer(link["$ref"].as_str().unwrap().trim_start_matches('#'))
                .unwrap();
            let message = self
                .frames
                .pointer(in_channel["$ref"].as_str().unwrap().trim_start_matches('#'))
                .unwrap();
            (message["name"].as_str().unwrap(), message)
        };
        list.iter().map(found).collect()
    }

    /// Holds a frame of the server's to the schema of its type.
    pub(super) fn hold(&self, operation: &str, frame: &Value, seen: &mut BTreeSet<String>) {
        let kind = frame["type"].as_str().unwrap();
        let messages = self.messages(operation);
        let message =
            messages.get(kind).unwrap_or_else(|| panic!("{operation} does not know {frame}"));
        self.check(kind, &message["payload"], frame);
        seen.insert(kind.to_owned());
    }
}

/// Lets the AsyncAPI's references into the OpenAPI lead into our one place.
pub(super) fn localize(node: &mut Value) {
    match node {
        Value::Object(fields) => fields.values_mut().for_each(localize),
        Value::Array(items) => items.iter_mut().for_each(localize),
        Value::String(link) => {
            if let Some(local) = link.strip_prefix("openapi.yaml#") {
                *link = format!("#{local}");
            }
        }
        _ => {}
    }
}

/// A field that is not in the document may come, clients are told; here it would be one that was forgotten.
pub(super) fn close(node: &mut Value) {
    match node {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if fields.get("type") == Some(&json!("object")) {
                fields.insert("additionalProperties".into(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn examples(node: &Value) -> Vec<&Value> {
    node["examples"]
        .as_object()
        .into_iter()
        .flat_map(Map::values)
        .map(|example| &example["value"])
        .collect()
}
