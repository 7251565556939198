//! A person who comes to a room, by any transport, and is let in, kept waiting or refused.

use std::net::SocketAddr;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    support::http,
    wire::{Client, Heard, PATIENCE, encoded, listener::Listener, poller::Poller},
};

/// How a way in is refused: the code, and the HTTP status or the close code of a socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
}

impl Refusal {
    fn of(status: u16, body: &Value) -> Self {
        Self { status, code: body["code"].as_str().unwrap_or_default().to_owned() }
    }
}

/// What comes of a try.
pub enum Entry<T> {
    In(T),
    Waits(T),
    Refused(Refusal),
}

impl<T> Entry<T> {
    #[track_caller]
    pub fn joined(self) -> T {
        match self {
            Self::In(there) => there,
            Self::Waits(_) => panic!("kept waiting"),
            Self::Refused(why) => panic!("refused: {why:?}"),
        }
    }

    #[track_caller]
    pub fn waits(self) -> T {
        match self {
            Self::In(_) => panic!("let in"),
            Self::Waits(there) => there,
            Self::Refused(why) => panic!("refused: {why:?}"),
        }
    }

    #[track_caller]
    pub fn refused(self) -> Refusal {
        match self {
            Self::In(_) => panic!("let in"),
            Self::Waits(_) => panic!("kept waiting"),
            Self::Refused(why) => why,
        }
    }
}

/// What a person brings along.
#[derive(Clone, Default)]
pub struct Visitor {
    pub name: String,
    /// The address that the proxy reports.
    from: Option<String>,
    /// A login.
    cookie: Option<String>,
    ticket: Option<String>,
    invite: Option<String>,
}

impl Visitor {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub fn from(self, address: &str) -> Self {
        Self { from: Some(address.to_owned()), ..self }
    }

    pub fn cookie(self, token: &str) -> Self {
        Self { cookie: Some(format!("token={token}")), ..self }
    }

    pub fn ticket(self, ticket: &str) -> Self {
        Self { ticket: Some(ticket.to_owned()), ..self }
    }

    pub fn invite(self, invite: &str) -> Self {
        Self { invite: Some(invite.to_owned()), ..self }
    }

    /// A request with all that is brought along in headers.
    pub fn request(&self, method: Method, server: SocketAddr, path: &str) -> RequestBuilder {
        let request = http::client().request(method, format!("http://{server}{path}"));
        let headers = [("x-forwarded-for", &self.from), ("cookie", &self.cookie)];
        let request = headers.into_iter().fold(request, |request, (name, value)| {
            value.iter().fold(request, |request, value| request.header(name, value))
        });
        self.ticket.iter().fold(request, |request, ticket| request.bearer_auth(ticket))
    }

    fn query(&self) -> String {
        let name = (!self.name.is_empty()).then(|| format!("name={}", encoded(&self.name)));
        let invite = self.invite.as_ref().map(|invite| format!("invite={}", encoded(invite)));
        name.into_iter().chain(invite).collect::<Vec<_>>().join("&")
    }

    fn upgrade(&self, server: SocketAddr, query: &str) -> hyper::Request<()> {
        let mut request = Client::request_at(server, query);
        let bearer = self.ticket.as_ref().map(|ticket| format!("Bearer {ticket}"));
        for (name, value) in
            [("x-forwarded-for", &self.from), ("cookie", &self.cookie), ("authorization", &bearer)]
        {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        request
    }

    /// By a socket, the ticket in its header.
    pub async fn by_socket(&self, server: SocketAddr, room: &str) -> Entry<Client> {
        let query = format!("room={}&{}", encoded(room), self.query());
        let request = self.upgrade(server, &query);
        Self::see(Client::knock(server, request).await.unwrap()).await
    }

    /// By a socket, the ticket in its first frame.
    pub async fn by_resume_frame(&self, server: SocketAddr, room: &str) -> Entry<Client> {
        let query = format!("room={}&resume=1&{}", encoded(room), self.query());
        let without = Self { ticket: None, ..self.clone() };
        let mut client = Client::knock(server, without.upgrade(server, &query)).await.unwrap();
        client.send(json!({"type": "resume", "ticket": self.ticket})).flush().await;
        Self::see(client).await
    }

    async fn see(mut client: Client) -> Entry<Client> {
        let Heard::Frame(frame) = client.next().await else { panic!("{:?}", client.seen) };
        match frame["type"].as_str().unwrap() {
            "error" => {
                assert_eq!(client.expect("closing").await["code"], frame["code"]);
                let Heard::Closed(status, _) = client.next().await else {
                    panic!("no close: {:?}", client.seen)
                };
                Entry::Refused(Refusal::of(status, &frame))
            }
            "knocking" => {
                client.welcome = frame;
                Entry::Waits(client)
            }
            _ => {
                assert_eq!(frame["type"], "welcome", "{frame}");
                client.welcome = frame;
                Entry::In(client)
            }
        }
    }

    /// By Server-Sent Events.
    pub async fn by_events(&self, server: SocketAddr, room: &str) -> Entry<Listener> {
        let path = format!("/api/rooms/{}/events?{}", encoded(room), self.query());
        let mut stream = Listener::of(self.request(Method::GET, server, &path)).await;
        if stream.response.status() != 200 {
            let status = stream.response.status().as_u16();
            let body: Value = stream.response.json().await.unwrap();
            return Entry::Refused(Refusal::of(status, &body));
        }
        stream.welcome = stream.next().await.expect("a frame");
        if stream.welcome["type"] == "knocking" {
            return Entry::Waits(stream);
        }
        assert_eq!(stream.welcome["type"], "welcome");
        stream.ticket = stream.welcome["ticket"].as_str().unwrap().to_owned();
        Entry::In(stream)
    }

    /// By a request, as a client that polls. One that has to wait has a ticket to ask again with.
    pub async fn by_join(&self, server: SocketAddr, room: &str) -> Entry<Poller> {
        let path = format!("/api/rooms/{}/join", encoded(room));
        let mut wish = json!({ "name": self.name });
        if let Some(invite) = &self.invite {
            wish["invite"] = json!(invite);
        }
        let request = self.request(Method::POST, server, &path).body(wish.to_string());
        let (status, body) = answer(request).await;
        let word = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        let poller = Poller {
            http: http::client().clone(),
            base: format!("http://{server}"),
            room: room.to_owned(),
            ticket: word("ticket"),
            cursor: word("cursor"),
            welcome: body.clone(),
        };
        match (status, body["code"].as_str()) {
            (200, _) => Entry::In(poller),
            (423, Some("knocking")) => Entry::Waits(poller),
            _ => Entry::Refused(Refusal::of(status, &body)),
        }
    }

    /// By a terminal.
    pub async fn by_terminal(&self, server: SocketAddr, room: &str) -> Entry<Terminal> {
        let path = format!("/r/{}?{}", encoded(room), self.query());
        let request = self.request(Method::GET, server, &path).header("accept", "text/plain");
        let response = timeout(PATIENCE, request.send()).await.expect("an answer").unwrap();
        let status = response.status().as_u16();
        if status != 200 {
            // A terminal is told in words; the message stands for the code.
            let code = response.text().await.unwrap().trim_end().to_owned();
            return Entry::Refused(Refusal { status, code });
        }
        let mut terminal = Terminal { response, text: String::new(), ended: false };
        while !terminal.text.contains("* You are ") {
            if terminal.text.contains(WAIT) {
                return Entry::Waits(terminal);
            }
            terminal.more().await;
        }
        Entry::In(terminal)
    }
}

/// What a terminal is told that has to wait.
const WAIT: &str = "* The host of this room decides who joins. Please wait\n";

/// A room as text.
pub struct Terminal {
    response: reqwest::Response,
    pub text: String,
    ended: bool,
}

impl Terminal {
    async fn more(&mut self) {
        assert!(!self.ended, "the end: {}", self.text);
        match timeout(PATIENCE, self.response.chunk()).await {
            Ok(Ok(Some(chunk))) => self.text.push_str(std::str::from_utf8(&chunk).unwrap()),
            Ok(_) => self.ended = true,
            Err(_) => panic!("nothing came: {}", self.text),
        }
    }

    /// Reads until this has come.
    pub async fn until(&mut self, words: &str) {
        while !self.text.contains(words) {
            self.more().await;
        }
    }

    /// Reads to the end.
    pub async fn end(mut self) -> String {
        while !self.ended {
            self.more().await;
        }
        self.text
    }
}

/// The status and the JSON of an answer; null for none.
pub async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = timeout(PATIENCE, request.send()).await.expect("an answer").unwrap();
    let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}
