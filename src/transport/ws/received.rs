//! What comes over a WebSocket, parsed.

use std::future::poll_fn;

use futures_util::{FutureExt, StreamExt};
use hyper_tungstenite::tungstenite::{
    Error, Message, error::ProtocolError, protocol::frame::coding::CloseCode,
};

use super::{FRAME_LIMIT, Socket};
use crate::protocol::{ApiError, ClientFrame};

/// What came over the socket.
pub(super) enum Received {
    /// A data frame, parsed.
    Frame(ClientFrame),
    /// A ping or a pong.
    Control,
    /// A close by a member that leaves.
    Goodbye,
    /// A close by a page that unloads, and may only be reloading.
    Unload,
    /// Broken WebSocket protocol, or a message that is too large.
    Nonsense(ApiError),
    /// The connection is lost.
    Lost,
}

impl From<Option<Result<Message, Error>>> for Received {
    fn from(message: Option<Result<Message, Error>>) -> Self {
        match message {
            Some(Ok(Message::Text(text))) => Self::Frame(ClientFrame::parse(&text)),
            Some(Ok(Message::Binary(_))) => {
                Self::Frame(ClientFrame { ask: Err(ApiError::BinaryFrame), n: None })
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Self::Control,
            // A client that gives up a lost connection sends a close code of its own. Only a normal close means that it
            // leaves.
            Some(Ok(Message::Close(frame))) => {
                match frame.map_or(CloseCode::Status, |frame| frame.code) {
                    CloseCode::Normal | CloseCode::Status => Self::Goodbye,
                    CloseCode::Away => Self::Unload,
                    _ => Self::Lost,
                }
            }
            Some(Err(Error::Capacity(_))) => Self::Nonsense(ApiError::FrameTooBig),
            Some(Err(Error::Utf8(_))) => Self::Nonsense(ApiError::BadText),
            // A peer that vanishes without a close frame is lost; it has not broken the protocol.
            Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) | None => {
                Self::Lost
            }
            Some(Err(Error::Protocol(_))) => Self::Nonsense(ApiError::BadProtocol),
            Some(Err(_)) => Self::Lost,
        }
    }
}

impl Received {
    /// What comes next.
    pub(super) async fn next(socket: &mut Socket) -> Self {
        if socket.get_ref().is_drained() {
            // tungstenite has nothing, and to ask it costs five times as much.
            poll_fn(|cx| socket.get_ref().poll_readable(cx)).await;
        }
        let message = socket.next().await;
        Self::read(socket, message)
    }

    pub(super) fn read(socket: &mut Socket, message: Option<Result<Message, Error>>) -> Self {
        if let Some(Ok(message)) = &message {
            let stream = socket.get_mut();
            stream.account(message.len());
            // tungstenite sends the pong when it is asked for the next message.
            stream.took_all &= !message.is_ping();
        }
        Self::from(message)
    }
}

/// The most frames, and bytes of them, that are handled together.
const TOGETHER: (usize, usize) = (64, FRAME_LIMIT);

/// Adds the data frames that are there already. Returns what comes after them, as far as it is there.
pub(super) fn gather(socket: &mut Socket, frames: &mut Vec<ClientFrame>) -> Option<Received> {
    let mut bytes = 0;
    while frames.len() < TOGETHER.0 && bytes < TOGETHER.1 && !socket.get_ref().is_drained() {
        let message = socket.next().now_or_never()?;
        bytes += message.iter().flatten().map(Message::len).sum::<usize>();
        match Received::read(socket, message) {
            Received::Frame(frame) => frames.push(frame),
            other => return Some(other),
        }
    }
    None
}

/// The first data frame. `Err(None)` when the peer is gone.
pub(super) async fn first_frame(socket: &mut Socket) -> Result<ClientFrame, Option<ApiError>> {
    loop {
        match Received::next(socket).await {
            Received::Frame(frame) => return Ok(frame),
            Received::Control => {}
            Received::Nonsense(error) => {
                socket.get_mut().broken = true;
                return Err(Some(error));
            }
            Received::Goodbye | Received::Unload | Received::Lost => return Err(None),
        }
    }
}
