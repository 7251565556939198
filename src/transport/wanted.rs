//! What a socket is wanted back from hyper for.

use bytes::Bytes;
use futures_util::{future::BoxFuture, stream::BoxStream};

/// What is to go over a socket once it is back.
pub enum Wanted {
    /// An answer that goes on and ends the connection.
    Flow(LastBytes),
    /// An answer that is waited for. The connection may go on after it.
    Wait(Wait),
}

/// The head of an answer, and what follows it.
pub struct LastBytes {
    /// Status line and headers, whole.
    pub head: Vec<u8>,
    /// The body, framed as the head says; the connection ends with it.
    pub body: BoxStream<'static, Bytes>,
}

/// Comes when there is an answer; `None` if it broke.
pub type Wait = BoxFuture<'static, Option<Whole>>;

/// A whole answer.
pub struct Whole {
    /// Head and body, as they go over the wire.
    pub bytes: Vec<u8>,
    /// It is the last one of its connection.
    pub ends: bool,
}
