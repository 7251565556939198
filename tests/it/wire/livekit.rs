//! A real LiveKit of the version that the Makefile names, on this machine only.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use livekit_api::{access_token::AccessToken, services::room::RoomClient};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite};

use super::{TestServer, within_patience};
use crate::support::port::free_port;

pub const KEY: &str = "devkey";
pub const SECRET: &str = "a secret that is long enough for HS256";
/// With a LiveKit that is not there: tokens are signed all the same.
pub const KEYS: [&str; 8] = [
    "--livekit-url",
    "wss://video.example.org",
    "--livekit-api-url",
    "ws://127.0.0.1:1",
    "--livekit-api-key",
    KEY,
    "--livekit-api-secret",
    SECRET,
];

pub struct LiveKit {
    pub port: u16,
    pub secret: String,
    config: PathBuf,
    process: Option<Child>,
}

impl LiveKit {
    /// Where it will be: Parlor and LiveKit each must know of the other before they start.
    pub fn reserve() -> Self {
        let port = free_port();
        let secret = format!("{0}{0}", uuid::Uuid::new_v4().simple());
        let config =
            std::env::temp_dir().join(format!("livekit-{port}-{}.yaml", std::process::id()));
        Self { port, secret, config, process: None }
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Joins with a token as a browser's client does, but without media.
    pub async fn dial(&self, token: &str) -> tungstenite::Result<WebSocketStream<TcpStream>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let address =
            format!("{}/rtc?access_token={token}&protocol=15&auto_subscribe=1", self.url());
        client_async(address, stream).await.map(|(socket, _)| socket)
    }

    /// What Parlor is to be started with.
    pub fn settings(&self) -> [String; 6] {
        let [url, key, secret] =
            ["--livekit-url", "--livekit-api-key", "--livekit-api-secret"].map(str::to_owned);
        [url, self.url(), key, KEY.to_owned(), secret, self.secret.clone()]
    }

    /// Starts it, or starts it again; `webhook` is the URL that it reports to. Waits until it answers.
    pub async fn start(&mut self, webhook: &str) {
        let rooms = self.rooms();
        self.spawn(webhook);
        within_patience("LiveKit answers", async || {
            // Another process may have taken one of its ports meanwhile.
            if self.process.as_mut().unwrap().try_wait().unwrap().is_some() {
                self.spawn(webhook);
            }
            rooms.list_rooms(Vec::new()).await
        })
        .await;
    }

    fn spawn(&mut self, webhook: &str) {
        let (port, tcp, udp, secret) = (self.port, free_port(), free_port(), &self.secret);
        let config = format!(
            "port: {port}\nbind_addresses: [127.0.0.1]\nkeys: {{ {KEY}: {secret} }}\nlogging: {{ level: warn }}\n\
             rtc: {{ tcp_port: {tcp}, udp_port: {udp}, node_ip: 127.0.0.1, use_external_ip: false, enable_loopback_candidate: true, \
             interfaces: {{ includes: [lo] }} }}\nroom: {{ auto_create: true, empty_timeout: 300, departure_timeout: 300 }}\n\
             webhook: {{ api_key: {KEY}, urls: [\"{webhook}\"] }}\n"
        );
        std::fs::write(&self.config, config).unwrap();
        let mut server = Command::new(program());
        server
            .arg("--config")
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.process = Some(server.kill_on_drop(true).spawn().unwrap());
    }

    /// As a power cut would.
    pub async fn kill(&mut self) {
        self.process.take().unwrap().kill().await.unwrap();
    }

    /// As an operator would; LiveKit may take its time.
    pub fn terminate(&self) {
        let id = self.process.as_ref().unwrap().id().unwrap();
        kill_process(Pid::from_raw(id.cast_signed()).unwrap(), Signal::TERM).unwrap();
    }

    /// Waits until its process has ended.
    pub async fn ended(&mut self) {
        self.process.as_mut().unwrap().wait().await.unwrap();
    }

    pub fn rooms(&self) -> RoomClient {
        RoomClient::with_api_key(&self.url(), KEY, &self.secret)
    }
}

impl Drop for LiveKit {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.config);
    }
}

/// Tells Parlor what LiveKit would. Gives the status.
pub async fn reports(server: &TestServer, body: &str, signature: &str) -> u16 {
    let request = crate::support::http::client()
        .post(server.url("/livekit/webhook"))
        .header("authorization", signature);
    request.body(body.to_owned()).send().await.unwrap().status().as_u16()
}

/// What LiveKit puts into `Authorization` with this body.
pub fn signed(body: impl AsRef<[u8]>, secret: &str) -> String {
    let sum = BASE64_STANDARD.encode(Sha256::digest(body.as_ref()));
    AccessToken::with_api_key(KEY, secret).with_sha256(&sum).to_jwt().unwrap()
}

/// LiveKit's own words for a participant that came or went.
pub fn report_of(event: &str, room: &str, id: &str, at: u64) -> String {
    let them = json!({"sid": "PA_x", "identity": id, "joinedAt": (at / 1000).to_string(), "joinedAtMs": at.to_string()});
    json!({"event": event, "room": {"sid": "RM_x", "name": room}, "participant": them, "id": "EV_x", "createdAt": "1"})
        .to_string()
}

/// The LiveKit that `make tools` builds.
fn program() -> PathBuf {
    let makefile = include_str!("../../../Makefile");
    let version =
        makefile.lines().find_map(|line| line.strip_prefix("LIVEKIT_VERSION := ")).unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("target/tools/livekit-server-{version}"));
    assert!(program.exists(), "LiveKit {version} is not built: run `make tools`");
    program
}
