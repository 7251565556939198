//! What the hub asks of a transport: a way to frame, and a place to put frames.

use bytes::Bytes;

use crate::{protocol::ApiError, room::Cursor};

/// How a kind of reader wants its frames. One static a transport; compared by address.
pub struct Encoder {
    /// Appends one frame that carries `json`; `cursor` is where its reader stands after it, if that moves.
    pub frame: fn(json: &[u8], cursor: Option<Cursor>, out: &mut Vec<u8>),
    /// Readers hear their own words as everybody else does, with their `n`, instead of an `ack`.
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

/// Somebody who follows a room over some transport. Called under the room's
/// lock: it must not wait, and must not call the hub.
pub trait Subscriber: Send + Sync + 'static {
    /// How this reader's frames are made.
    fn encoder(&self) -> &'static Encoder;
    /// Takes whole frames, in order. A reader that cannot keep up closes itself; it never skips.
    fn deliver(&self, frames: &[Bytes]);
    /// The page that reads this says that it unloads.
    fn unload(&self) {}
    /// Nothing more will come.
    fn close(&self, why: &ApiError);
}
