//! What has gathered for one poller, as the room framed it for all. The bytes are shared, and parsed only for a
//! response.

use bytes::{Buf, BufMut, Bytes};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    cursor::{Page, PollCursor},
    fingerprint::MemberFingerprint,
};
use crate::{
    hub::Encoder,
    room::{Cursor, Epoch},
};

/// How many bytes may gather between two polls.
const LIMIT: usize = 256 * 1024;

/// And how many pieces: a buffer spends some bytes of its own on each.
const PIECES: usize = 1024;

/// A record: the length of the JSON, whether it moves the cursor, the new cursor if so, and the JSON.
pub(super) static WIRE: Encoder = Encoder { frame: letter, echo: true };

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

/// A welcome or a reset: it replaces all frames before it. Made for one client, and as long as the log.
pub(super) struct Beginning {
    json: Bytes,
    cursor: Cursor,
}

/// The part of a welcome that a response repeats.
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

impl Beginning {
    /// Parses a welcome or a reset; `None` for any other frame.
    pub(super) fn of(frame: &Bytes) -> Option<Self> {
        let (json, cursor) = read_letter(&mut frame.clone())?;
        let begins = json.starts_with(br#"{"type":"welcome""#) || json.starts_with(br#"{"type":"reset""#);
        Some(Self { json, cursor: cursor.filter(|_| begins)? })
    }

    /// The frame as it came, and the cursor it leads to.
    pub(super) fn whole(self) -> (Bytes, Cursor) {
        (self.json, self.cursor)
    }

    fn greeting(&self) -> Option<Greeting<'_>> {
        serde_json::from_slice(&self.json).ok()
    }

    /// Fingerprint of the members that it lists.
    pub(super) fn company(&self) -> MemberFingerprint {
        self.greeting()
            .map_or_else(MemberFingerprint::default, |told| MemberFingerprint::new(told.members, told.count, told.crowd))
    }

    /// Whether the client must discard what it has read before.
    pub(super) fn is_reset(&self) -> bool {
        self.greeting().is_some_and(|told| told.reset)
    }

    /// Whether it holds nothing new for a client that knows `read`.
    fn is_known(&self, read: Option<Page>) -> bool {
        let known = |told: Greeting<'_>| {
            let silent = !told.reset && told.history.get() == "[]";
            silent && read.is_some_and(|page| MemberFingerprint::is_told(page.company, told.members, told.count))
        };
        self.greeting().is_some_and(known)
    }
}

/// What a response will hold. The pieces are shared between pollers; only the welcome or reset is this one's own.
#[derive(Default)]
pub(super) struct PollContents {
    beginning: Option<Beginning>,
    pieces: Vec<Bytes>,
    bytes: usize,
    ticket: Option<String>,
    /// Fingerprint of the members before all this, as far as the client knows them.
    company: MemberFingerprint,
    /// The welcome holds nothing new for the client: no reason to answer before the time is over.
    pub(super) quiet: bool,
}

/// The same, parsed.
struct Letters {
    cursor: Option<Cursor>,
    messages: Vec<Bytes>,
    events: Vec<Bytes>,
    company: MemberFingerprint,
}

impl PollContents {
    /// Empty, for a client that knows these members.
    pub(super) fn after(company: MemberFingerprint) -> Self {
        Self { company, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.beginning.is_none() && self.ticket.is_none()
    }

    pub(super) fn is_too_much(&self) -> bool {
        self.bytes > LIMIT || self.pieces.len() > PIECES
    }

    pub(super) fn beginning(&self) -> Option<&Beginning> {
        self.beginning.as_ref()
    }

    /// Adds a piece.
    pub(super) fn push(&mut self, piece: &Bytes) {
        self.quiet = false;
        self.bytes += piece.len();
        self.pieces.push(piece.clone());
    }

    /// Replaces everything by a welcome or a reset. `read` is what the client knows.
    pub(super) fn start_over(&mut self, beginning: Beginning, read: Option<Page>) {
        let quiet = beginning.is_known(read);
        *self = Self { beginning: Some(beginning), quiet, ..Self::default() };
    }

    /// Adds a fresh ticket.
    pub(super) fn renew(&mut self, fresh: &str) {
        self.ticket.get_or_insert_with(|| fresh.to_owned());
        self.quiet = false;
    }

    /// Puts the contents of an earlier response in front, unless this holds a welcome or a reset.
    pub(super) fn come_after(&mut self, told: Self) {
        if self.beginning.is_some() {
            return;
        }
        let since = std::mem::replace(self, told);
        self.bytes += since.bytes;
        self.pieces.extend(since.pieces);
        self.ticket = since.ticket.or(self.ticket.take());
        self.quiet = false;
    }

    /// The cursor after this response, if it moves, and the fingerprint of the members then.
    pub(super) fn outcome(&self) -> (Option<Cursor>, MemberFingerprint) {
        let Letters { cursor, company, .. } = self.read();
        (cursor, company)
    }

    fn read(&self) -> Letters {
        let company = self.beginning.as_ref().map_or(self.company, Beginning::company);
        let cursor = self.beginning.as_ref().map(|beginning| beginning.cursor);
        let mut letters = Letters { cursor, messages: Vec::new(), events: Vec::new(), company };
        for piece in &self.pieces {
            let mut rest = piece.clone();
            while let Some((json, cursor)) = read_letter(&mut rest) {
                if cursor.is_some() {
                    letters.cursor = cursor;
                    letters.messages.push(json);
                } else {
                    letters.company.hear(&json);
                    letters.events.push(json);
                }
            }
        }
        letters
    }

    /// The response to a poll whose next cursor is `here`.
    pub(super) fn to_json(&self, here: PollCursor) -> Bytes {
        let Letters { messages, events, .. } = self.read();
        let greeting = self.beginning.as_ref().and_then(Beginning::greeting);
        let history = greeting.as_ref().map_or("", |told| told.history.get().trim_matches(['[', ']']));
        let length = self.bytes + self.beginning.as_ref().map_or(0, |beginning| beginning.json.len());
        let mut out = Vec::with_capacity(length + 512);
        out.put_slice(format!("{{\"cursor\":\"{here}\",\"messages\":[").as_bytes());
        list(
            &mut out,
            std::iter::once(history.as_bytes()).filter(|history| !history.is_empty()).chain(messages.iter().map(|m| &**m)),
        );
        out.put_slice(b"],\"events\":[");
        list(&mut out, events.iter().map(|event| &**event));
        out.put_u8(b']');
        if let Some(Greeting { reset, count, crowd, members, last_n, .. }) = &greeting {
            let reset = if *reset { ",\"reset\":true" } else { "" };
            let crowd = if *crowd { ",\"crowd\":true" } else { "" };
            out.put_slice(format!("{reset},\"count\":{count}{crowd},\"members\":{members},\"lastN\":{last_n}").as_bytes());
        }
        // Tickets are base64: nothing in them needs escaping.
        if let Some(ticket) = self.ticket.as_deref().or(greeting.as_ref().map(|told| told.ticket)) {
            out.put_slice(format!(",\"ticket\":\"{ticket}\"").as_bytes());
        }
        out.put_u8(b'}');
        out.into()
    }

    /// The addresses and lengths of the held bytes.
    #[cfg(test)]
    pub(super) fn held(&self) -> impl Iterator<Item = (*const u8, usize)> {
        let beginning = self.beginning.iter().map(|beginning| &beginning.json);
        self.pieces.iter().chain(beginning).map(|bytes| (bytes.as_ptr(), bytes.len()))
    }
}

fn list<'a>(out: &mut Vec<u8>, items: impl Iterator<Item = &'a [u8]>) {
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        out.put_slice(item);
    }
}
