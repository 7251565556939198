//! What the hub needs of a transport: an encoder of frames, and a subscriber that takes them.

use bytes::Bytes;

use crate::{protocol::ApiError, room::Cursor};

/// How a kind of subscriber wants its frames encoded. One static a transport; compared by address.
pub struct Encoder {
    /// Appends one frame that carries `json`; `cursor` is the subscriber's position after it, if that moves.
    pub frame: fn(json: &[u8], cursor: Option<Cursor>, out: &mut Vec<u8>),
    /// Subscribers get their own messages as all others do, with their `n`, instead of an `ack`.
    pub echo: bool,
}

impl Encoder {
    /// One frame by itself.
    pub fn framed(&self, json: &[u8], cursor: Option<Cursor>) -> Bytes {
        let mut out = Vec::with_capacity(json.len() + 16);
        (self.frame)(json, cursor, &mut out);
        out.into()
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
