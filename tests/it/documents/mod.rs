//! The documents for programs: whatever they say is tried on a real server, and whatever the server says is held to them.

mod frames;
mod hosting;
mod operation;
mod requests;
mod scene;
mod schemas;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, Response};
use serde_json::{Map, Value, json};

use self::schemas::{Documents, examples, source};
use crate::wire::TestServer;

const METHODS: [&str; 9] =
    ["get", "head", "post", "put", "delete", "patch", "trace", "query", "brew"];

#[test]
fn the_examples_of_answers_are_what_their_schemas_say() {
    let documents = Documents::read();
    let mut checked = 0;
    for operation in documents.operations() {
        for (status, response) in operation.responses() {
            for content in
                documents.at(response)["content"].as_object().into_iter().flat_map(Map::values)
            {
                for value in examples(content) {
                    documents.check(
                        &format!("{} {status}", operation.id),
                        &content["schema"],
                        value,
                    );
                    checked += 1;
                }
            }
        }
    }
    for message in documents.messages("tell").into_values() {
        for example in message["examples"].as_array().unwrap() {
            documents.check("an example", &message["payload"], &example["payload"]);
            checked += 1;
        }
    }
    for schema in documents.schemas.as_object().unwrap().values() {
        for example in schema["examples"].as_array().into_iter().flatten() {
            documents.check("an example", schema, example);
            checked += 1;
        }
    }
    assert!(checked > 20, "the examples were not found");
    // And a schema does refuse.
    for wrong in
        [json!({"type": "pong", "more": 1}), json!({"type": "ping"}), json!({}), json!(null)]
    {
        assert!(
            !documents.faults(&json!({"$ref": "#/components/schemas/Pong"}), &wrong).is_empty(),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn every_address_and_method_is_in_the_document_and_the_reverse() {
    let documents = Documents::read();
    let documented = documents.http["paths"].as_object().unwrap().iter().map(|(path, item)| {
        let methods = item
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| *key != "parameters")
            .map(|method| method.to_uppercase());
        (path.clone(), methods.collect::<BTreeSet<_>>())
    });
    let routed = parlor::http::api()
        .map(|(path, methods)| (path.to_owned(), methods.split(", ").map(str::to_owned).collect()));
    assert_eq!(documented.collect::<BTreeMap<_, BTreeSet<_>>>(), routed.collect());

    let (server, http) = (TestServer::start(&[]).await, crate::support::http::client());
    let refusal = |name: &str| documents.http["components"]["responses"][name].clone();
    let told = async |response: Response, name: &str| {
        let expected = refusal(name);
        let (header, schema) =
            (&expected["headers"], &expected["content"]["application/json"]["schema"]);
        for name in header.as_object().unwrap().keys() {
            assert!(response.headers().contains_key(name.to_ascii_lowercase()), "{name}");
        }
        documents.check(name, schema, &response.json().await.unwrap());
    };
    for (path, item) in documents.http["paths"].as_object().unwrap() {
        let methods: BTreeSet<String> = item
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| *key != "parameters")
            .map(|method| method.to_uppercase())
            .collect();
        let url = server.url(
            &path.replace("{room}", "general").replace("{file}", "x").replace("{invite}", "x"),
        );
        for method in
            METHODS.map(str::to_uppercase).into_iter().filter(|method| !methods.contains(method))
        {
            let response = http
                .request(Method::from_bytes(method.as_bytes()).unwrap(), &url)
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 405, "{method} {path}");
            let allowed = response.headers()["allow"]
                .to_str()
                .unwrap()
                .split(", ")
                .map(str::to_owned)
                .collect::<BTreeSet<_>>();
            assert_eq!(allowed, methods, "{path}");
            if method != "HEAD" {
                told(response, "MethodNotAllowed").await;
            }
        }
    }
    told(http.get(server.url("/nowhere")).send().await.unwrap(), "NotFound").await;
}

#[test]
fn every_code_and_every_type_is_used_by_the_documents() {
    let documents = Documents::read();
    // What only connections are told, what every address may say, and what one server in these tests cannot.
    let elsewhere = [
        "binary_frame",
        "too_slow",
        "frame_too_big",
        "resume_timeout",
        "bad_protocol",
        "left",
        "not_found",
        "method_not_allowed",
        "bad_host",
    ];
    let operations = documents.operations();
    let used: BTreeSet<&str> = operations
        .iter()
        .flat_map(|operation| {
            operation.responses().keys().flat_map(|status| operation.codes(status))
        })
        .collect();
    let codes: BTreeSet<&str> = documents.schemas["Code"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .collect();
    let unused: BTreeSet<&str> = codes.difference(&used).copied().collect();
    assert_eq!((unused, used.difference(&codes).count()), (BTreeSet::from(elsewhere), 0));

    // A schema for each type that is sent is generated; a message of that name uses it.
    let of_schemas = |prefix: &str, document: &Value| -> BTreeSet<String> {
        let schemas = document["components"]["schemas"].as_object().unwrap().iter();
        let schemas = schemas.filter(|(name, _)| name.starts_with(prefix));
        schemas
            .filter_map(|(_, schema)| schema["properties"]["type"]["const"].as_str())
            .map(str::to_owned)
            .collect()
    };
    let names = |operation: &str| {
        documents.messages(operation).into_keys().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert_eq!(of_schemas("", &documents.http), names("tell"));
    assert_eq!(of_schemas("Send", &documents.frames), names("say"));
}

#[tokio::test]
async fn the_documents_are_served_as_they_are() {
    let server = TestServer::start(&[]).await;
    for name in ["openapi", "asyncapi"] {
        let response =
            crate::support::http::get(server.url(&format!("/api/{name}.yaml"))).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"application/yaml".parse().unwrap())
        );
        assert_eq!(response.text().await.unwrap(), source(&format!("docs/{name}.yaml")));
    }
}
