//! What has happened since a member's last poll. Bounded: what does not fit is
//! dropped whole, and the next poll goes to the log.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::Bookmark;
use crate::{
    hub::{Reader, Wire},
    protocol::{Outbound, Trouble},
    room::{Cursor, Epoch},
};

/// How much may gather between two polls, in bytes.
const LIMIT: usize = 256 * 1024;

/// Letters: the length of the JSON, whether it moves the cursor and where to, the JSON.
static WIRE: Wire = Wire { frame: letter, echo: true };

fn letter(json: &[u8], cursor: Option<Cursor>, out: &mut Vec<u8>) {
    out.put_u32(u32::try_from(json.len()).unwrap_or(u32::MAX));
    out.put_u8(u8::from(cursor.is_some()));
    if let Some(Cursor { epoch, seq }) = cursor {
        out.put_u64(epoch.0);
        out.put_u64(seq);
    }
    out.put_slice(json);
}

fn read_letter(rest: &mut Bytes) -> Option<(Bytes, Option<Cursor>)> {
    let length = rest.try_get_u32().ok()? as usize;
    let moves = rest.try_get_u8().ok()? == 1;
    let cursor =
        if moves { Some(Cursor { epoch: Epoch(rest.try_get_u64().ok()?), seq: rest.try_get_u64().ok()? }) } else { None };
    (rest.len() >= length).then(|| (rest.split_to(length), cursor))
}

pub(super) struct Mailbox {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    /// The welcome as it came, for who has just joined.
    welcome: Option<Bytes>,
    /// The `after` of a poll that has everything but what has gathered.
    here: Bookmark,
    gathered: Gathered,
    /// The answer before, and the poll that it answered: it may not have arrived.
    last: Option<(Bookmark, Bytes)>,
    /// Counts polls: only the newest is answered.
    polls: u64,
    /// Why nothing more gathers.
    full: bool,
    closed: Option<Trouble>,
}

#[derive(Default)]
struct Gathered {
    cursor: Option<Cursor>,
    /// JSON, each with a comma after it.
    messages: Vec<u8>,
    events: Vec<u8>,
    /// What an answer that begins anew says beside that, as JSON fields.
    greeting: Vec<u8>,
    limit: usize,
}

/// What a poll found.
pub(super) enum Opened {
    /// An answer.
    Letters(Bytes),
    /// Nothing in time, or another poll took its place.
    Nothing,
    /// What is asked for is not here.
    Unknown,
    /// The seat was taken away while the poll waited.
    Closed(Trouble),
}

/// The part of a welcome that an answer repeats.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Greeting<'a> {
    reset: bool,
    #[serde(borrow)]
    ticket: &'a str,
    #[serde(borrow)]
    members: &'a RawValue,
    #[serde(borrow)]
    history: &'a RawValue,
    last_n: u64,
}

impl Mailbox {
    /// For who has just joined, or for who goes on from `here`.
    pub(super) fn new(here: Option<Bookmark>) -> Self {
        let welcome = here.is_none().then(Bytes::new);
        let here = here.unwrap_or_else(Bookmark::nowhere);
        let (gathered, last) = (Gathered::default(), None);
        Self {
            state: Mutex::new(State { welcome, here, gathered, last, polls: 0, full: false, closed: None }),
            changed: Notify::new(),
        }
    }

    /// The welcome as JSON; once.
    pub(super) fn welcome(&self) -> Bytes {
        self.state.lock().welcome.take().unwrap_or_default()
    }

    /// What has gathered for who stands at `after`; if that is nothing, what comes first within `wait`.
    pub(super) async fn open(&self, after: Bookmark, wait: Duration) -> Opened {
        let deadline = Instant::now() + wait;
        let poll = {
            let mut state = self.state.lock();
            state.polls += 1;
            match &state.last {
                _ if state.full || state.closed.as_ref().is_some_and(|why| !matches!(why, Trouble::Restarting(_))) => {
                    return Opened::Unknown;
                }
                Some((from, answer)) if *from == after => return Opened::Letters(answer.clone()),
                _ if state.here != after => return Opened::Unknown,
                _ => state.polls,
            }
        };
        // The older poll goes home.
        self.changed.notify_waiters();
        loop {
            let mut news = std::pin::pin!(self.changed.notified());
            // From now on no news is missed.
            news.as_mut().enable();
            match self.state.lock().look(poll) {
                Opened::Nothing => {}
                found => return found,
            }
            if self.state.lock().polls != poll || timeout_at(deadline, news).await.is_err() {
                return Opened::Nothing;
            }
        }
    }
}

impl State {
    fn look(&mut self, poll: u64) -> Opened {
        if self.polls != poll {
            return Opened::Nothing;
        }
        if self.full {
            return Opened::Unknown;
        }
        if let Some(answer) = self.gathered.take(&mut self.here) {
            self.last = Some((answer.0, answer.1.clone()));
            return Opened::Letters(answer.1);
        }
        match &self.closed {
            None => Opened::Nothing,
            Some(Trouble::Left) => Opened::Closed(crate::room::Refusal::NotMember.into()),
            Some(why) => Opened::Closed(why.clone()),
        }
    }

    fn take_in(&mut self, json: &Bytes, cursor: Option<Cursor>) {
        let gathered = &mut self.gathered;
        match cursor {
            None => push(&mut gathered.events, json),
            Some(cursor) if json.starts_with(br#"{"type":"chat""#) => {
                gathered.cursor = Some(cursor);
                push(&mut gathered.messages, json);
            }
            // The first welcome of who has just joined goes out as it is.
            Some(cursor) if self.welcome.as_ref().is_some_and(Bytes::is_empty) => {
                self.welcome = Some(json.clone());
                self.here = Bookmark { cursor, turn: None };
            }
            Some(cursor) => gathered.start_over(json, cursor),
        }
    }
}

fn push(list: &mut Vec<u8>, json: &[u8]) {
    list.extend_from_slice(json);
    list.push(b',');
}

impl Gathered {
    fn len(&self) -> usize {
        self.messages.len() + self.events.len() + self.greeting.len()
    }

    /// A welcome or a reset says all that was to be said before it.
    fn start_over(&mut self, json: &[u8], cursor: Cursor) {
        let Ok(Greeting { reset, ticket, members, history, last_n }) = serde_json::from_slice(json) else { return };
        let history = history.get().trim_matches(['[', ']']);
        *self = Self { cursor: Some(cursor), ..Self::default() };
        if !history.is_empty() {
            push(&mut self.messages, history.as_bytes());
        }
        let reset = if reset { ",\"reset\":true" } else { "" };
        // Tickets are base64: nothing in them needs escaping.
        self.greeting = format!("{reset},\"members\":{members},\"ticket\":\"{ticket}\",\"lastN\":{last_n}").into_bytes();
        self.limit = self.len();
    }

    /// The answer to who stands `here`, and where they stand after it.
    fn take(&mut self, here: &mut Bookmark) -> Option<(Bookmark, Bytes)> {
        if self.len() == 0 {
            return None;
        }
        let Self { cursor, messages, events, greeting, .. } = std::mem::take(self);
        let from = std::mem::replace(here, here.turned(cursor.unwrap_or(here.cursor)));
        let list = |items: &[u8]| String::from_utf8_lossy(items.strip_suffix(b",").unwrap_or(items)).into_owned();
        let (messages, events, greeting) = (list(&messages), list(&events), list(&greeting));
        let answer = format!("{{\"cursor\":\"{here}\",\"messages\":[{messages}],\"events\":[{events}]{greeting}}}");
        Some((from, answer.into()))
    }
}

impl Reader for Mailbox {
    fn wire(&self) -> &'static Wire {
        &WIRE
    }

    fn deliver(&self, frames: &[Bytes]) {
        {
            let mut state = self.state.lock();
            if state.full || state.closed.is_some() {
                return;
            }
            for frames in frames {
                let mut rest = frames.clone();
                while let Some((json, cursor)) = read_letter(&mut rest) {
                    state.take_in(&json, cursor);
                }
            }
            if state.gathered.len() > state.gathered.limit + LIMIT {
                state.full = true;
                state.gathered = Gathered::default();
                state.last = None;
            }
        }
        self.changed.notify_waiters();
    }

    fn close(&self, why: &Trouble) {
        {
            let mut state = self.state.lock();
            if state.closed.is_some() {
                return;
            }
            if let Trouble::Restarting(_) = why {
                push(&mut state.gathered.events, &Outbound::Closing(why.problem(None)).to_json());
            }
            state.closed = Some(why.clone());
        }
        self.changed.notify_waiters();
    }
}
