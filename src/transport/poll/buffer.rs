//! What has happened since a member's last poll. Bounded: on overflow all of it is dropped, and the next poll reads the
//! log.

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, timeout, timeout_at},
};

use super::{
    contents::PollContents,
    cursor::{Page, PollCursor},
    record::{JOINED, RESUMED, Record, Start},
};
use crate::{
    hub::{Encoder, Subscriber},
    protocol::{ApiError, ServerMessage},
};

/// How long the receipt of a room that has ended may take: LiveKit is asked to end the call before.
const SIGNING: Duration = Duration::from_secs(3);

pub(super) struct PollBuffer {
    state: Mutex<State>,
    changed: Notify,
    /// Notified when the member's page unloads.
    pub(super) unload: Arc<Notify>,
}

struct State {
    /// The welcome as the hub framed it, for a member that has just joined.
    welcome: Option<Bytes>,
    /// The `after` of a poll that has received everything except `gathered`.
    here: PollCursor,
    /// The number of the next response.
    response: u64,
    gathered: PollContents,
    /// The cursor of the last answered poll, and what the response held: it may not have arrived.
    last: Option<(PollCursor, Told)>,
    /// Counts polls: only the newest is answered.
    polls: u64,
    /// How many polls wait.
    waiting: usize,
    /// The buffer has overflowed, or was given up: nothing more gathers.
    full: bool,
    /// A reset may not have arrived, and the log does not show it: the client must discard what it has read.
    void: bool,
    closed: Option<ApiError>,
    /// The ticket that was last replaced by a fresh one.
    old_ticket: Option<String>,
}

/// What a response held.
// Nearly every buffer has the large one: a box would be one allocation more for each poll.
#[expect(clippy::large_enum_variant)]
enum Told {
    /// Events and messages.
    Pieces(PollContents),
    /// A welcome or a reset. Not kept, because the log can produce it again.
    Start { reset: bool },
}

/// What a poll found.
pub(super) enum PollOutcome {
    /// A response.
    Answer(Bytes),
    /// Nothing in time, or a newer poll took this one's place.
    Nothing,
    /// The buffer lacks what the poll asks for, but the log has it. What the client has read may be void.
    Unknown { void: bool },
    /// The session was taken away while the poll waited.
    Closed(ApiError),
}

impl PollBuffer {
    /// For a member that has just joined, or one that resumes at `here`.
    pub(super) fn new(here: Option<PollCursor>) -> Self {
        let welcome = here.is_none().then(Bytes::new);
        let here = here.unwrap_or_else(PollCursor::nowhere);
        let state = State {
            welcome,
            here,
            response: fastrand::u64(..),
            gathered: PollContents::default(),
            last: None,
            polls: 0,
            waiting: 0,
            full: false,
            void: false,
            closed: None,
            old_ticket: None,
        };
        Self { state: Mutex::new(state), changed: Notify::new(), unload: Arc::default() }
    }

    /// The welcome as JSON; only once.
    pub(super) fn welcome(&self) -> Bytes {
        self.state.lock().welcome.take().unwrap_or_default()
    }

    /// Adds a fresh ticket to the next response, once for each `old_ticket` ticket.
    pub(super) fn renew(&self, old_ticket: &str, fresh: &str) {
        let mut state = self.state.lock();
        if state.old_ticket.as_deref() != Some(old_ticket) {
            state.old_ticket = Some(old_ticket.to_owned());
            state.gathered.renew(fresh);
        }
    }

    /// Counts a poll as waiting until the guard is dropped. A welcome or reset is kept only while a poll waits.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.state.lock().waiting += 1;
        Waiting(self)
    }

    /// Whether this buffer can answer a poll with this cursor.
    pub(super) fn knows(&self, after: PollCursor) -> bool {
        self.state.lock().knows(after)
    }

    /// The answer to a poll after the end of the room: what has gathered up to then, once, and then that it has ended.
    /// `None` if the room has not ended.
    pub(super) async fn after_the_end(&self) -> Option<PollOutcome> {
        // The receipt may not be signed yet: before it is, no connection is closed.
        let closed = async {
            loop {
                let mut news = std::pin::pin!(self.changed.notified());
                news.as_mut().enable();
                if self.state.lock().closed.is_some() {
                    break;
                }
                news.await;
            }
        };
        let _ = timeout(SIGNING, closed).await;
        let mut state = self.state.lock();
        if !matches!(state.closed, Some(ApiError::Burned)) {
            return None;
        }
        if state.gathered.is_empty() || state.full {
            return Some(PollOutcome::Closed(ApiError::Burned));
        }
        Some(PollOutcome::Answer(state.answer()))
    }

    /// What has gathered for a poll at `after`; if that is nothing, the first thing within `wait`.
    pub(super) async fn open(&self, after: PollCursor, wait: Duration) -> PollOutcome {
        let deadline = Instant::now() + wait;
        let (poll, again) = {
            let mut state = self.state.lock();
            state.polls += 1;
            if !state.knows(after) {
                return state.elsewhere();
            }
            let again = state.last.as_ref().is_some_and(|(from, _)| *from == after);
            (state.polls, again.then(|| state.again()))
        };
        // The older poll returns without a result.
        self.changed.notify_waiters();
        if let Some(again) = again {
            return again;
        }
        loop {
            let mut news = std::pin::pin!(self.changed.notified());
            // From here on no notification is missed.
            news.as_mut().enable();
            match self.state.lock().outcome(poll, false) {
                PollOutcome::Nothing => {}
                found => return found,
            }
            if self.state.lock().polls != poll {
                return PollOutcome::Nothing;
            }
            if timeout_at(deadline, news).await.is_err() {
                return self.state.lock().outcome(poll, true);
            }
        }
    }
}

/// See [`PollBuffer::wait`].
pub(super) struct Waiting<'a>(&'a PollBuffer);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.waiting -= 1;
        if state.waiting == 0 && state.gathered.start().is_some() {
            state.give_up();
        }
    }
}

impl State {
    fn knows(&self, after: PollCursor) -> bool {
        let ended = self.closed.as_ref().is_some_and(|why| !matches!(why, ApiError::Restarting(_)));
        !ended && (self.here == after || self.last.as_ref().is_some_and(|(from, _)| *from == after))
    }

    /// What to answer the newest poll with. When its time is over (`over`), also what is not new to the client.
    fn outcome(&mut self, poll: u64, over: bool) -> PollOutcome {
        if self.polls != poll {
            return PollOutcome::Nothing;
        }
        if self.full {
            return self.elsewhere();
        }
        if !self.gathered.is_empty() && (over || !self.gathered.quiet) {
            return PollOutcome::Answer(self.answer());
        }
        match &self.closed {
            None => PollOutcome::Nothing,
            Some(ApiError::Left) => PollOutcome::Closed(crate::room::RoomError::NotMember.into()),
            Some(why) => PollOutcome::Closed(why.clone()),
        }
    }

    /// The log has what the poll asks for.
    fn elsewhere(&self) -> PollOutcome {
        PollOutcome::Unknown { void: self.void }
    }

    /// Takes what has gathered as a response, and moves the cursor past it.
    fn answer(&mut self) -> Bytes {
        let (cursor, fingerprint) = self.gathered.outcome();
        let told = std::mem::replace(&mut self.gathered, PollContents::after(fingerprint));
        let page = Page { response: self.response, fingerprint: fingerprint.number() };
        self.response = self.response.wrapping_add(1);
        let here = PollCursor { cursor: cursor.unwrap_or(self.here.cursor), page: Some(page) };
        let from = std::mem::replace(&mut self.here, here);
        let answer = told.to_json(here);
        let reset = told.start().map(|start| start.reset);
        self.last = Some((from, reset.map_or(Told::Pieces(told), |reset| Told::Start { reset })));
        answer
    }

    /// The last response once more, with what has gathered since.
    fn again(&mut self) -> PollOutcome {
        let (from, told) = match self.last.take() {
            Some((from, Told::Pieces(told))) if !self.full => (from, told),
            Some((_, Told::Start { reset })) => {
                return PollOutcome::Unknown { void: self.void || reset };
            }
            _ => return self.elsewhere(),
        };
        if self.gathered.is_empty() {
            let answer = told.to_json(self.here);
            self.last = Some((from, Told::Pieces(told)));
            return PollOutcome::Answer(answer);
        }
        self.gathered.come_after(told);
        self.here = from;
        if self.gathered.is_too_much() {
            self.give_up();
            return self.elsewhere();
        }
        PollOutcome::Answer(self.answer())
    }

    /// Too much has gathered, or no poll waits for a welcome: the log has it.
    fn give_up(&mut self) {
        self.full = true;
        let told = matches!(self.last.take(), Some((_, Told::Start { reset: true })));
        self.void |= told || self.gathered.start().is_some_and(|start| start.reset);
        self.gathered = PollContents::default();
    }

    /// What was edited or deleted is in no later response. The log has it as it is now.
    fn forget_text(&mut self, frame: &Bytes) {
        if self.gathered.is_empty() && !Record::is_several(frame) {
            self.last.take_if(|(_, told)| matches!(told, Told::Pieces(_)));
        } else {
            self.give_up();
        }
    }

    fn take_in(&mut self, frame: &Bytes) {
        let Some(start) = Record::start(frame) else {
            if Record::replaces_text(frame) {
                self.forget_text(frame);
            }
            if !self.full {
                self.gathered.push(frame);
            }
            return;
        };
        // The first welcome of a new member is returned unchanged.
        if self.welcome.as_ref().is_some_and(Bytes::is_empty) {
            let Start { members, whole, cursor, .. } = start;
            self.gathered = PollContents::after(members.into());
            self.welcome = Some(whole);
            self.here = PollCursor { cursor, page: None };
            return;
        }
        self.gathered.start_over(start, self.here.page);
        if self.waiting == 0 {
            self.give_up();
        }
    }
}

impl Subscriber for PollBuffer {
    fn encoder(&self) -> &'static Encoder {
        let joins = self.state.lock().welcome.as_ref().is_some_and(Bytes::is_empty);
        if joins { &JOINED } else { &RESUMED }
    }

    fn deliver(&self, frames: &[Bytes]) {
        {
            let mut state = self.state.lock();
            if state.full || state.closed.is_some() {
                return;
            }
            for frame in frames {
                state.take_in(frame);
                if state.full {
                    break;
                }
            }
            if state.gathered.is_too_much() {
                state.give_up();
            }
        }
        self.changed.notify_waiters();
    }

    fn unload(&self) {
        self.unload.notify_one();
    }

    fn close(&self, why: &ApiError) {
        {
            let mut state = self.state.lock();
            if state.closed.is_some() {
                return;
            }
            if let ApiError::Restarting(_) | ApiError::Burned = why {
                state.gathered.push(&RESUMED.encode(&ServerMessage::Closing(why.problem(None))));
            }
            state.closed = Some(why.clone());
        }
        self.changed.notify_waiters();
    }
}
