//! The queue of a stream over HTTP: frames wait in it, bounded, until the connection takes them. The [`StreamFormat`]
//! defines how they look.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, future::BoxFuture, stream};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::timeout};

use super::BodyFraming;
use crate::{
    budget::{Unread, Usage},
    hub::{Encoder, Hub, JoinRequest, Session, Subscriber},
    protocol::ApiError,
};

/// How many bytes a client may fall behind before the stream ends.
const QUEUE_LIMIT: usize = 256 * 1024;

/// How often a silent stream sends its pulse, if it has one: less than the minute that proxies wait.
const PULSE: Duration = Duration::from_secs(15);

/// The format of a stream.
pub(super) struct StreamFormat {
    /// Frames in chunks.
    pub(super) chunked: Encoder,
    /// Frames without chunks.
    pub(super) bare: Encoder,
    /// What comes before everything else.
    pub(super) prologue: Option<&'static str>,
    /// Bytes that clients ignore, to show that the stream is alive.
    pub(super) pulse: Option<&'static str>,
    /// Formats the reason why the stream ends.
    pub(super) closing: fn(&ApiError) -> Vec<u8>,
}

struct StreamQueue {
    format: &'static StreamFormat,
    framing: BodyFraming,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Bytes>,
    queued: usize,
    /// How many bytes may be queued now: a long welcome is allowed beyond the limit, but not what comes on top of it.
    limit: usize,
    ended: bool,
    /// Counts the bytes queued on top of what the connection takes at first.
    unread: Option<Unread>,
}

impl State {
    /// Counts what is queued; false when a budget is exceeded.
    fn count(&mut self) -> bool {
        let queued = self.queued;
        self.unread.as_mut().is_none_or(|unread| unread.set(queued).is_ok())
    }
}

/// Joins a room and returns its stream. When the stream breaks, the session is held for the grace period. A client
/// without a ticket cannot resume, and leaves at once.
pub(super) async fn open(
    hub: &Arc<Hub>,
    join_request: JoinRequest,
    format: &'static StreamFormat,
    framing: BodyFraming,
) -> Result<impl Stream<Item = Bytes> + Send + 'static, ApiError> {
    let flow =
        Arc::new(StreamQueue { format, framing, state: Mutex::default(), changed: Notify::new() });
    flow.state.lock().unread = join_request.usage.as_ref().map(Usage::unread);
    let passing = join_request.ticket.is_none();
    let (entering, subscriber) = (Arc::clone(hub), Arc::clone(&flow) as Arc<dyn Subscriber>);
    let mut entering: Entering =
        Box::pin(async move { entering.enter(join_request, subscriber).await });
    // A person who has to wait until the host admits them is told so at once.
    let place = tokio::select! {
        biased;
        joined = &mut entering => Place { session: Some(joined?), passing, entering: None },
        () = flow.changed.notified() => Place { session: None, passing, entering: Some(entering) },
    };
    let prologue = stream::iter(format.prologue.map(|prologue| framing.piece(prologue.as_bytes())));
    let frames = stream::unfold((flow, place), |(flow, mut place)| async move {
        let bytes = loop {
            let Some(entering) = &mut place.entering else { break flow.next().await };
            tokio::select! {
                bytes = flow.next() => break bytes,
                joined = entering => {
                    place.entering = None;
                    match joined {
                        Ok(session) => place.session = Some(session),
                        Err(error) => flow.close(&error),
                    }
                }
            }
        };
        Some((bytes?, (flow, place)))
    });
    Ok(prologue.chain(frames).chain(stream::iter(framing.end())))
}

/// A join under way.
type Entering = BoxFuture<'static, Result<Session, ApiError>>;

/// The session of a stream.
struct Place {
    session: Option<Session>,
    passing: bool,
    /// Until the host has admitted the person.
    entering: Option<Entering>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(session) = self.session.take().filter(|_| self.passing) {
            session.quit();
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
                    // The count goes down, which cannot fail.
                    state.count();
                    return Some(bytes);
                }
                if state.ended {
                    return None;
                }
            }
            match self.format.pulse {
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
            BodyFraming::Chunked => &self.format.chunked,
            BodyFraming::CloseDelimited => &self.format.bare,
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
            // Bytes that a connection takes at once do not count as unread; it hardly takes all of a large welcome at
            // once.
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
                // Nothing is skipped: a client that comes back resumes after the last event it read.
                state.queue.clear();
                state.queued = 0;
                state.count();
            }
            let closing = self.framing.piece(&(self.format.closing)(why));
            state.queued += closing.len();
            state.queue.push_back(closing);
        }
        self.changed.notify_one();
    }
}
