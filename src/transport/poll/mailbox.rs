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

use super::{
    bookmark::{Bookmark, Page},
    company::Company,
};
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
    /// The number of the next answer.
    turn: u64,
    gathered: Gathered,
    /// What the answer before said, and the poll that it answered: it may not have arrived.
    last: Option<(Bookmark, Gathered)>,
    /// Counts polls: only the newest is answered.
    polls: u64,
    /// Why nothing more gathers.
    full: bool,
    closed: Option<Trouble>,
    /// The ticket that a fresh one was handed out for.
    aged: Option<String>,
}

#[derive(Default)]
struct Gathered {
    cursor: Option<Cursor>,
    /// JSON, each with a comma after it.
    messages: Vec<u8>,
    events: Vec<u8>,
    /// What an answer that begins anew says beside that, as JSON fields.
    greeting: String,
    ticket: Option<String>,
    limit: usize,
    company: Company,
    /// A beginning that tells its reader nothing new: no reason to answer before the time is over.
    quiet: bool,
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
    count: u64,
    #[serde(default)]
    crowd: bool,
    #[serde(borrow)]
    members: &'a RawValue,
    #[serde(borrow)]
    history: &'a RawValue,
    last_n: u64,
}

impl Greeting<'_> {
    fn company(&self) -> Company {
        Company::new(self.members, self.count, self.crowd)
    }
}

impl Mailbox {
    /// For who has just joined, or for who goes on from `here`.
    pub(super) fn new(here: Option<Bookmark>) -> Self {
        let welcome = here.is_none().then(Bytes::new);
        let here = here.unwrap_or_else(Bookmark::nowhere);
        let (gathered, last, turn) = (Gathered::default(), None, fastrand::u64(..));
        let state = State { welcome, here, turn, gathered, last, polls: 0, full: false, closed: None, aged: None };
        Self { state: Mutex::new(state), changed: Notify::new() }
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
            state.gathered.ticket.get_or_insert_with(|| fresh.to_owned());
            state.gathered.quiet = false;
        }
    }

    /// What has gathered for who stands at `after`; if that is nothing, what comes first within `wait`.
    pub(super) async fn open(&self, after: Bookmark, wait: Duration) -> Opened {
        let deadline = Instant::now() + wait;
        let (poll, again) = {
            let mut state = self.state.lock();
            state.polls += 1;
            let ended = state.closed.as_ref().is_some_and(|why| !matches!(why, Trouble::Restarting(_)));
            let again = state.last.as_ref().is_some_and(|(from, _)| *from == after);
            if ended || !(again || state.here == after) {
                return Opened::Unknown;
            }
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
                Opened::Nothing => {}
                found => return found,
            }
            if self.state.lock().polls != poll {
                return Opened::Nothing;
            }
            if timeout_at(deadline, news).await.is_err() {
                return self.state.lock().look(poll, true);
            }
        }
    }
}

impl State {
    /// What there is to say to the newest poll; when its time is over, even if it is nothing new.
    fn look(&mut self, poll: u64, over: bool) -> Opened {
        if self.polls != poll {
            return Opened::Nothing;
        }
        if self.full {
            return Opened::Unknown;
        }
        if !self.gathered.is_empty() && (over || !self.gathered.quiet) {
            return Opened::Letters(self.answer());
        }
        match &self.closed {
            None => Opened::Nothing,
            Some(Trouble::Left) => Opened::Closed(crate::room::Refusal::NotMember.into()),
            Some(why) => Opened::Closed(why.clone()),
        }
    }

    /// What has gathered, to who stands here; they stand somewhere else after it.
    fn answer(&mut self) -> Bytes {
        let next = Gathered { company: self.gathered.company, ..Gathered::default() };
        let told = std::mem::replace(&mut self.gathered, next);
        let page = Page { turn: self.turn, company: told.company.number };
        self.turn = self.turn.wrapping_add(1);
        let here = Bookmark { cursor: told.cursor.unwrap_or(self.here.cursor), page: Some(page) };
        let from = std::mem::replace(&mut self.here, here);
        let answer = told.to_json(here);
        self.last = Some((from, told));
        answer
    }

    /// The answer before once more, with what has come since.
    fn again(&mut self) -> Opened {
        let Some((from, told)) = self.last.take().filter(|_| !self.full) else { return Opened::Unknown };
        if self.gathered.is_empty() {
            let answer = told.to_json(self.here);
            self.last = Some((from, told));
            return Opened::Letters(answer);
        }
        self.gathered.come_after(told);
        self.here = from;
        if self.gathered.is_too_much() {
            self.give_up();
            return Opened::Unknown;
        }
        Opened::Letters(self.answer())
    }

    /// Too much has gathered: the log has it.
    fn give_up(&mut self) {
        self.full = true;
        self.gathered = Gathered::default();
        self.last = None;
    }

    fn take_in(&mut self, json: &Bytes, cursor: Option<Cursor>) {
        let gathered = &mut self.gathered;
        match cursor {
            None => gathered.happen(json),
            Some(cursor) if json.starts_with(br#"{"type":"chat""#) => {
                gathered.cursor = Some(cursor);
                gathered.quiet = false;
                push(&mut gathered.messages, json);
            }
            // The first welcome of who has just joined goes out as it is.
            Some(cursor) if self.welcome.as_ref().is_some_and(Bytes::is_empty) => {
                self.welcome = Some(json.clone());
                self.here = Bookmark { cursor, page: None };
                gathered.company =
                    serde_json::from_slice(json).map_or_else(|_| Company::default(), |greeting: Greeting| greeting.company());
            }
            Some(cursor) => gathered.start_over(json, cursor, self.here.page),
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

    fn is_empty(&self) -> bool {
        self.len() == 0 && self.ticket.is_none()
    }

    fn is_too_much(&self) -> bool {
        self.len() > self.limit + LIMIT
    }

    /// Takes in what is no message.
    fn happen(&mut self, json: &[u8]) {
        self.company.hear(json);
        self.quiet = false;
        push(&mut self.events, json);
    }

    /// A welcome or a reset says all that was to be said before it. `read` is what its reader knows.
    fn start_over(&mut self, json: &[u8], cursor: Cursor, read: Option<Page>) {
        let Ok(greeting) = serde_json::from_slice::<Greeting>(json) else { return };
        let company = greeting.company();
        let Greeting { reset, ticket, count, crowd, members, history, last_n } = greeting;
        let history = history.get().trim_matches(['[', ']']);
        let quiet = !reset && history.is_empty() && read.is_some_and(|page| Company::is_told(page.company, members, count));
        *self = Self { cursor: Some(cursor), company, quiet, ..Self::default() };
        if !history.is_empty() {
            push(&mut self.messages, history.as_bytes());
        }
        let reset = if reset { ",\"reset\":true" } else { "" };
        let crowd = if crowd { ",\"crowd\":true" } else { "" };
        self.greeting = format!("{reset},\"count\":{count}{crowd},\"members\":{members},\"lastN\":{last_n}");
        self.ticket = Some(ticket.to_owned());
        self.limit = self.len();
    }

    /// Puts what was told before in front of this, unless this begins anew.
    fn come_after(&mut self, told: Self) {
        if !self.greeting.is_empty() {
            return;
        }
        let since = std::mem::replace(self, told);
        self.cursor = since.cursor.or(self.cursor);
        self.messages.extend(since.messages);
        self.events.extend(since.events);
        self.ticket = since.ticket.or(self.ticket.take());
        (self.company, self.quiet) = (since.company, false);
    }

    /// The answer to a poll that goes on from `here` next.
    fn to_json(&self, here: Bookmark) -> Bytes {
        let list = |items: &[u8]| String::from_utf8_lossy(items.strip_suffix(b",").unwrap_or(items)).into_owned();
        let (messages, events, greeting) = (list(&self.messages), list(&self.events), &self.greeting);
        // Tickets are base64: nothing in them needs escaping.
        let ticket = self.ticket.as_ref().map(|ticket| format!(",\"ticket\":\"{ticket}\"")).unwrap_or_default();
        format!("{{\"cursor\":\"{here}\",\"messages\":[{messages}],\"events\":[{events}]{greeting}{ticket}}}").into()
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
            if state.gathered.is_too_much() {
                state.give_up();
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
                state.gathered.happen(&Outbound::Closing(why.problem(None)).to_json());
            }
            state.closed = Some(why.clone());
        }
        self.changed.notify_waiters();
    }
}
