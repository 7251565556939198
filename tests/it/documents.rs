//! The documents for programs: whatever they say is tried on a real server, and whatever the server says is held to them.

use crate::{support::redis, wire};

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use futures_util::future::join_all;
use reqwest::{Client as Http, Method, Response, StatusCode};
use serde_json::{Map, Value, json};
use tokio::{sync::OnceCell, time::timeout};
use tokio_tungstenite::tungstenite::Message;
use wire::{Client, Heard, PATIENCE, TestServer, encoded, eventually, listener::Listener, livekit, poller::Poller};

/// Video is set up, though no LiveKit is there.
const VIDEO: [&str; 8] = [
    "--livekit-url",
    "wss://video.example.org",
    "--livekit-api-url",
    "ws://127.0.0.1:1",
    "--livekit-api-key",
    livekit::KEY,
    "--livekit-api-secret",
    LIVEKIT_SECRET,
];

const LIVEKIT_SECRET: &str = "a secret that is long enough for HS256";

/// What is said where there are accounts.
const OF_ACCOUNTS: [&str; 3] = ["not_logged_in", "login_required", "name_taken"];

/// Refusals that only a race brings about: (operation, code).
const RACES: [(&str, &str); 5] =
    [("poll", "room_full"), ("poll", "address_limit"), ("poll", "replaced"), ("join", "replaced"), ("events", "replaced")];

const METHODS: [&str; 9] = ["get", "head", "post", "put", "delete", "patch", "trace", "query", "brew"];

fn source(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Both documents, with the schemas of both in one place.
struct Documents {
    http: Value,
    frames: Value,
    schemas: Value,
}

impl Documents {
    fn read() -> Self {
        let read = |name: &str| -> Value { serde_saphyr::from_str(&source(&format!("docs/{name}.yaml"))).unwrap() };
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
    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let whole = json!({ "allOf": [schema], "components": { "schemas": self.schemas } });
        let validator = jsonschema::validator_for(&whole).unwrap_or_else(|error| panic!("{schema}: {error}"));
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    fn check(&self, what: &str, schema: &Value, value: &Value) {
        let faults = self.faults(schema, value);
        assert!(faults.is_empty(), "{what}: {value} is not {schema}: {faults:#?}");
    }

    /// What a reference of the OpenAPI leads to.
    fn at<'a>(&'a self, node: &'a Value) -> &'a Value {
        node["$ref"].as_str().map_or(node, |link| self.http.pointer(link.trim_start_matches('#')).unwrap())
    }

    fn operations(&self) -> Vec<Operation<'_>> {
        let mut operations = Vec::new();
        for (path, item) in self.http["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
                let lists = [&item["parameters"], &operation["parameters"]];
                let parameters = lists.into_iter().filter_map(Value::as_array).flatten().map(|one| self.at(one)).collect();
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let id = operation["operationId"].as_str().unwrap();
                operations.push(Operation { documents: self, id, path, method, operation, parameters });
            }
        }
        operations
    }

    /// The types of an operation's messages, each with its message.
    fn messages(&self, operation: &str) -> BTreeMap<&str, &Value> {
        let list = self.frames["operations"][operation]["messages"].as_array().unwrap();
        let found = |link: &Value| {
            let in_channel = self.frames.pointer(link["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap();
            let message = self.frames.pointer(in_channel["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap();
            (message["name"].as_str().unwrap(), message)
        };
        list.iter().map(found).collect()
    }

    /// Holds a frame of the server's to the schema of its type.
    fn hold(&self, operation: &str, frame: &Value, seen: &mut BTreeSet<String>) {
        let kind = frame["type"].as_str().unwrap();
        let messages = self.messages(operation);
        let message = messages.get(kind).unwrap_or_else(|| panic!("{operation} does not know {frame}"));
        self.check(kind, &message["payload"], frame);
        seen.insert(kind.to_owned());
    }
}

/// Lets the AsyncAPI's references into the OpenAPI lead into our one place.
fn localize(node: &mut Value) {
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
fn close(node: &mut Value) {
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

struct Operation<'a> {
    documents: &'a Documents,
    id: &'a str,
    path: &'a str,
    method: Method,
    operation: &'a Value,
    parameters: Vec<&'a Value>,
}

/// A request before it is sent.
#[derive(Clone, Default, Debug)]
struct Request {
    /// Replaces path parameters.
    room: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    ticket: bool,
    login: Option<Login>,
    body: Option<Vec<u8>>,
    /// Not signed by LiveKit.
    forged: bool,
}

/// How Amy's token is sent.
#[derive(Clone, Copy, Debug)]
enum Login {
    Cookie,
    Header,
}

/// A database in which Amy has an account.
struct Book {
    dir: PathBuf,
    token: String,
}

impl Book {
    fn dir() -> PathBuf {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("parlor-documents-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// A copy of one that is written once, for a hash takes its time.
    async fn open() -> Self {
        static FIRST: OnceCell<(Vec<u8>, String)> = OnceCell::const_new();
        let write = async || {
            let dir = Self::dir();
            let file = dir.join("parlor.db");
            let mut server = TestServer::start(&["--database-url", &format!("sqlite:{}", file.display())]).await;
            let login = json!({"user": "Amy", "password": "correct horse"});
            let post = async |path: &str| Http::new().post(server.url(path)).json(&login).send().await.unwrap();
            assert_eq!(post("/register").await.status(), StatusCode::CREATED);
            let answer: Value = post("/login").await.json().await.unwrap();
            // A server that stops waits only so long for its records to be written to the file.
            server.accounts.as_ref().unwrap().close().await;
            server.stop().await.unwrap();
            let bytes = fs::read(file).unwrap();
            fs::remove_dir_all(dir).unwrap();
            (bytes, answer["token"].as_str().unwrap().to_owned())
        };
        let (bytes, token) = FIRST.get_or_init(write).await;
        let dir = Self::dir();
        fs::write(dir.join("parlor.db"), bytes).unwrap();
        Self { dir, token: token.clone() }
    }

    fn url(&self) -> String {
        format!("sqlite:{}/parlor.db", self.dir.display())
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A server with Bob on a socket and Ann by polls, for one request.
struct Scene {
    server: TestServer,
    bob: Client,
    ann: Poller,
    book: Option<Book>,
}

impl Scene {
    /// With accounts, of which one is Amy's.
    async fn with_accounts(room: &str, args: &[&str]) -> Self {
        let book = Book::open().await;
        let scene = Self::set(room, &[args, &["--database-url", &book.url()]].concat()).await;
        Self { book: Some(book), ..scene }
    }

    /// As a request needs it.
    async fn meant_for(operation: &Operation<'_>, room: &str, request: &Request, code: &str) -> Self {
        let accounts = operation.is_of_accounts() || request.login.is_some() || OF_ACCOUNTS.contains(&code);
        if accounts { Self::with_accounts(room, &VIDEO).await } else { Self::set(room, &VIDEO).await }
    }

    async fn set(room: &str, args: &[&str]) -> Self {
        let server = TestServer::start(args).await;
        Self::on(server, room).await
    }

    async fn on(server: TestServer, room: &str) -> Self {
        let bob = Client::join(&server, room, "Bob").await;
        let ann = Poller::join(&server, room, "Ann").await;
        Self { server, bob, ann, book: None }
    }

    /// Puts in what only a running server can know.
    fn fill(&self, text: &str) -> String {
        let filled = text.replace("{ticket}", &self.ann.ticket).replace("{cursor}", &self.ann.cursor);
        filled.replace("{member}", self.bob.id())
    }

    async fn send(&self, operation: &Operation<'_>, request: &Request) -> Response {
        let path = operation.path.replace("{room}", &encoded(&request.room));
        let mut sent = Http::new().request(operation.method.clone(), self.server.url(&path)).query(&request.query);
        for (name, value) in &request.headers {
            sent = sent.header(name, value);
        }
        if request.ticket {
            sent = sent.bearer_auth(&self.ann.ticket);
        }
        let token = self.book.as_ref().map_or("", |book| &book.token);
        match request.login {
            Some(Login::Cookie) => sent = sent.header("cookie", format!("token={token}")),
            Some(Login::Header) => sent = sent.bearer_auth(token),
            None => {}
        }
        let body = request.body.clone().map(|body| match String::from_utf8(body) {
            Ok(text) => self.fill(&text).into_bytes(),
            Err(binary) => binary.into_bytes(),
        });
        if operation.takes("livekit") && !request.forged {
            sent = sent.header("authorization", livekit::signed(body.as_deref().unwrap_or_default(), LIVEKIT_SECRET));
        }
        if let Some(body) = body {
            sent = sent.body(body);
        }
        timeout(PATIENCE, sent.send()).await.expect("an answer").unwrap()
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn examples(node: &Value) -> Vec<&Value> {
    node["examples"].as_object().into_iter().flat_map(Map::values).map(|example| &example["value"]).collect()
}

impl Operation<'_> {
    fn responses(&self) -> &Map<String, Value> {
        self.operation["responses"].as_object().unwrap()
    }

    /// The codes that an answer with this status may have.
    fn codes(&self, status: &str) -> Vec<&str> {
        let response = self.documents.at(&self.responses()[status]);
        let json = &response["content"]["application/json"]["schema"]["allOf"][1]["properties"]["code"]["enum"];
        let list = response["x-codes"].as_array().or(json.as_array());
        list.into_iter().flatten().map(|code| code.as_str().unwrap()).collect()
    }

    fn body(&self) -> Option<(&str, &Value)> {
        let content = self.documents.at(&self.operation["requestBody"])["content"].as_object()?;
        content.iter().next().map(|(kind, body)| (kind.as_str(), body))
    }

    fn is_of_accounts(&self) -> bool {
        self.operation["tags"][0] == "accounts"
    }

    /// Whether this way to prove oneself is good here.
    fn takes(&self, scheme: &str) -> bool {
        self.operation["security"].as_array().is_some_and(|ways| ways.iter().any(|way| way.get(scheme).is_some()))
    }

    /// With the first of every example that must be there.
    fn plain_request(&self) -> Request {
        let needs_ticket = self.takes("ticket") && self.operation["security"][0].get("ticket").is_some();
        let mut request = Request { room: "general".into(), ticket: needs_ticket, ..Request::default() };
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

    fn with(&self, parameter: &Value, value: &Value) -> Request {
        let mut request = self.plain_request();
        let (name, value) = (plain(&parameter["name"]), plain(value));
        match parameter["in"].as_str().unwrap() {
            "path" => request.room = value,
            "query" => request.query.push((name, value)),
            "header" => request.headers.push((name, value)),
            place => panic!("{place}"),
        }
        request
    }

    /// Every example once, whatever else is needed with it.
    fn good(&self) -> Vec<Request> {
        let mut requests = vec![self.plain_request()];
        for parameter in &self.parameters {
            let schema = &parameter["schema"];
            assert!(!examples(parameter).is_empty(), "{} {} has no example", self.id, parameter["name"]);
            for value in examples(parameter) {
                self.documents.check(self.id, schema, value);
                requests.push(self.with(parameter, value));
            }
        }
        for value in self.body().map(|(_, body)| examples(body)).into_iter().flatten() {
            self.documents.check(self.id, &self.body().unwrap().1["schema"], value);
            let ticket = value.get("ticket").is_none() && self.plain_request().ticket;
            requests.push(Request { body: Some(plain(value).into_bytes()), ticket, ..self.plain_request() });
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
            "poll" => requests.push(Request { query: vec![("after".into(), "{cursor}".into())], ..plain }),
            "read" | "readHead" => {
                let html = header("accept", "text/html");
                requests.push(Request { headers: vec![html.clone()], ..plain.clone() });
                requests.push(Request { headers: vec![html, header("if-none-match", "*")], ..plain });
            }
            _ => {}
        }
        requests
    }

    /// What the document says is refused with this code.
    fn refused(&self, code: &str) -> Vec<Request> {
        let parameters = self.parameters.iter().filter_map(|parameter| Some((parameter, parameter["x-refused"].get(code)?)));
        let mut requests: Vec<Request> = parameters.map(|(parameter, value)| self.with(parameter, value)).collect();
        if let Some(value) = self.body().and_then(|(_, body)| body["x-refused"].get(code)) {
            requests.push(Request { body: Some(plain(value).into_bytes()), ..self.plain_request() });
        }
        requests
    }

    /// Holds an answer to the document. Gives its status and its code.
    async fn hold(&self, mut response: Response) -> (u16, Option<String>) {
        let (id, status) = (self.id, response.status().as_u16());
        let Some(expected) = self.responses().get(&status.to_string()) else { panic!("{id} does not know {status}") };
        let expected = self.documents.at(expected);
        for (name, header) in expected["headers"].as_object().unwrap() {
            let header = self.documents.at(header);
            match response.headers().get(name.to_ascii_lowercase()) {
                Some(value) => self.documents.check(&format!("{id} {name}"), &header["schema"], &json!(value.to_str().unwrap())),
                None => assert_ne!(header["required"], json!(true), "{id} {status} has no {name}"),
            }
        }
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap();
        let Some(contents) = expected["content"].as_object() else {
            let bare = status == 101 || timeout(PATIENCE, response.bytes()).await.expect("an end").unwrap().is_empty();
            assert!(bare, "{id} {status} has a body");
            return (status, None);
        };
        let content = contents.get(kind).unwrap_or_else(|| panic!("{id} {status} does not know {kind:?}"));
        // A stream has no end: its beginning will do.
        let endless = response.headers().contains_key("x-accel-buffering");
        let body = if endless {
            timeout(PATIENCE, response.chunk()).await.expect("a beginning").unwrap().unwrap()
        } else {
            timeout(PATIENCE, response.bytes()).await.expect("an end").unwrap()
        };
        let text = String::from_utf8(body.to_vec()).unwrap();
        let value = if kind == "application/json" { serde_json::from_str(&text).unwrap() } else { Value::String(text) };
        self.documents.check(&format!("{id} {status}"), &content["schema"], &value);
        (status, value["code"].as_str().map(str::to_owned))
    }
}

/// Brings a refusal about, where no value does it alone.
async fn provoked(operation: &Operation<'_>, code: &str) -> Option<Response> {
    let mut request = operation.plain_request();
    let scene = async |args: &[&str]| match operation.is_of_accounts() || OF_ACCOUNTS.contains(&code) {
        true => Scene::with_accounts("general", args).await,
        false => Scene::set("general", args).await,
    };
    let is_text = operation.body().is_some_and(|(kind, _)| kind == "text/plain");
    // Who shows a ticket in the header leaves, whatever the body says.
    request.ticket &= operation.id != "leave" || !code.starts_with("bad_");
    match code {
        "bad_text" => request.body = Some(vec![0xff]),
        "bad_frame" => request.body = Some(b"{".to_vec()),
        "no_ticket" => (request.ticket, request.body) = (false, None),
        "bad_ticket" => {
            request.ticket = false;
            request.headers.push(("authorization".into(), "Bearer nonsense".into()));
        }
        "forbidden_origin" => request.headers.push(("origin".into(), "http://evil.example".into())),
        "body_too_big" => request.body = Some(vec![b'x'; 70_000]),
        "too_long" if is_text => request.body = Some(vec![b'x'; 4001]),
        "too_long" => request.body = Some(json!({"text": "x".repeat(4001)}).to_string().into_bytes()),
        "bad_signature" => request.forged = true,
        "upgrade_required" => request.headers.clear(),
        "nobody_there" => request.room = "elsewhere".into(),
        "not_member" => {
            let scene = scene(&VIDEO).await;
            assert_eq!(scene.ann.post("leave", "").send().await.unwrap().status(), StatusCode::NO_CONTENT);
            return Some(scene.send(operation, &request).await);
        }
        "room_full" => return Some(scene(&["--room-members", "2"]).await.send(operation, &request).await),
        "stale_n" => {
            let scene = scene(&["--history-len", "1"]).await;
            for n in [5, 6] {
                scene.ann.say("hello", n).await;
            }
            request.body = Some(br#"{"text":"hello","n":5}"#.to_vec());
            return Some(scene.send(operation, &request).await);
        }
        "not_logged_in" => {
            request.login = None;
            request.headers.push(("authorization".into(), "Bearer no.good.token".into()));
        }
        "login_required" => {
            let mut scene = scene(&[]).await;
            let url = scene.book.as_ref().unwrap().url();
            scene.server = TestServer::start(&["--require-login", "true", "--database-url", &url]).await;
            return Some(scene.send(operation, &request).await);
        }
        "accounts_off" => return Some(Scene::set("general", &[]).await.send(operation, &request).await),
        "not_json" => request.headers.clear(),
        "rate_limited" if operation.is_of_accounts() => {
            let scene = scene(&[]).await;
            let wrong = operation.refused("wrong_login").pop().or_else(|| operation.refused("name_taken").pop()).unwrap();
            for _ in 0..100 {
                let response = scene.send(operation, &wrong).await;
                if response.status() == StatusCode::TOO_MANY_REQUESTS {
                    return Some(response);
                }
            }
            return None;
        }
        "rate_limited" => {
            let scene = scene(&["--rate", "1", "--address-rate", "1"]).await;
            let crowd = join_all((0..20).map(async |_| scene.send(operation, &request).await)).await;
            return crowd.into_iter().find(|response| response.status() == StatusCode::TOO_MANY_REQUESTS);
        }
        "address_limit" => {
            // A member that comes back takes no seat more.
            request.ticket &= operation.id == "say";
            return Some(scene(&["--address-seats", "2", "--address-text", "1"]).await.send(operation, &request).await);
        }
        "video_not_configured" => return Some(scene(&[]).await.send(operation, &request).await),
        "restarting" => {
            let scene = scene(&VIDEO).await;
            scene.server.hub.shutdown().await;
            return Some(scene.send(operation, &request).await);
        }
        _ => return None,
    }
    Some(scene(&VIDEO).await.send(operation, &request).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_in_the_document_is_answered_as_it_says() {
    let documents = Documents::read();
    let (mut sent, mut refused) = (0, 0);
    for operation in documents.operations() {
        let mut seen = BTreeSet::new();
        for mut request in operation.good() {
            let scene = Scene::meant_for(&operation, &request.room, &request, "").await;
            request.query.iter_mut().for_each(|(_, value)| *value = scene.fill(value));
            let (status, code) = operation.hold(scene.send(&operation, &request).await).await;
            assert!(status < 400, "{} {request:?}: {status} {code:?} (no page? `make build` builds it)", operation.id);
            seen.insert(status.to_string());
            sent += 1;
        }
        for status in operation.responses().keys().filter(|status| status.as_str() < "400") {
            assert!(seen.contains(status), "{} never answered {status}", operation.id);
        }
        for status in operation.responses().keys().filter(|status| status.as_str() >= "400") {
            for code in operation.codes(status) {
                let mut answers = Vec::new();
                for request in operation.refused(code) {
                    answers.push(Scene::meant_for(&operation, "general", &request, code).await.send(&operation, &request).await);
                }
                answers.extend(provoked(&operation, code).await);
                let is_race = RACES.contains(&(operation.id, code));
                assert!(is_race || status.starts_with('5') || !answers.is_empty(), "nothing makes {} say {code}", operation.id);
                for answer in answers.into_iter().filter(|_| !is_race) {
                    let (given, told) = operation.hold(answer).await;
                    // Who is in may still speak while the server says goodbye; nobody is let in.
                    let lets_in = ["create", "join", "events", "read", "socket", "readiness"].contains(&operation.id);
                    if code == "restarting" && !lets_in {
                        continue;
                    }
                    assert_eq!(given.to_string(), *status, "{} said {told:?} for {code}", operation.id);
                    assert!(told.as_ref().is_none_or(|told| told == code), "{} said {told:?} for {code}", operation.id);
                    refused += 1;
                }
            }
        }
    }
    println!("{sent} requests answered, {refused} refused, all of them as the document says");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_store_every_address_says_what_the_document_says() {
    let documents = Documents::read();
    let redis = redis::Server::start();
    let server = TestServer::start(&[&VIDEO[..], &["--redis-url", &redis.url()]].concat()).await;
    eventually("Redis in reach", || server.hub.ready()).await;
    let mut scene = Scene::on(server, "general").await;
    redis.kill();
    let mut seen = BTreeSet::new();
    while !seen.contains("status") {
        if let Heard::Frame(frame) = scene.bob.next().await {
            documents.hold("tell", &frame, &mut seen);
        }
    }
    let operations = documents.operations();
    let answers = operations.iter().map(async |operation| scene.send(operation, &operation.plain_request()).await);
    for (operation, response) in operations.iter().zip(join_all(answers).await) {
        let (status, code) = operation.hold(response).await;
        let asks_the_store = operation.path.starts_with("/api/rooms") || ["speak", "report"].contains(&operation.id);
        // Who polls is told nothing new, and leaves as soon as that is possible.
        if asks_the_store && !["poll", "leave"].contains(&operation.id) {
            assert_eq!(status, 503, "{} {code:?}", operation.id);
        }
    }
    // What Redis lost is said in a frame of its own.
    assert!(redis.launch());
    while !seen.contains("reset") {
        match scene.bob.next().await {
            Heard::Frame(frame) => documents.hold("tell", &frame, &mut seen),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_of_a_client_in_the_document_is_answered_as_it_says() {
    let documents = Documents::read();
    let mut seen = BTreeSet::new();
    let mut sent = 0;
    for (kind, message) in documents.messages("say") {
        let good = message["examples"].as_array().unwrap().iter().map(|one| (&one["payload"], one["x-answer"].clone()));
        let refused = message["x-refused"].as_object().into_iter().flatten();
        let refused = refused.map(|(code, payload)| (payload, json!({ "error": code })));
        for (payload, answer) in good.chain(refused) {
            let scene = Scene::set("general", &VIDEO).await;
            let payload = scene.fill(&payload.to_string());
            if answer["error"].is_null() {
                documents.check(kind, &message["payload"], &serde_json::from_str(&payload).unwrap());
            }
            let Scene { server, mut bob, .. } = scene;
            let mut ann = match kind {
                "resume" => Client::open(&server, "room=general&resume=1").await,
                _ => Client::join(&server, "general", "Eve").await,
            };
            documents.hold("tell", &bob.welcome, &mut seen);
            ann.send_text(&payload).flush().await;
            let (own, others, code) = (answer["frame"].as_str(), answer["others"].as_str(), answer["error"].as_str());
            let close = answer["close"].as_u64();
            assert!(own.is_some() || others.is_some() || code.is_some(), "{kind} expects nothing: {answer}");
            for (person, expected) in [(&mut ann, own.or(code.map(|_| "error"))), (&mut bob, others)] {
                let Some(expected) = expected else { continue };
                loop {
                    let Heard::Frame(frame) = person.next().await else { panic!("no {expected}: {:?}", person.seen) };
                    documents.hold("tell", &frame, &mut seen);
                    if frame["type"] == *expected {
                        assert!(code.is_none_or(|code| frame["code"] == *code), "{payload}: {frame}");
                        break;
                    }
                }
            }
            if let Some(close) = close {
                ann.expect_close(u16::try_from(close).unwrap()).await;
            }
            if own == Some("ack") {
                documents.hold("tell", &bob.until("chat").await, &mut seen);
            }
            sent += 1;
        }
    }
    // What no text of a client's brings about, and the stream.
    let Scene { server, mut bob, ann, book } = Scene::with_accounts("general", &VIDEO).await;
    bob.put(Message::binary(vec![1])).flush().await;
    documents.hold("tell", &bob.until("error").await, &mut seen);
    let (mut heard, base) = (BTreeSet::new(), server.url(""));
    let mut stream = Listener::open(&base, "general", "", Some(&ann.ticket), None).await;
    documents.hold("stream", &stream.welcome, &mut heard);
    ann.say("hello", 1).await;
    bob.send(json!({"typing": true})).send(json!({"text": "hello"})).flush().await;
    let cy = Client::join(&server, "general", "Cy").await;
    let came = livekit::report_of("participant_joined", "general", cy.id(), 1_700_000_000_000);
    assert_eq!(livekit::reports(&server, &came, &livekit::signed(&came, LIVEKIT_SECRET)).await, 200);
    documents.hold("tell", &bob.until("call").await, &mut seen);
    let dee = Client::join(&server, "general", "Dee").await;
    assert!(dee.welcome["members"].as_array().unwrap().iter().any(|member| member["inCall"] == true));
    documents.hold("tell", &dee.welcome, &mut seen);
    dee.leave().await;
    cy.leave().await;
    // Amy is who she says.
    let mut request = Client::request(&server, "room=general");
    request.headers_mut().insert("cookie", format!("token={}", book.as_ref().unwrap().token).parse().unwrap());
    let mut amy = Client::upgrade(&server, request).await.unwrap().welcomed().await;
    amy.say("hello", 1).await;
    assert_eq!(amy.welcome["verified"], true);
    documents.hold("tell", &amy.welcome, &mut seen);
    for (kind, name) in [("joined", "Amy"), ("chat", "Amy")] {
        let frame = loop {
            let frame = bob.until(kind).await;
            if frame["user"] == name {
                break frame;
            }
        };
        assert_eq!(frame["verified"], true, "{frame}");
        documents.hold("tell", &frame, &mut seen);
    }
    amy.leave().await;
    while !heard.contains("left") {
        documents.hold("stream", &stream.next().await.unwrap(), &mut heard);
    }
    server.hub.shutdown().await;
    while let Some(frame) = stream.next().await {
        documents.hold("stream", &frame, &mut heard);
    }
    documents.hold("tell", &bob.until("closing").await, &mut seen);
    // A crowd, by every door.
    let Scene { server, mut bob, ann, .. } = Scene::set("general", &["--crowd", "2"]).await;
    let mut stream = Listener::open(&server.url(""), "general", "?name=Eve", None, None).await;
    assert_eq!((&stream.welcome["crowd"], &stream.welcome["count"]), (&json!(true), &json!(3)));
    documents.hold("stream", &stream.welcome, &mut heard);
    documents.hold("tell", &bob.until("presence").await, &mut seen);
    let operations = documents.operations();
    let poll = operations.iter().find(|operation| operation.id == "poll").unwrap();
    let (news, anew) = (ann.ask(&ann.cursor, 60).send().await.unwrap(), ann.ask("1-0", 0).send().await.unwrap());
    assert_eq!((poll.hold(news).await.0, poll.hold(anew).await.0), (200, 200));
    bob.leave().await;
    ann.leave().await;
    while !heard.contains("presence") {
        documents.hold("stream", &stream.next().await.unwrap(), &mut heard);
    }
    // Only a store that fails brings these about: another test does.
    let rare = ["status", "reset"];
    for (operation, seen) in [("tell", &seen), ("stream", &heard)] {
        let missing: Vec<_> = documents.messages(operation).into_keys().filter(|kind| !seen.contains(*kind)).collect();
        assert!(missing.iter().all(|kind| rare.contains(kind)), "{operation}: never heard {missing:?}");
    }
    println!("{sent} frames sent, {} kinds heard on the socket, {} on the stream", seen.len(), heard.len());
}

#[test]
fn the_examples_of_answers_are_what_their_schemas_say() {
    let documents = Documents::read();
    let mut checked = 0;
    for operation in documents.operations() {
        for (status, response) in operation.responses() {
            for content in documents.at(response)["content"].as_object().into_iter().flat_map(Map::values) {
                for value in examples(content) {
                    documents.check(&format!("{} {status}", operation.id), &content["schema"], value);
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
    for wrong in [json!({"type": "pong", "more": 1}), json!({"type": "ping"}), json!({}), json!(null)] {
        assert!(!documents.faults(&json!({"$ref": "#/components/schemas/Pong"}), &wrong).is_empty(), "{wrong}");
    }
}

#[tokio::test]
async fn every_address_and_method_is_in_the_document_and_the_reverse() {
    let documents = Documents::read();
    let documented = documents.http["paths"].as_object().unwrap().iter().map(|(path, item)| {
        let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters").map(|method| method.to_uppercase());
        (path.clone(), methods.collect::<BTreeSet<_>>())
    });
    let routed = parlor::http::api().map(|(path, methods)| (path.to_owned(), methods.split(", ").map(str::to_owned).collect()));
    assert_eq!(documented.collect::<BTreeMap<_, BTreeSet<_>>>(), routed.collect());

    let (server, http) = (TestServer::start(&[]).await, Http::new());
    let refusal = |name: &str| documents.http["components"]["responses"][name].clone();
    let told = async |response: Response, name: &str| {
        let expected = refusal(name);
        let (header, schema) = (&expected["headers"], &expected["content"]["application/json"]["schema"]);
        for name in header.as_object().unwrap().keys() {
            assert!(response.headers().contains_key(name.to_ascii_lowercase()), "{name}");
        }
        documents.check(name, schema, &response.json().await.unwrap());
    };
    for (path, item) in documents.http["paths"].as_object().unwrap() {
        let methods: BTreeSet<String> =
            item.as_object().unwrap().keys().filter(|key| *key != "parameters").map(|method| method.to_uppercase()).collect();
        let url = server.url(&path.replace("{room}", "general"));
        for method in METHODS.map(str::to_uppercase).into_iter().filter(|method| !methods.contains(method)) {
            let response = http.request(Method::from_bytes(method.as_bytes()).unwrap(), &url).send().await.unwrap();
            assert_eq!(response.status(), 405, "{method} {path}");
            let allowed = response.headers()["allow"].to_str().unwrap().split(", ").map(str::to_owned).collect::<BTreeSet<_>>();
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
    let used: BTreeSet<&str> =
        operations.iter().flat_map(|operation| operation.responses().keys().flat_map(|status| operation.codes(status))).collect();
    let codes: BTreeSet<&str> =
        documents.schemas["Code"]["enum"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    let unused: BTreeSet<&str> = codes.difference(&used).copied().collect();
    assert_eq!((unused, used.difference(&codes).count()), (BTreeSet::from(elsewhere), 0));

    // A schema for each type that is sent is generated; a message of that name uses it.
    let of_schemas = |prefix: &str, document: &Value| -> BTreeSet<String> {
        let schemas = document["components"]["schemas"].as_object().unwrap().iter();
        let schemas = schemas.filter(|(name, _)| name.starts_with(prefix));
        schemas.filter_map(|(_, schema)| schema["properties"]["type"]["const"].as_str()).map(str::to_owned).collect()
    };
    let names = |operation: &str| documents.messages(operation).into_keys().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(of_schemas("", &documents.http), names("tell"));
    assert_eq!(of_schemas("Send", &documents.frames), names("say"));
}

#[tokio::test]
async fn the_documents_are_served_as_they_are() {
    let server = TestServer::start(&[]).await;
    for name in ["openapi", "asyncapi"] {
        let response = reqwest::get(server.url(&format!("/api/{name}.yaml"))).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"application/yaml".parse().unwrap())
        );
        assert_eq!(response.text().await.unwrap(), source(&format!("docs/{name}.yaml")));
    }
}
