//! An operation of the OpenAPI document, and the requests that it describes.

use reqwest::{Method, Response};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::schemas::{Documents, examples, plain};
use crate::wire::PATIENCE;

pub(super) struct Operation<'a> {
    pub(super) documents: &'a Documents,
    pub(super) id: &'a str,
    pub(super) path: &'a str,
    pub(super) method: Method,
    pub(super) operation: &'a Value,
    pub(super) parameters: Vec<&'a Value>,
}

/// A request before it is sent.
#[derive(Clone, Default, Debug)]
pub(super) struct Request {
    /// Replaces path parameters.
    pub(super) room: String,
    pub(super) file: String,
    pub(super) invite: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) ticket: bool,
    /// With the ticket of a member that is not the host.
    pub(super) as_guest: bool,
    pub(super) login: Option<Login>,
    pub(super) body: Option<Vec<u8>>,
    /// Not signed by LiveKit.
    pub(super) forged: bool,
}

/// How Amy's token is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Login {
    Cookie,
    Header,
}

impl Documents {
    pub(super) fn operations(&self) -> Vec<Operation<'_>> {
        let mut operations = Vec::new();
        for (path, item) in self.http["paths"].as_object().unwrap() {
            for (method, operation) in
                item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters")
            {
                let lists = [&item["parameters"], &operation["parameters"]];
                let parameters = lists
                    .into_iter()
                    .filter_map(Value::as_array)
                    .flatten()
                    .map(|one| self.at(one))
                    .collect();
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let id = operation["operationId"].as_str().unwrap();
                operations.push(Operation {
                    documents: self,
                    id,
                    path,
                    method,
                    operation,
                    parameters,
                });
            }
        }
        operations
    }
}

impl Operation<'_> {
    pub(super) fn responses(&self) -> &Map<String, Value> {
        self.operation["responses"].as_object().unwrap()
    }

    /// The codes that an answer with this status may have.
    pub(super) fn codes(&self, status: &str) -> Vec<&str> {
        let response = self.documents.at(&self.responses()[status]);
        let json = &response["content"]["application/json"]["schema"]["allOf"][1]["properties"]["code"]
            ["enum"];
        let list = response["x-codes"].as_array().or(json.as_array());
        list.into_iter().flatten().map(|code| code.as_str().unwrap()).collect()
    }

    pub(super) fn body(&self) -> Option<(&str, &Value)> {
        let content = self.documents.at(&self.operation["requestBody"])["content"].as_object()?;
        content.iter().next().map(|(kind, body)| (kind.as_str(), body))
    }

    pub(super) fn is_of_accounts(&self) -> bool {
        self.operation["tags"][0] == "accounts"
    }

    /// Whether only the host may ask for it.
    pub(super) fn is_of_the_host(&self) -> bool {
        ["decide", "invite", "invites", "invitesHead", "revoke"].contains(&self.id)
    }

    /// Whether this way to prove oneself is good here.
    pub(super) fn takes(&self, scheme: &str) -> bool {
        self.operation["security"]
            .as_array()
            .is_some_and(|ways| ways.iter().any(|way| way.get(scheme).is_some()))
    }

    /// With the first of every example that must be there.
    pub(super) fn plain_request(&self) -> Request {
        let needs_ticket =
            self.takes("ticket") && self.operation["security"][0].get("ticket").is_some();
        let in_path = |name: &str| {
            let mut there = self.parameters.iter().filter(|parameter| parameter["in"] == "path");
            let parameter = there.find(|parameter| parameter["name"] == name)?;
            examples(parameter).first().map(|one| plain(one))
        };
        let mut request = Request {
            room: "general".into(),
            file: in_path("file").unwrap_or_default(),
            invite: in_path("invite").unwrap_or_default(),
            ticket: needs_ticket,
            ..Request::default()
        };
        if self.id == "continue" {
            request.headers.push(("upload-offset".into(), "0".into()));
        }
        if self.operation["security"][0].get("cookie").is_some() {
            request.login = Some(Login::Cookie);
        }
        if self.is_of_accounts() && self.body().is_some() {
            request.headers.push(("content-type".into(), "application/json".into()));
        }
        if self.id == "read" {
            request.headers.push(("accept".into(), "text/plain".into()));
        }
        if self.id == "socket" {
            for (name, value) in [
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
            ] {
                request.headers.push((name.into(), value.into()));
            }
        }
        if let Some((_, body)) = self.body() {
            request.body = examples(body).first().map(|value| plain(value).into_bytes());
        }
        request
    }

    pub(super) fn with(&self, parameter: &Value, value: &Value) -> Request {
        let mut request = self.plain_request();
        let (name, value) = (plain(&parameter["name"]), plain(value));
        match parameter["in"].as_str().unwrap() {
            "path" if name == "file" => request.file = value,
            "path" if name == "invite" => request.invite = value,
            "path" => request.room = value,
            "query" => request.query.push((name, value)),
            "header" => {
                request.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
                request.headers.push((name, value));
            }
            place => panic!("{place}"),
        }
        request
    }

    /// Every example once, whatever else is needed with it.
    pub(super) fn good(&self) -> Vec<Request> {
        let mut requests = vec![self.plain_request()];
        for parameter in &self.parameters {
            let schema = &parameter["schema"];
            assert!(
                !examples(parameter).is_empty(),
                "{} {} has no example",
                self.id,
                parameter["name"]
            );
            for value in examples(parameter) {
                self.documents.check(self.id, schema, value);
                requests.push(self.with(parameter, value));
            }
        }
        for value in self.body().map(|(_, body)| examples(body)).into_iter().flatten() {
            // What only a running server can know has its form.
            let id = |place: &str, text: String| {
                text.replace(place, "00000000-0000-4000-8000-000000000000")
            };
            let filled = ["{member}", "{guest}", "{waiting}"]
                .iter()
                .fold(value.to_string(), |text, place| id(place, text))
                .replace("{invite-id}", "AAAAAAAAAAAAAAAAAAAAAA");
            let filled: Value = serde_json::from_str(&filled).unwrap();
            self.documents.check(self.id, &self.body().unwrap().1["schema"], &filled);
            let ticket = value.get("ticket").is_none() && self.plain_request().ticket;
            requests.push(Request {
                body: Some(plain(value).into_bytes()),
                ticket,
                ..self.plain_request()
            });
        }
        if self.takes("ticket") {
            requests.push(Request { ticket: true, ..self.plain_request() });
        }
        if self.takes("login") {
            for way in [Login::Cookie, Login::Header] {
                requests.push(Request { login: Some(way), ..self.plain_request() });
            }
        }
        let plain = self.plain_request();
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        match self.id {
            "poll" => {
                requests.push(Request { query: vec![("after".into(), "{cursor}".into())], ..plain })
            }
            "read" | "readHead" => {
                let html = header("accept", "text/html");
                requests.push(Request { headers: vec![html.clone()], ..plain.clone() });
                requests
                    .push(Request { headers: vec![html, header("if-none-match", "*")], ..plain });
            }
            _ => {}
        }
        requests
    }

    /// What the document says is refused with this code.
    pub(super) fn refused(&self, code: &str) -> Vec<Request> {
        let parameters = self
            .parameters
            .iter()
            .filter_map(|parameter| Some((parameter, parameter["x-refused"].get(code)?)));
        let mut requests: Vec<Request> =
            parameters.map(|(parameter, value)| self.with(parameter, value)).collect();
        if let Some(value) = self.body().and_then(|(_, body)| body["x-refused"].get(code)) {
            requests
                .push(Request { body: Some(plain(value).into_bytes()), ..self.plain_request() });
        }
        requests
    }

    /// Holds an answer to the document. Gives its status and its code.
    pub(super) async fn hold(&self, mut response: Response) -> (u16, Option<String>) {
        let (id, status) = (self.id, response.status().as_u16());
        let Some(expected) = self.responses().get(&status.to_string()) else {
            panic!("{id} does not know {status}")
        };
        let expected = self.documents.at(expected);
        for (name, header) in expected["headers"].as_object().unwrap() {
            let header = self.documents.at(header);
            match response.headers().get(name.to_ascii_lowercase()) {
                Some(value) => self.documents.check(
                    &format!("{id} {name}"),
                    &header["schema"],
                    &json!(value.to_str().unwrap()),
                ),
                None => assert_ne!(header["required"], json!(true), "{id} {status} has no {name}"),
            }
        }
        let kind = response
            .headers()
            .get("content-type")
            .map(|kind| kind.to_str().unwrap().to_owned())
            .unwrap_or_default();
        let kind = kind.split(';').next().unwrap();
        let Some(contents) = expected["content"].as_object() else {
            let bare = status == 101
                || timeout(PATIENCE, response.bytes()).await.expect("an end").unwrap().is_empty();
            assert!(bare, "{id} {status} has a body");
            return (status, None);
        };
        let content =
            contents.get(kind).unwrap_or_else(|| panic!("{id} {status} does not know {kind:?}"));
        // A stream has no end: its beginning will do.
        let endless = response.headers().contains_key("x-accel-buffering");
        let body = if endless {
            timeout(PATIENCE, response.chunk()).await.expect("a beginning").unwrap().unwrap()
        } else {
            timeout(PATIENCE, response.bytes()).await.expect("an end").unwrap()
        };
        let text = String::from_utf8(body.to_vec()).unwrap();
        let value = if kind == "application/json" || kind.ends_with("+json") {
            serde_json::from_str(&text).unwrap()
        } else {
            Value::String(text)
        };
        self.documents.check(&format!("{id} {status}"), &content["schema"], &value);
        (status, value["code"].as_str().map(str::to_owned))
    }
}
