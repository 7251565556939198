//! A server in this process on a port of its own, and a client that says what
//! it sends and expects by type. A wait that fails prints every frame seen.

pub mod listener;
pub mod livekit;
pub mod poller;
mod server;

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        http::Request,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

pub use crate::support::PATIENCE;
use crate::support::until;
pub use server::TestServer;

/// Waits until something holds.
pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    until(what, async || holds()).await;
}

/// Asks again until there is an answer.
pub async fn within_patience<T, E>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, E>) -> T {
    let asking = async {
        loop {
            match ask().await {
                Ok(answer) => break answer,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("in vain waited: {what}"))
}

/// Percent-encodes everything but letters and digits.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Sends bytes over a connection of their own, and reads until the server closes it.
pub async fn exchange(server: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    exchange_over(TcpStream::connect(server).await.unwrap(), bytes).await
}

/// As [`exchange`], over a connection that is there. The server may close it before it has read everything.
pub async fn exchange_over(mut stream: TcpStream, bytes: impl AsRef<[u8]>) -> String {
    let _ = stream.write_all(bytes.as_ref()).await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A header of an answer, or nothing.
pub fn header<'a>(response: &'a reqwest::Response, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// The texts of some messages.
pub fn said(messages: &Value) -> Vec<&str> {
    messages.as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect()
}

/// What comes over a socket.
#[derive(Clone, PartialEq, Debug)]
pub enum Heard {
    Frame(Value),
    Pong(Vec<u8>),
    Closed(u16, String),
    /// The link ended without a close frame.
    Gone,
}

pub struct Client {
    pub socket: WebSocketStream<TcpStream>,
    pub welcome: Value,
    /// The newest cursor given.
    pub cursor: String,
    /// Every frame, for when something does not come.
    pub seen: Vec<String>,
}

impl Client {
    /// Opens a socket with an upgrade request of one's own; nothing is expected of it yet.
    pub async fn upgrade(server: &TestServer, request: Request<()>) -> Result<Self, Error> {
        Self::upgrade_over(TcpStream::connect(server.address).await.unwrap(), request).await
    }

    /// As [`Client::upgrade`], where even the connection may be refused.
    pub async fn knock(address: SocketAddr, request: Request<()>) -> Result<Self, Error> {
        Self::upgrade_over(TcpStream::connect(address).await?, request).await
    }

    /// As [`Client::upgrade`], over a connection of one's own.
    pub async fn upgrade_over(stream: TcpStream, request: Request<()>) -> Result<Self, Error> {
        stream.set_nodelay(true).unwrap();
        let (socket, _) = timeout(PATIENCE, client_async(request, stream))
            .await
            .expect("an answer to the upgrade")?;
        Ok(Self { socket, welcome: Value::Null, cursor: String::new(), seen: Vec::new() })
    }

    pub fn request(server: &TestServer, query: &str) -> Request<()> {
        Self::request_at(server.address, query)
    }

    pub fn request_at(address: SocketAddr, query: &str) -> Request<()> {
        format!("ws://{address}/ws?{query}").into_client_request().unwrap()
    }

    pub async fn open(server: &TestServer, query: &str) -> Self {
        Self::upgrade(server, Self::request(server, query)).await.unwrap()
    }

    /// Opens and is welcomed.
    pub async fn enter(server: &TestServer, query: &str) -> Self {
        Self::open(server, query).await.welcomed().await
    }

    pub async fn join(server: &TestServer, room: &str, name: &str) -> Self {
        Self::enter(server, &format!("room={}&name={}", encoded(room), encoded(name))).await
    }

    /// Joins over a link that takes little at a time.
    pub async fn join_narrow(server: &TestServer, room: &str, name: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(2048).unwrap();
        Self::join_over(socket, server, room, name).await
    }

    /// Joins over a link at whose end little waits: the kernel keeps some 100 KiB there; how much at the other end is for
    /// that to say. Its segments are small beside its window, or the kernel's timers would open that, in their own time.
    pub async fn join_shallow(server: &TestServer, room: &str, name: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        SockRef::from(&socket).set_mss(1024).unwrap();
        Self::join_over(socket, server, room, name).await
    }

    async fn join_over(socket: TcpSocket, server: &TestServer, room: &str, name: &str) -> Self {
        let stream = socket.connect(server.address).await.unwrap();
        let request = Self::request(server, &format!("room={room}&name={name}"));
        Self::upgrade_over(stream, request).await.unwrap().welcomed().await
    }

    /// Comes back by a first frame.
    pub async fn resume(
        server: &TestServer,
        room: &str,
        ticket: &str,
        cursor: Option<&str>,
    ) -> Self {
        let mut client =
            Self::open(server, &format!("room={}&name=Back&resume=1", encoded(room))).await;
        client.send(cursor.map_or_else(
            || json!({"type": "resume", "ticket": ticket}),
            |cursor| json!({"type": "resume", "ticket": ticket, "cursor": cursor}),
        ));
        client.flush().await;
        client.welcomed().await
    }

    /// Comes back by header.
    pub async fn resume_by_header(
        server: &TestServer,
        room: &str,
        ticket: &str,
        cursor: Option<&str>,
    ) -> Self {
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let mut request =
            Self::request(server, &format!("room={}&name=Back{cursor}", encoded(room)));
        request.headers_mut().insert("authorization", format!("Bearer {ticket}").parse().unwrap());
        Self::upgrade(server, request).await.unwrap().welcomed().await
    }

    pub async fn welcomed(mut self) -> Self {
        self.welcome = self.expect("welcome").await;
        self
    }

    pub fn id(&self) -> &str {
        self.welcome["clientId"].as_str().unwrap()
    }

    pub fn ticket(&self) -> &str {
        self.welcome["ticket"].as_str().unwrap()
    }

    pub fn room(&self) -> &str {
        self.welcome["roomId"].as_str().unwrap()
    }

    /// Queues a frame; the next wait or [`Client::flush`] sends it.
    pub fn send(&mut self, frame: Value) -> &mut Self {
        self.send_text(&frame.to_string())
    }

    pub fn send_text(&mut self, frame: &str) -> &mut Self {
        self.put(Message::text(frame))
    }

    pub fn put(&mut self, message: Message) -> &mut Self {
        self.seen.push(format!("> {}", shortened(&format!("{message:?}"))));
        self.socket.start_send_unpin(message).unwrap();
        self
    }

    pub async fn flush(&mut self) {
        timeout(PATIENCE, self.socket.flush()).await.expect("the server reads").unwrap();
    }

    /// Says something and waits for its ack, which must come next.
    pub async fn publish(&mut self, text: &str, n: u64) -> Value {
        self.send(json!({"type": "chat", "text": text, "n": n}));
        let ack = self.expect("ack").await;
        assert_eq!(ack["n"], n, "{ack}");
        ack
    }

    /// The next thing that comes, WebSocket pings aside.
    pub async fn next(&mut self) -> Heard {
        let Ok(heard) = timeout(PATIENCE, self.next_whenever()).await else {
            panic!("nothing came; seen so far:\n{}", self.seen.join("\n"))
        };
        heard
    }

    /// As [`Client::next`], however long it takes.
    pub async fn next_whenever(&mut self) -> Heard {
        let _ = self.socket.flush().await;
        let heard = loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    break Heard::Frame(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Pong(payload))) => break Heard::Pong(payload.to_vec()),
                Some(Ok(Message::Ping(_))) => self.seen.push("< ping".into()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    break Heard::Closed(frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Close(None))) => break Heard::Closed(1005, String::new()),
                Some(Ok(other)) => panic!("no frame of ours: {other:?}"),
                Some(Err(_)) | None => break Heard::Gone,
            }
        };
        self.seen.push(format!("< {}", shortened(&format!("{heard:?}"))));
        if let Heard::Frame(frame) = &heard
            && let Some(cursor) = frame["cursor"].as_str()
        {
            cursor.clone_into(&mut self.cursor);
        }
        heard
    }

    /// The next frame, which must be of this type.
    pub async fn expect(&mut self, kind: &str) -> Value {
        match self.next().await {
            Heard::Frame(frame) if frame["type"] == kind => frame,
            other => {
                panic!("expected {kind}, got {other:?}; seen so far:\n{}", self.seen.join("\n"))
            }
        }
    }

    /// The next frame of this type, whatever comes before it.
    pub async fn until(&mut self, kind: &str) -> Value {
        loop {
            match self.next().await {
                Heard::Frame(frame) if frame["type"] == kind => return frame,
                Heard::Closed(..) | Heard::Gone => {
                    panic!("no {kind} before the end; seen:\n{}", self.seen.join("\n"))
                }
                _ => {}
            }
        }
    }

    /// The next frame must be an error with this code.
    pub async fn expect_error(&mut self, code: &str) -> Value {
        let error = self.expect("error").await;
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        error
    }

    /// The next thing must be a close with this code.
    pub async fn expect_close(&mut self, code: u16) {
        match self.next().await {
            Heard::Closed(given, _) if given == code => {}
            other => panic!(
                "expected close {code}, got {other:?}; seen so far:\n{}",
                self.seen.join("\n")
            ),
        }
    }

    /// `closing` with this code word, then the close.
    pub async fn expect_closing(&mut self, word: &str, code: u16) -> Value {
        let closing = self.expect("closing").await;
        assert_eq!(closing["code"], word, "{closing}");
        self.expect_close(code).await;
        closing
    }

    /// Says goodbye and waits until the server has taken note.
    pub async fn leave(mut self) {
        self.send(json!({"type": "leave"}));
        loop {
            match self.next().await {
                Heard::Closed(code, _) => return assert_eq!(code, 1000),
                Heard::Gone => panic!("no close after leave; seen:\n{}", self.seen.join("\n")),
                _ => {}
            }
        }
    }

    /// Sends a close frame and waits for the answer.
    pub async fn close(mut self, code: Option<u16>) -> Heard {
        let frame = code.map(|code| CloseFrame { code: CloseCode::from(code), reason: "".into() });
        self.put(Message::Close(frame));
        loop {
            match self.next().await {
                Heard::Frame(_) | Heard::Pong(_) => {}
                end => return end,
            }
        }
    }

    /// Breaks the link without a word.
    pub fn drop_link(self) {
        drop(self);
    }

    /// Writes bytes to the socket that need not be WebSocket.
    pub async fn write_raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.flush().await;
        self.seen.push(format!("> {} raw bytes", bytes.len()));
        self.socket.get_mut().write_all(bytes).await
    }
}

/// A client's frame, masked with zeros; `head` is the first byte.
pub fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![head];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        long @ 126..65536 => {
            frame.extend([&[0x80 | 126][..], &(long as u16).to_be_bytes()].concat())
        }
        huge => frame.extend([&[0x80 | 127][..], &(huge as u64).to_be_bytes()].concat()),
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

fn shortened(text: &str) -> String {
    text.chars().take(400).collect()
}
