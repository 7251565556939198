//! How each server wants to be spoken to: the way in, and a message.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    mark,
    masked::{TEXT, frame},
};

/// What is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Dialect {
    /// Parlor's, and the floor's.
    Parlor,
    Nchan,
    /// Plain JSON over a socket: the `ws` peer's.
    Plain,
    SocketIo,
    /// JSON commands, one a line.
    Centrifugo,
}

/// What a message says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Text {
    /// So many bytes of ASCII.
    Plain(usize),
    /// At most so many bytes of Cyrillic, emoji and what JSON escapes.
    Mixed(usize),
}

/// What a mixed text repeats.
const MIXED: &str = "Привет, как дела? \"Хорошо\" \\ 👍🏽 да\n";

/// What the room of this number is called.
pub fn room_name(room: usize) -> String {
    format!("load-{room}")
}

/// By which door a member reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Door {
    #[default]
    Socket,
    Stream,
    /// Long polls, one after the other on one connection.
    Poll,
}

/// What is to be done after what has come so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Wait,
    /// Say this; what has come so far is done with.
    Say(Vec<u8>),
    /// In the room.
    Ready,
}

impl Dialect {
    /// The first request of a member who reads by `door`.
    pub fn request(self, door: Door, room: usize) -> String {
        let room = room_name(room);
        let (upgrade, stream) = (
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            "Accept: text/event-stream\r\n",
        );
        let (line, headers) = match (self, door) {
            (Self::Parlor, Door::Socket) => (format!("GET /ws?room={room}&name=load"), upgrade),
            (Self::Parlor, Door::Stream) => {
                (format!("GET /api/rooms/{room}/events?name=load"), stream)
            }
            (Self::Parlor, Door::Poll) => {
                (format!("POST /api/rooms/{room}/join"), "Content-Length: 2\r\n")
            }
            (Self::Nchan, Door::Stream) => (format!("GET /room?room={room}"), stream),
            (Self::Nchan | Self::Plain, _) => (format!("GET /room?room={room}"), upgrade),
            (Self::SocketIo, _) => {
                (format!("GET /socket.io/?EIO=4&transport=websocket&room={room}"), upgrade)
            }
            (Self::Centrifugo, _) => ("GET /connection/websocket".to_owned(), upgrade),
        };
        let body = if matches!((self, door), (Self::Parlor, Door::Poll)) { "{}" } else { "" };
        format!("{line} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n{body}")
    }

    /// What to do on the way in, after all of `heard`.
    pub fn step(self, door: Door, room: usize, heard: &[u8]) -> Step {
        let has = |needle: &str| memchr::memmem::find(heard, needle.as_bytes()).is_some();
        let ready = match (self, door) {
            (Self::Parlor, _) => has(r#""type":"welcome""#),
            // It says nothing before there is a message: in once it has answered.
            (Self::Nchan, _) => has("\r\n\r\n"),
            (Self::Plain, _) => has("welcome"),
            (Self::SocketIo, _) if has("42[\"welcome\"]") => true,
            // The answer to what is said here looks alike, but for its first digit.
            (Self::SocketIo, _) if has("0{\"sid\"") && !has("40{\"sid\"") => {
                return Step::Say(frame(TEXT, b"40"));
            }
            (Self::SocketIo, _) => false,
            (Self::Centrifugo, _) if has("\r\n\r\n") => {
                // Together, as its own clients do; with what the channel keeps, as Parlor's welcome has it.
                let channel = room_name(room);
                let subscribe =
                    json!({ "channel": channel, "recover": true, "epoch": "", "offset": 0 });
                let connect = json!({ "id": 1, "connect": {} });
                let subscribe = json!({ "id": 2, "subscribe": subscribe });
                return Step::Say(frame(TEXT, format!("{connect}\n{subscribe}").as_bytes()));
            }
            (Self::Centrifugo, _) => has(r#""id":2,"subscribe":"#),
        };
        if ready { Step::Ready } else { Step::Wait }
    }

    /// A frame that says `text` in a room, and where the mark goes.
    pub fn message(self, room: usize, text: Text) -> (Vec<u8>, usize) {
        let text = text.with_mark();
        let said = match self {
            // In this order: the floor reads no JSON.
            Self::Parlor => format!(r#"{{"type":"chat","text":{}}}"#, json!(text)),
            Self::Plain => json!({ "type": "chat", "text": text }).to_string(),
            // What is published is what is heard: the sender has to say who it is.
            Self::Nchan => json!({ "type": "chat", "user": "load", "text": text }).to_string(),
            Self::SocketIo => format!("42{}", json!(["chat", { "text": text }])),
            Self::Centrifugo => {
                let data = json!({ "user": "load", "text": text });
                let publish = json!({ "channel": room_name(room), "data": data });
                json!({ "id": 3, "publish": publish }).to_string()
            }
        };
        let frame = frame(TEXT, said.as_bytes());
        let at = memchr::memmem::find(&frame, b"@@").unwrap_or_default();
        (frame, at)
    }

    /// Whether who speaks is told so by an ack, rather than by hearing the message as the others do.
    pub fn acks(self) -> bool {
        self == Self::Parlor
    }
}

impl Text {
    /// Begins with a place for the mark.
    fn with_mark(self) -> String {
        let mark = format!("@@{}", "x".repeat(mark::LENGTH - 2));
        match self {
            Self::Plain(bytes) => mark + &"x".repeat(bytes.saturating_sub(mark::LENGTH)),
            Self::Mixed(bytes) => {
                let mut text = mark;
                for next in MIXED.chars().cycle() {
                    if text.len() + next.len_utf8() > bytes {
                        break;
                    }
                    text.push(next);
                }
                text
            }
        }
    }
}
