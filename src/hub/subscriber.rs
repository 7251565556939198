//! What the hub needs of a transport: an encoder of frames, and a subscriber that takes them.

use bytes::Bytes;

use super::Frame;
use crate::protocol::{ApiError, ServerMessage};

/// How a kind of subscriber wants its frames encoded. One static a transport; compared by address.
pub struct Encoder {
    /// Appends one frame.
    pub frame: fn(frame: &Frame<'_>, out: &mut Vec<u8>),
    /// Subscribers get their own messages as all others do, with their `n`, instead of an `ack`.
    pub echo: bool,
}

impl Encoder {
    /// One message by itself.
    pub fn encode(&self, message: &ServerMessage<'_>) -> Bytes {
        let json = message.to_json();
        // What a WebSocket's header takes for most lengths: Bytes of a vector without room to spare allocate no more.
        let header = if json.len() < 1 << 16 { 4 } else { 16 };
        let mut out = Vec::with_capacity(json.len() + header);
        (self.frame)(&Frame { message, json: &json }, &mut out);
        out.into()
    }

    /// Appends one message, by way of a buffer for its JSON.
    pub(super) fn append(
        &self,
        message: &ServerMessage<'_>,
        json: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) {
        json.clear();
        message.write(json);
        (self.frame)(&Frame { message, json }, out);
    }
}

/// A client that follows a room over some transport. Called under the room's lock: it must not wait, and must not
/// call the hub.
pub trait Subscriber: Send + Sync + 'static {
    /// How this subscriber's frames are encoded.
    fn encoder(&self) -> &'static Encoder;
    /// Takes whole frames, in order. A subscriber that cannot keep up closes itself; it never skips.
    fn deliver(&self, frames: &[Bytes]);
    /// The page of this subscriber says that it unloads.
    fn unload(&self) {}
    /// Nothing more will come.
    fn close(&self, why: &ApiError);
}
