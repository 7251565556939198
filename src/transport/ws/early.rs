//! What a client sends before its welcome. Its socket is read while the join waits for the store. A client that is
//! already gone then does not take the session from its next connection.

use std::future::pending;

use futures_util::StreamExt;
use hyper_tungstenite::tungstenite::Message;

use super::{FRAME_LIMIT, Received, Socket};
use crate::protocol::{ApiError, ClientFrame};

/// How many frames are kept until the welcome; further frames wait in the socket.
const KEPT: usize = 16;

/// Frames that came before the welcome.
#[derive(Default)]
pub(super) struct Early {
    frames: Vec<ClientFrame>,
    bytes: usize,
    goodbye: bool,
    /// The page has unloaded, and may only be reloading.
    pub(super) unloads: bool,
}

impl Early {
    /// Nothing came.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty() && !self.goodbye
    }

    /// The frames in order, and whether a close came after them.
    pub(super) fn take(self) -> (Vec<ClientFrame>, bool) {
        (self.frames, self.goodbye)
    }

    /// Reads until the peer is gone or has broken the protocol.
    pub(super) async fn listen(&mut self, socket: &mut Socket) -> Option<ApiError> {
        while !self.goodbye && self.frames.len() < KEPT && self.bytes < FRAME_LIMIT {
            let message = socket.next().await;
            self.bytes += message.iter().flatten().map(Message::len).sum::<usize>();
            match Received::read(socket, message) {
                Received::Frame(inbound) => self.frames.push(inbound),
                Received::Control => {}
                // The member leaves for good: its session is freed once it is established.
                Received::Goodbye => self.goodbye = true,
                Received::Nonsense(error) => {
                    socket.get_mut().broken = true;
                    return Some(error);
                }
                Received::Unload => {
                    self.unloads = true;
                    return None;
                }
                Received::Lost => return None,
            }
        }
        pending().await
    }
}
