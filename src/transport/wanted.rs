//! What a socket is taken back from hyper for.

use bytes::Bytes;
use futures_util::{future::BoxFuture, stream::BoxStream};

/// What goes over a socket once it is back.
pub enum Wanted {
    /// A streamed response that ends the connection.
    Flow(LastBytes),
    /// A response that is not ready yet. The connection may go on after it.
    Wait(Wait),
}

/// The head of a response, and its body.
pub struct LastBytes {
    /// Status line and headers, whole.
    pub head: Vec<u8>,
    /// The body, framed as the head declares; the connection ends with it.
    pub body: BoxStream<'static, Bytes>,
}

/// Resolves to the response; `None` if it failed.
pub type Wait = BoxFuture<'static, Option<Whole>>;

/// A whole response.
pub struct Whole {
    /// Head and body, as they go over the connection.
    pub bytes: Vec<u8>,
    /// It is the last response of its connection.
    pub ends: bool,
}
