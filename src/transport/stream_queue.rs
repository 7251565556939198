//! A way out for streams over HTTP: what is delivered waits in a bounded queue
//! for the connection to take it. How it looks is the manner's business.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::timeout};

use super::BodyFraming;
use crate::{
    budget::{Unread, Usage},
    hub::{Encoder, Hub, JoinRequest, Session, Subscriber},
    protocol::ApiError,
};

/// How far a reader may fall behind, in bytes, before the stream ends.
const QUEUE_LIMIT: usize = 256 * 1024;

/// A silent stream says that it lives this often, if it can: less than the minute that proxies wait.
const PULSE: Duration = Duration::from_secs(15);

/// How a kind of stream speaks.
pub(super) struct StreamFormat {
    /// Frames in chunks.
    pub(super) chunked: Encoder,
    /// Frames as they are.
    pub(super) bare: Encoder,
    /// What comes before everything else.
    pub(super) prologue: Option<&'static str>,
    /// A sign of life that readers pass over.
    pub(super) pulse: Option<&'static str>,
    /// Why the stream ends.
    pub(super) farewell: fn(&ApiError) -> Vec<u8>,
}

struct StreamQueue {
    manner: &'static StreamFormat,
    framing: BodyFraming,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Bytes>,
    queued: usize,
    /// What may be queued now: a long welcome may be slow, but not what comes on top of it.
    limit: usize,
    ended: bool,
    /// Counts what is queued on top of what the connection takes first.
    unread: Option<Unread>,
}

impl State {
    /// Counts what is queued; false where that is too much.
    fn count(&mut self) -> bool {
        let queued = self.queued;
        self.unread.as_mut().is_none_or(|unread| unread.set(queued).is_ok())
    }
}

/// Lets somebody in and gives what they read, for as long as they do. A stream that breaks is a lost link, and its
/// seat is held for the grace; who came without a ticket has nothing to take it up again with, and leaves at once.
pub(super) async fn open(
    hub: &Arc<Hub>,
    entrance: JoinRequest,
    manner: &'static StreamFormat,
    framing: BodyFraming,
) -> Result<impl Stream<Item = Bytes> + Send + 'static, ApiError> {
    let flow = Arc::new(StreamQueue { manner, framing, state: Mutex::default(), changed: Notify::new() });
    flow.state.lock().unread = entrance.usage.as_ref().map(Usage::unread);
    let passing = entrance.ticket.is_none();
    let seat = hub.enter(entrance, Arc::clone(&flow) as Arc<dyn Subscriber>).await?;
    let place = Place { seat: Some(seat), passing };
    let prologue = stream::iter(manner.prologue.map(|prologue| framing.piece(prologue.as_bytes())));
    let frames = stream::unfold((flow, place), |(flow, place)| async move {
        let bytes = flow.next().await?;
        Some((bytes, (flow, place)))
    });
    Ok(prologue.chain(frames).chain(stream::iter(framing.end())))
}

/// The seat of a stream.
struct Place {
    seat: Option<Session>,
    passing: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take().filter(|_| self.passing) {
            seat.quit();
        }
    }
}

impl StreamQueue {
    /// What comes next; `None` at the end.
    async fn next(&self) -> Option<Bytes> {
        loop {
            {
                let mut state = self.state.lock();
                if let Some(bytes) = state.queue.pop_front() {
                    state.queued -= bytes.len();
                    // Less than before.
                    state.count();
                    return Some(bytes);
                }
                if state.ended {
                    return None;
                }
            }
            match self.manner.pulse {
                Some(pulse) if timeout(PULSE, self.changed.notified()).await.is_err() => {
                    return Some(self.framing.piece(pulse.as_bytes()));
                }
                Some(_) => {}
                None => self.changed.notified().await,
            }
        }
    }
}

impl Subscriber for StreamQueue {
    fn encoder(&self) -> &'static Encoder {
        match self.framing {
            BodyFraming::Chunked => &self.manner.chunked,
            BodyFraming::CloseDelimited => &self.manner.bare,
        }
    }

    fn deliver(&self, frames: &[Bytes]) {
        let slow = {
            let mut state = self.state.lock();
            if state.ended {
                return;
            }
            let length: usize = frames.iter().map(Bytes::len).sum();
            let behind = !state.queue.is_empty();
            if !behind {
                state.limit = QUEUE_LIMIT + length;
            }
            state.queued += length;
            state.queue.extend(frames.iter().filter(|frame| !frame.is_empty()).cloned());
            // What a connection takes at once is not unread; of a large welcome it hardly takes all.
            let counts = behind || length > 2 * QUEUE_LIMIT;
            state.queued > state.limit || (counts && !state.count())
        };
        if slow {
            self.close(&ApiError::TooSlow);
        }
        self.changed.notify_one();
    }

    fn close(&self, why: &ApiError) {
        {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.ended, true) {
                return;
            }
            if matches!(why, ApiError::TooSlow) {
                // Nothing is skipped: who comes back goes on from what they did read.
                state.queue.clear();
                state.queued = 0;
                state.count();
            }
            let farewell = self.framing.piece(&(self.manner.farewell)(why));
            state.queued += farewell.len();
            state.queue.push_back(farewell);
        }
        self.changed.notify_one();
    }
}
