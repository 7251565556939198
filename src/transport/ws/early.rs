//! What a peer says before it is welcomed. A socket is read while its join waits for the store, so that a peer that is
//! gone does not take the seat from its next link.

use std::future::pending;

use futures_util::StreamExt;
use hyper_tungstenite::tungstenite::Message;

use super::{FRAME_LIMIT, Received, Socket};
use crate::protocol::{ApiError, ClientFrame};

/// How many frames are kept until the welcome; more of them wait in the socket.
const KEPT: usize = 16;

/// Frames that wait for the welcome.
#[derive(Default)]
pub(super) struct Early {
    frames: Vec<ClientFrame>,
    bytes: usize,
    goodbye: bool,
    /// The page is gone, and may only be reloading.
    pub(super) unloads: bool,
}

impl Early {
    /// Nothing came.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty() && !self.goodbye
    }

    /// What came, in order, and whether a goodbye came after it.
    pub(super) fn take(self) -> (Vec<ClientFrame>, bool) {
        (self.frames, self.goodbye)
    }

    /// Reads on until the peer is gone, or has broken the protocol.
    pub(super) async fn listen(&mut self, socket: &mut Socket) -> Option<ApiError> {
        while !self.goodbye && self.frames.len() < KEPT && self.bytes < FRAME_LIMIT {
            let message = socket.next().await;
            self.bytes += message.iter().flatten().map(Message::len).sum::<usize>();
            match Received::from(message) {
                Received::Frame(inbound) => self.frames.push(inbound),
                Received::Control => {}
                // It leaves for good: its seat is freed once it has it.
                Received::Goodbye => self.goodbye = true,
                Received::Nonsense(trouble) => {
                    socket.get_mut().broken = true;
                    return Some(trouble);
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
