//! What has happened since a member's last poll. Bounded: what does not fit is
//! dropped whole, and the next poll goes to the log.

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::{
    contents::{Beginning, PollContents, WIRE},
    cursor::{Page, PollCursor},
};
use crate::{
    hub::{Encoder, Subscriber},
    protocol::{ApiError, ServerMessage},
};

pub(super) struct PollBuffer {
    state: Mutex<State>,
    changed: Notify,
    /// The page of the member unloads.
    pub(super) unload: Arc<Notify>,
}

struct State {
    /// The welcome as it came, for who has just joined.
    welcome: Option<Bytes>,
    /// The `after` of a poll that has everything but what has gathered.
    here: PollCursor,
    /// The number of the next answer.
    turn: u64,
    gathered: PollContents,
    /// The poll that the answer before went to, and what that said: it may not have arrived.
    last: Option<(PollCursor, Told)>,
    /// Counts polls: only the newest is answered.
    polls: u64,
    /// How many of them wait.
    waiting: usize,
    /// Why nothing more gathers.
    full: bool,
    /// A reset may not have arrived, and the log does not show it: what its reader has read before is void.
    void: bool,
    closed: Option<ApiError>,
    /// The ticket that a fresh one was handed out for.
    aged: Option<String>,
}

/// What an answer said.
enum Told {
    /// What happened.
    Pieces(PollContents),
    /// A welcome or a reset. Not kept, because the log says it again.
    Beginning { reset: bool },
}

/// What a poll found.
pub(super) enum PollOutcome {
    /// An answer.
    Letters(Bytes),
    /// Nothing in time, or another poll took its place.
    Nothing,
    /// What is asked for is not here, but the log has it. What was read before may be void.
    Unknown { void: bool },
    /// The seat was taken away while the poll waited.
    Closed(ApiError),
}

impl PollBuffer {
    /// For who has just joined, or for who goes on from `here`.
    pub(super) fn new(here: Option<PollCursor>) -> Self {
        let welcome = here.is_none().then(Bytes::new);
        let here = here.unwrap_or_else(PollCursor::nowhere);
        let state = State {
            welcome,
            here,
            turn: fastrand::u64(..),
            gathered: PollContents::default(),
            last: None,
            polls: 0,
            waiting: 0,
            full: false,
            void: false,
            closed: None,
            aged: None,
        };
        Self { state: Mutex::new(state), changed: Notify::new(), unload: Arc::default() }
    }

    /// The welcome as JSON; once.
    pub(super) fn welcome(&self) -> Bytes {
        self.state.lock().welcome.take().unwrap_or_default()
    }

    /// Puts a fresh ticket into the next answer, once for each `aged` one.
    pub(super) fn renew(&self, aged: &str, fresh: &str) {
        let mut state = self.state.lock();
        if state.aged.as_deref() != Some(aged) {
            state.aged = Some(aged.to_owned());
            state.gathered.renew(fresh);
        }
    }

    /// A poll waits for as long as the guard is there. A beginning is kept only meanwhile.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.state.lock().waiting += 1;
        Waiting(self)
    }

    /// Whether this is the place of a poll that can be answered here.
    pub(super) fn knows(&self, after: PollCursor) -> bool {
        self.state.lock().knows(after)
    }

    /// What has gathered for who stands at `after`; if that is nothing, what comes first within `wait`.
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
        // The older poll goes home.
        self.changed.notify_waiters();
        if let Some(again) = again {
            return again;
        }
        loop {
            let mut news = std::pin::pin!(self.changed.notified());
            // From now on no news is missed.
            news.as_mut().enable();
            match self.state.lock().look(poll, false) {
                PollOutcome::Nothing => {}
                found => return found,
            }
            if self.state.lock().polls != poll {
                return PollOutcome::Nothing;
            }
            if timeout_at(deadline, news).await.is_err() {
                return self.state.lock().look(poll, true);
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
        if state.waiting == 0 && state.gathered.beginning().is_some() {
            state.give_up();
        }
    }
}

impl State {
    fn knows(&self, after: PollCursor) -> bool {
        let ended = self.closed.as_ref().is_some_and(|why| !matches!(why, ApiError::Restarting(_)));
        !ended && (self.here == after || self.last.as_ref().is_some_and(|(from, _)| *from == after))
    }

    /// What there is to say to the newest poll; when its time is over, even if it is nothing new.
    fn look(&mut self, poll: u64, over: bool) -> PollOutcome {
        if self.polls != poll {
            return PollOutcome::Nothing;
        }
        if self.full {
            return self.elsewhere();
        }
        if !self.gathered.is_empty() && (over || !self.gathered.quiet) {
            return PollOutcome::Letters(self.answer());
        }
        match &self.closed {
            None => PollOutcome::Nothing,
            Some(ApiError::Left) => PollOutcome::Closed(crate::room::RoomError::NotMember.into()),
            Some(why) => PollOutcome::Closed(why.clone()),
        }
    }

    /// The log has what is asked for.
    fn elsewhere(&self) -> PollOutcome {
        PollOutcome::Unknown { void: self.void }
    }

    /// What has gathered, to who stands here; they stand somewhere else after it.
    fn answer(&mut self) -> Bytes {
        let (cursor, company) = self.gathered.outcome();
        let told = std::mem::replace(&mut self.gathered, PollContents::after(company));
        let page = Page { turn: self.turn, company: company.number };
        self.turn = self.turn.wrapping_add(1);
        let here = PollCursor { cursor: cursor.unwrap_or(self.here.cursor), page: Some(page) };
        let from = std::mem::replace(&mut self.here, here);
        let answer = told.to_json(here);
        let reset = told.beginning().map(Beginning::is_reset);
        self.last = Some((from, reset.map_or(Told::Pieces(told), |reset| Told::Beginning { reset })));
        answer
    }

    /// The answer before once more, with what has come since.
    fn again(&mut self) -> PollOutcome {
        let (from, told) = match self.last.take() {
            Some((from, Told::Pieces(told))) if !self.full => (from, told),
            Some((_, Told::Beginning { reset })) => return PollOutcome::Unknown { void: self.void || reset },
            _ => return self.elsewhere(),
        };
        if self.gathered.is_empty() {
            let answer = told.to_json(self.here);
            self.last = Some((from, Told::Pieces(told)));
            return PollOutcome::Letters(answer);
        }
        self.gathered.come_after(told);
        self.here = from;
        if self.gathered.is_too_much() {
            self.give_up();
            return self.elsewhere();
        }
        PollOutcome::Letters(self.answer())
    }

    /// Too much has gathered, or nobody waits for it: the log has it.
    fn give_up(&mut self) {
        self.full = true;
        let told = matches!(self.last.take(), Some((_, Told::Beginning { reset: true })));
        self.void |= told || self.gathered.beginning().is_some_and(Beginning::is_reset);
        self.gathered = PollContents::default();
    }

    fn take_in(&mut self, frame: &Bytes) {
        let Some(beginning) = Beginning::of(frame) else { return self.gathered.push(frame) };
        // The first welcome of who has just joined goes out as it is.
        if self.welcome.as_ref().is_some_and(Bytes::is_empty) {
            self.gathered = PollContents::after(beginning.company());
            let (json, cursor) = beginning.whole();
            self.welcome = Some(json);
            self.here = PollCursor { cursor, page: None };
            return;
        }
        self.gathered.start_over(beginning, self.here.page);
        if self.waiting == 0 {
            self.give_up();
        }
    }
}

impl Subscriber for PollBuffer {
    fn encoder(&self) -> &'static Encoder {
        &WIRE
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
            if let ApiError::Restarting(_) = why {
                state.gathered.push(&WIRE.framed(&ServerMessage::Closing(why.problem(None)).to_json(), None));
            }
            state.closed = Some(why.clone());
        }
        self.changed.notify_waiters();
    }
}
