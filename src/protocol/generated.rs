//! The files that come from the types of this module. The test compares them with what is committed; with
//! `PARLOR_GENERATE=1`, as `make generate` runs it, it writes them.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use ts_rs::{Config, TS, TypeVisitor};

use super::{
    Ack, ClientMessage, DoorDto, EntryDto, ErrorBody, FileDto, InviteDto, InvitesDto, KnockDto,
    LimitsDto, MemberDto, NewInviteDto, ReactionDto, Reconnect, RulesDto, ServerMessage,
    StatusCode, Welcome, host_message::HostMessage, schema,
};
use crate::room::{HistoryRule, Lock};

const MESSAGES: &str = "public/protocol/generated/messages.ts";
const ERRORS: &str = "public/protocol/generated/errors.ts";
const OPENAPI: &str = "docs/openapi.yaml";
const ASYNCAPI: &str = "docs/asyncapi.yaml";
const PROTOCOL: &str = "docs/protocol.md";

#[test]
fn the_generated_files_are_what_the_types_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap_or_default();
    let settings = SchemaSettings::draft2020_12;
    let server = Schemas::of::<ServerMessage>(settings().for_serialize(), true);
    let client = Schemas::of::<ClientMessage>(settings(), false);
    let host = Schemas::of::<HostMessage>(settings(), false);
    let mut shared = server.parts.clone();
    shared.extend(host.parts.clone());
    for answer in [
        Schemas::whole::<DoorDto<'_>>(settings().for_serialize()),
        Schemas::whole::<NewInviteDto>(settings().for_serialize()),
        Schemas::whole::<InvitesDto<'_>>(settings().for_serialize()),
    ] {
        shared.extend(answer);
    }
    for (name, schema) in &server.variants {
        let part = shared.insert(name.clone(), schema.clone());
        let fields = part.as_ref().and_then(|part| part["properties"].as_object());
        let same = |field| schema["properties"].get(field).is_some();
        assert!(fields.into_iter().flatten().all(|(field, _)| same(field)), "{name} is two things");
    }
    let requests = [&client.variants[..], &host.variants].concat();
    let files = [
        (MESSAGES, messages()),
        (ERRORS, errors()),
        (OPENAPI, between(&read(OPENAPI), "schemas", &yaml(&shared, ""))),
        (
            ASYNCAPI,
            between(&read(ASYNCAPI), "schemas", &yaml(&prefixed(&requests), "openapi.yaml")),
        ),
        (
            PROTOCOL,
            [
                ("server messages", fields(&server)),
                ("client messages", fields(&client)),
                ("host messages", fields(&host)),
                ("errors", error_rows()),
            ]
            .iter()
            .fold(read(PROTOCOL), |text, (name, rows)| between(&text, name, rows)),
        ),
    ];
    for (name, expected) in files {
        if std::env::var_os("PARLOR_GENERATE").is_some() {
            fs::write(root.join(name), expected).unwrap();
        } else {
            assert!(read(name) == expected, "{name} differs from the types: run `make generate`");
        }
    }
}

/// Replaces what stands between the two marks of a generated part.
fn between(text: &str, part: &str, generated: &str) -> String {
    let (begin, end) = (format!("generated {part}: begin"), format!("generated {part}: end"));
    let line_after = |at: usize| at + text[at..].find('\n').unwrap() + 1;
    let start = line_after(text.find(&begin).unwrap_or_else(|| panic!("no mark {begin:?}")));
    let stop = text.find(&end).unwrap_or_else(|| panic!("no mark {end:?}"));
    let stop = text[..stop].rfind('\n').unwrap() + 1;
    format!("{}{generated}{}", &text[..start], &text[stop..])
}

/// An enum of messages, and the schemas it refers to.
struct Schemas {
    /// In their order.
    variants: Vec<(String, Value)>,
    parts: BTreeMap<String, Value>,
}

impl Schemas {
    fn of<T: JsonSchema>(settings: SchemaSettings, sent: bool) -> Self {
        let (root, parts) = root_and_parts::<T>(settings, sent);
        let mut variants = Vec::new();
        collect(&root, &mut variants);
        let variants = variants.into_iter();
        let variants = variants.map(|variant| {
            let schema = whole(variant, &parts);
            (pascal(schema["properties"]["type"]["const"].as_str().unwrap()), schema)
        });
        Self { variants: variants.collect(), parts }
    }

    /// The schema of one type that is no message, and those it refers to.
    fn whole<T: JsonSchema>(settings: SchemaSettings) -> BTreeMap<String, Value> {
        let (mut root, mut parts) = root_and_parts::<T>(settings, true);
        let fields = root.as_object_mut().unwrap();
        fields.retain(|key, _| !["title", "components"].contains(&key.as_str()));
        parts.insert(T::schema_name().into_owned(), root);
        parts
    }
}

/// The schema of a type, and those it refers to by their names.
fn root_and_parts<T: JsonSchema>(
    settings: SchemaSettings,
    sent: bool,
) -> (Value, BTreeMap<String, Value>) {
    let settings = settings.with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut root = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut root, sent);
    let parts =
        root.pointer_mut("/components/schemas").map(Value::take).unwrap_or_else(|| json!({}));
    let parts: BTreeMap<String, Value> = serde_json::from_value(parts).unwrap();
    (root, parts.into_iter().map(|(name, schema)| (pascal(&name), schema)).collect())
}

/// The variants of an enum; a variant may be an enum itself.
fn collect(schema: &Value, variants: &mut Vec<Value>) {
    match ["oneOf", "anyOf"].iter().find_map(|key| schema[*key].as_array()) {
        Some(list) => list.iter().for_each(|one| collect(one, variants)),
        None => variants.push(schema.clone()),
    }
}

/// A variant with the fields of the type that it holds.
fn whole(mut variant: Value, parts: &BTreeMap<String, Value>) -> Value {
    let Some(Value::String(link)) = variant.as_object_mut().unwrap().remove("$ref") else {
        return variant;
    };
    let name = link.rsplit('/').next().unwrap();
    let held = &parts[&pascal(name)];
    let mut required = variant["required"].as_array().cloned().unwrap_or_default();
    required.extend(held["required"].as_array().cloned().unwrap_or_default());
    let mut properties = held["properties"].as_object().cloned().unwrap();
    // schemars leaves out the tag of a struct.
    if variant["properties"]["type"].is_null() {
        properties.insert("type".into(), json!({ "type": "string", "const": name.to_lowercase() }));
        required.push(json!("type"));
    }
    properties.extend(variant["properties"].as_object().cloned().unwrap_or_default());
    json!({ "description": variant["description"], "type": "object", "properties": properties, "required": required })
}

/// Takes out the integer formats of Rust, which are none of JSON Schema's, and from what the server sends `null`: such a
/// field is left out.
fn tidy(node: &mut Value, sent: bool) {
    if let Value::Array(items) = node {
        items.iter_mut().for_each(|item| tidy(item, sent));
    }
    let Value::Object(schema) = node else { return };
    schema.values_mut().for_each(|inner| tidy(inner, sent));
    let null = |kind: &Value| *kind == json!("null") || *kind == json!({ "type": "null" });
    if schema
        .get("format")
        .is_some_and(|format| ["uint", "uint64"].iter().any(|rust| format == rust))
    {
        schema.remove("format");
    }
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
    if !sent {
        return;
    }
    if let Some([kind, other]) = schema.get("type").and_then(Value::as_array).map(Vec::as_slice)
        && null(other)
    {
        let kind = kind.clone();
        schema.insert("type".into(), kind);
    }
    if let Some([Value::Object(kind), other]) =
        schema.get("anyOf").and_then(Value::as_array).map(Vec::as_slice)
        && null(other)
    {
        let kind = kind.clone();
        schema.remove("anyOf");
        for (key, value) in kind {
            schema.entry(key).or_insert(value);
        }
    }
}

fn pascal(kebab: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    kebab.split('-').map(word).collect()
}

fn prefixed(variants: &[(String, Value)]) -> BTreeMap<String, Value> {
    variants.iter().map(|(name, schema)| (format!("Send{name}"), schema.clone())).collect()
}

/// The schemas as they stand in `components`; what they refer to is in `file`.
fn yaml(schemas: &BTreeMap<String, Value>, file: &str) -> String {
    let mut value = serde_json::to_value(schemas).unwrap();
    point_to(&mut value, file);
    let text = serde_saphyr::to_string(&value).unwrap();
    text.lines().fold(String::new(), |out, line| {
        out + if line.is_empty() { "" } else { "    " } + line + "\n"
    })
}

fn point_to(node: &mut Value, file: &str) {
    match node {
        Value::Object(fields) => {
            if let Some(Value::String(link)) = fields.get_mut("$ref") {
                *link = format!(
                    "{file}#/components/schemas/{}",
                    pascal(link.rsplit('/').next().unwrap())
                );
            }
            fields.values_mut().for_each(|value| point_to(value, file));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point_to(item, file)),
        _ => {}
    }
}

/// Rows of a table: type, fields, meaning.
fn fields(schemas: &Schemas) -> String {
    let mut rows = "| type | fields | meaning |\n|---|---|---|\n".to_owned();
    for (_, schema) in &schemas.variants {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema["properties"].as_object().cloned().unwrap_or_else(Map::new);
        let fields: Vec<String> = properties
            .keys()
            .filter(|key| *key != "type")
            .map(|key| {
                format!("`{key}`{}", if required.contains(&key.as_str()) { "" } else { "?" })
            })
            .collect();
        let tag = properties["type"]["const"].as_str().unwrap();
        let meaning = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
        writeln!(rows, "| `{tag}` | {} | {meaning} |", fields.join(" ")).unwrap();
    }
    rows
}

fn word(reconnect: Reconnect) -> String {
    serde_json::to_value(reconnect).unwrap().as_str().unwrap().to_owned()
}

fn error_rows() -> String {
    let mut rows =
        "| code | HTTP | close | reconnect | message |\n|---|---|---|---|---|\n".to_owned();
    for error in schema::errors() {
        let (code, status, close) = (error.code(), error.status(), error.close_code());
        writeln!(rows, "| `{code}` | {status} | {close} | {} | {error} |", word(error.reconnect()))
            .unwrap();
    }
    rows
}

const HEAD: &str = "// Written by `make generate` from the types in src/protocol. Do not edit.\n\n";

/// The declarations of the types that a type refers to.
struct Declarations<'a> {
    config: &'a Config,
    each: Vec<String>,
}

impl TypeVisitor for Declarations<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        self.each.push(T::decl(self.config));
    }
}

fn messages() -> String {
    let config = Config::new().with_large_int("number");
    let mut kinds = Declarations { config: &config, each: Vec::new() };
    EntryDto::visit_dependencies(&mut kinds);
    kinds.each.sort();
    let mut declarations = vec![
        LimitsDto::decl(&config),
        MemberDto::decl(&config),
        Lock::decl(&config),
        HistoryRule::decl(&config),
        RulesDto::decl(&config),
        KnockDto::decl(&config),
        Welcome::decl(&config),
    ];
    declarations.push(FileDto::decl(&config));
    declarations.extend(kinds.each);
    declarations.extend([
        ReactionDto::decl(&config),
        EntryDto::decl(&config),
        Ack::decl(&config),
        StatusCode::decl(&config),
        ErrorBody::decl(&config),
        DoorDto::decl(&config),
        NewInviteDto::decl(&config),
        InviteDto::decl(&config),
        InvitesDto::decl(&config),
        ServerMessage::decl(&config),
        HostMessage::decl(&config),
        ClientMessage::decl(&config).trim_end_matches(';').to_owned()
            + " | "
            + &HostMessage::name(&config)
            + ";",
    ]);
    let declarations = declarations.iter().map(|text| {
        let name = text.split(' ').nth(1).unwrap_or_default();
        text.replace(
            &format!(r#""type": "{name}""#),
            &format!(r#""type": "{}""#, name.to_lowercase()),
        )
    });
    let import = "import type { ErrorCode } from \"./errors\";\n\n";
    declarations
        .fold(HEAD.to_owned() + import, |out, declaration| {
            out + "export " + &spaced(&declaration) + "\n\n"
        })
        .trim_end()
        .to_owned()
        + "\n"
}

/// A comment on one line, and each field indented.
fn spaced(declaration: &str) -> String {
    let declaration = declaration
        .replace("/**\n * ", "  /** ")
        .replace("\n */\n", " */\n  ")
        .replace("\n * ", " ")
        .replace(", };", ",\n};");
    declaration.replace(", } |", ",\n}\n  |").replace(" \n", "\n")
}

/// By close code and policy, because the page loads this table before everything else.
fn errors() -> String {
    let mut out = HEAD.to_owned();
    writeln!(out, "export {}\n", Reconnect::decl(&Config::new())).unwrap();
    let mut rows: BTreeMap<&str, (u16, Reconnect)> = BTreeMap::new();
    let mut groups: Vec<((u16, Reconnect), Vec<&str>)> = Vec::new();
    for error in schema::errors() {
        let (code, row) = (error.code(), (error.close_code(), error.reconnect()));
        let known = rows.insert(code, row);
        assert!(known.is_none_or(|known| known == row), "{code} stands for two things");
        match groups.iter_mut().find(|(group, _)| *group == row) {
            _ if known.is_some() => {}
            Some((_, codes)) => codes.push(code),
            None => groups.push((row, vec![code])),
        }
    }
    out.push_str(
        "/** Close code, when a client may reconnect after it, and the errors with both. */\n",
    );
    out.push_str("export const CLOSES = [\n");
    for ((close, reconnect), codes) in groups {
        writeln!(out, "  [{close}, \"{}\", \"{}\"],", word(reconnect), codes.join(" ")).unwrap();
    }
    out.push_str("] as const satisfies [number, Reconnect, string][];\n\n");
    let codes: Vec<String> = schema::codes().iter().map(|code| format!("\"{code}\"")).collect();
    writeln!(out, "export type ErrorCode =\n  | {};", codes.join("\n  | ")).unwrap();
    out
}
