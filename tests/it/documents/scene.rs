//! A server with members, for one request.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::{sync::OnceCell, time::timeout};

use super::operation::{Login, Operation, Request};
use crate::wire::{Client, PATIENCE, TestServer, encoded, livekit, poller::Poller};

/// Video is set up, though no LiveKit is there.
pub(super) const VIDEO: [&str; 8] = [
    "--livekit-url",
    "wss://video.example.org",
    "--livekit-api-url",
    "ws://127.0.0.1:1",
    "--livekit-api-key",
    livekit::KEY,
    "--livekit-api-secret",
    LIVEKIT_SECRET,
];

pub(super) const LIVEKIT_SECRET: &str = "a secret that is long enough for HS256";

/// What is said where there are accounts.
pub(super) const OF_ACCOUNTS: [&str; 4] =
    ["not_logged_in", "login_required", "name_taken", "name_verified"];

/// A database in which Amy has an account.
pub(super) struct Book {
    pub(super) dir: PathBuf,
    pub(super) token: String,
}

impl Book {
    pub(super) fn dir() -> PathBuf {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir =
            std::env::temp_dir().join(format!("parlor-documents-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// A copy of one that is written once, for a hash takes its time.
    pub(super) async fn open() -> Self {
        static FIRST: OnceCell<(Vec<u8>, String)> = OnceCell::const_new();
        let write = async || {
            let dir = Self::dir();
            let file = dir.join("parlor.db");
            let mut server =
                TestServer::start(&["--database-url", &format!("sqlite:{}", file.display())]).await;
            let login = json!({"user": "Amy", "password": "correct horse"});
            let post = async |path: &str| {
                crate::support::http::client()
                    .post(server.url(path))
                    .json(&login)
                    .send()
                    .await
                    .unwrap()
            };
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

    pub(super) fn url(&self) -> String {
        format!("sqlite:{}/parlor.db", self.dir.display())
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A server with Bob on a socket and Ann by polls, for one request.
pub(super) struct Scene {
    pub(super) server: TestServer,
    pub(super) bob: Client,
    pub(super) ann: Poller,
    pub(super) book: Option<Book>,
    /// A file of Ann's that has come whole, and an upload of which nothing has.
    pub(super) files: [String; 2],
    /// An invite that Bob has made, who is the host, and the id of a person who waits.
    pub(super) invite: String,
    pub(super) waiting: String,
}

impl Scene {
    /// With accounts, of which one is Amy's.
    pub(super) async fn with_accounts(room: &str, args: &[&str]) -> Self {
        let book = Book::open().await;
        let scene = Self::set(room, &[args, &["--database-url", &book.url()]].concat()).await;
        Self { book: Some(book), ..scene }
    }

    /// As a request needs it.
    pub(super) async fn meant_for(
        operation: &Operation<'_>,
        room: &str,
        request: &Request,
        code: &str,
    ) -> Self {
        let accounts =
            operation.is_of_accounts() || request.login.is_some() || OF_ACCOUNTS.contains(&code);
        let scene = if accounts {
            Self::with_accounts(room, &VIDEO).await
        } else {
            Self::set(room, &VIDEO).await
        };
        let body = request.body.as_deref().unwrap_or_default();
        let waits = String::from_utf8_lossy(body).contains("{waiting}");
        let scene = if waits { scene.awaited().await } else { scene };
        if operation.id == "say" { scene.talked().await } else { scene }
    }

    /// With a person who waits until Bob admits them.
    pub(super) async fn awaited(mut self) -> Self {
        self.by_host("host", json!({ "type": "lock", "lock": "knock" })).await;
        assert_eq!(self.join(json!({ "name": "Eve" })).await.0, StatusCode::LOCKED);
        let knock = self.bob.until("knock").await;
        knock["clientId"].as_str().unwrap().clone_into(&mut self.waiting);
        self
    }

    /// A request of Bob's, which is granted.
    pub(super) async fn by_host(&self, what: &str, body: Value) -> Value {
        let url = self.server.url(&format!("/api/rooms/general/{what}"));
        let request = crate::support::http::client().post(url).body(body.to_string());
        let ticket = self.bob.welcome["ticket"].as_str().unwrap();
        let answer = request.bearer_auth(ticket).send().await.unwrap();
        assert!(answer.status().is_success(), "{body}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// Another person asks to join.
    pub(super) async fn join(&self, wish: Value) -> (StatusCode, Value) {
        let url = self.server.url("/api/rooms/general/join");
        let request = crate::support::http::client().post(url).body(wish.to_string());
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// With something to amend: message 1 is Ann's, message 2 is Bob's.
    async fn talked(mut self) -> Self {
        self.ann.publish("hello", 1).await;
        self.bob.send(json!({"text": "hello"})).until("ack").await;
        self
    }

    pub(super) async fn set(room: &str, args: &[&str]) -> Self {
        let server = TestServer::start(args).await;
        Self::on(server, room).await
    }

    pub(super) async fn on(server: TestServer, room: &str) -> Self {
        let bob = Client::join(&server, room, "Bob").await;
        let ann = Poller::join(&server, room, "Ann").await;
        let upload = async || {
            let body = json!({ "size": 5 }).to_string();
            let opened = ann.post("files", body).send().await.unwrap();
            let opened: Value = opened.json().await.unwrap();
            opened["file"].as_str().unwrap_or("none").to_owned()
        };
        let files = [upload().await, upload().await];
        let invite = crate::support::http::client()
            .post(server.url(&format!("/api/rooms/{}/invites", encoded(room))))
            .bearer_auth(bob.welcome["ticket"].as_str().unwrap());
        let invite: Value = invite.send().await.unwrap().json().await.unwrap();
        let invite = invite["invite"].as_str().unwrap_or("none").to_owned();
        let url = server.url(&format!("/api/rooms/{}/files/{}", encoded(room), files[0]));
        let piece = crate::support::http::client().patch(url).bearer_auth(&ann.ticket);
        piece.header("upload-offset", "0").body("hello").send().await.unwrap();
        Self { server, bob, ann, book: None, files, invite, waiting: String::new() }
    }

    /// Puts in what only a running server can know.
    pub(super) fn fill(&self, text: &str) -> String {
        let filled =
            text.replace("{ticket}", &self.ann.ticket).replace("{cursor}", &self.ann.cursor);
        let [file, upload] = &self.files;
        let filled = filled.replace("{file}", file).replace("{upload}", upload);
        let id = self.invite.split('.').next().unwrap();
        let filled = filled.replace("{invite}", &self.invite).replace("{invite-id}", id);
        let filled = filled.replace("{guest}", self.ann.id()).replace("{waiting}", &self.waiting);
        filled.replace("{member}", self.bob.id())
    }

    pub(super) async fn send(&self, operation: &Operation<'_>, request: &Request) -> Response {
        let path = operation.path.replace("{room}", &encoded(&request.room));
        let path = path.replace("{file}", &self.fill(&request.file));
        let path = path.replace("{invite}", &self.fill(&request.invite));
        let mut sent = crate::support::http::client()
            .request(operation.method.clone(), self.server.url(&path))
            .query(&request.query);
        for (name, value) in &request.headers {
            sent = sent.header(name, value);
        }
        if request.ticket {
            let by_host = operation.is_of_the_host() && !request.as_guest;
            let ticket = if by_host { self.bob.welcome["ticket"].as_str() } else { None };
            sent = sent.bearer_auth(ticket.unwrap_or(&self.ann.ticket));
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
            sent = sent.header(
                "authorization",
                livekit::signed(body.as_deref().unwrap_or_default(), LIVEKIT_SECRET),
            );
        }
        if let Some(body) = body {
            sent = sent.body(body);
        }
        timeout(PATIENCE, sent.send()).await.expect("an answer").unwrap()
    }
}
