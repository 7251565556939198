//! The body of a response to a client behind a proxy. The client's request is counted until the body ends.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use hyper::body::{Body, Frame, SizeHint};

use super::hijack::HijackHandle;

/// A body, and the connection whose count ends with it.
pub struct Served<B> {
    body: B,
    hijack_handle: Option<HijackHandle>,
}

impl<B> Served<B> {
    /// `hijack_handle` is the connection that the response uses, if requests are counted there.
    pub fn new(body: B, hijack_handle: Option<HijackHandle>) -> Self {
        Self { body, hijack_handle }
    }
}

impl<B: Body + Unpin> Body for Served<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Served<B> {
    fn drop(&mut self) {
        if let Some(hijack_handle) = &self.hijack_handle {
            hijack_handle.release();
        }
    }
}
