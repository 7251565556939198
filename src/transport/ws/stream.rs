//! What tungstenite reads from, and writes its few own frames to. It shares the socket with the [`Outbox`], so that
//! frames never cut into each other.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::tcp::OwnedReadHalf,
};

use super::outbox::Outbox;

pub(super) struct Stream {
    /// What hyper had already read when it gave the socket back.
    pub(super) head: Bytes,
    pub(super) socket: OwnedReadHalf,
    pub(super) outbox: Arc<Outbox>,
    /// Bytes that tungstenite has got and that no message accounts for.
    pub(super) unread: usize,
    /// The last read had room for more.
    pub(super) took_all: bool,
    /// tungstenite has failed to parse the input.
    pub(super) broken: bool,
}

impl Stream {
    /// Whether neither tungstenite nor the socket may have another frame. A message in fragments has more headers than
    /// are accounted for, and after one the answer stays no.
    pub(super) fn is_drained(&self) -> bool {
        self.took_all && self.unread == 0
    }

    /// Accounts for a message of so many bytes, which came in one frame.
    pub(super) fn account(&mut self, length: usize) {
        let header = match length {
            ..126 => 6,
            126..0x1_0000 => 8,
            _ => 14,
        };
        self.unread = self.unread.saturating_sub(header + length);
    }

    /// Waits for the socket alone, where tungstenite has nothing to read.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.socket.as_ref().poll_read_ready(cx).map(|_| ())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = if self.head.has_remaining() {
            let take = self.head.len().min(buf.remaining());
            buf.put_slice(&self.head.split_to(take));
            Poll::Ready(Ok(()))
        } else {
            Pin::new(&mut self.socket).poll_read(cx, buf)
        };
        self.unread += buf.filled().len() - before;
        self.took_all = buf.remaining() > 0;
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.outbox.put(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
