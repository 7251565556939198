//! What has gathered for one poller, as the room encoded it for all. The bytes are shared, and read only for a response.

use bytes::{BufMut, Bytes};

use super::{
    cursor::{Page, PollCursor},
    fingerprint::MemberFingerprint,
    record::{Record, Start},
};
use crate::room::Cursor;

/// How many bytes may gather between two polls.
const LIMIT: usize = 256 * 1024;

/// And how many pieces: a buffer spends some bytes of its own on each.
const PIECES: usize = 1024;

impl Start {
    /// Whether it holds nothing new for a client that knows `read`.
    fn is_known(&self, read: Option<Page>) -> bool {
        !self.reset
            && self.history.is_empty()
            && read.is_some_and(|page| self.members.are_told(page.fingerprint))
    }
}

/// What a response will hold. The pieces are shared between pollers; only the welcome or reset is this one's own.
#[derive(Default)]
pub(super) struct PollContents {
    start: Option<Start>,
    pieces: Vec<Bytes>,
    bytes: usize,
    ticket: Option<String>,
    /// Fingerprint of the members before all this, as far as the client knows them.
    fingerprint: MemberFingerprint,
    /// The welcome holds nothing new for the client: no reason to answer before the time is over.
    pub(super) quiet: bool,
}

/// The same, parsed.
struct Parts {
    cursor: Option<Cursor>,
    messages: Vec<Bytes>,
    events: Vec<Bytes>,
    fingerprint: MemberFingerprint,
}

impl PollContents {
    /// Empty, for a client that knows these members.
    pub(super) fn after(fingerprint: MemberFingerprint) -> Self {
        Self { fingerprint, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.start.is_none() && self.ticket.is_none()
    }

    pub(super) fn is_too_much(&self) -> bool {
        self.bytes > LIMIT || self.pieces.len() > PIECES
    }

    pub(super) fn start(&self) -> Option<&Start> {
        self.start.as_ref()
    }

    /// Adds a piece.
    pub(super) fn push(&mut self, piece: &Bytes) {
        self.quiet = false;
        self.bytes += piece.len();
        self.pieces.push(piece.clone());
    }

    /// Replaces everything by a welcome or a reset. `read` is what the client knows.
    pub(super) fn start_over(&mut self, start: Start, read: Option<Page>) {
        let quiet = start.is_known(read);
        *self = Self { start: Some(start), quiet, ..Self::default() };
    }

    /// Adds a fresh ticket.
    pub(super) fn renew(&mut self, fresh: &str) {
        self.ticket.get_or_insert_with(|| fresh.to_owned());
        self.quiet = false;
    }

    /// Puts the contents of an earlier response in front, unless this holds a welcome or a reset.
    pub(super) fn come_after(&mut self, told: Self) {
        if self.start.is_some() {
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
        let Parts { cursor, fingerprint, .. } = self.read();
        (cursor, fingerprint)
    }

    fn read(&self) -> Parts {
        let start = self.start.as_ref();
        let fingerprint = start.map_or(self.fingerprint, |start| start.members.into());
        let cursor = start.map(|start| start.cursor);
        let mut read = Parts { cursor, messages: Vec::new(), events: Vec::new(), fingerprint };
        for piece in &self.pieces {
            let mut rest = piece.clone();
            while let Some(record) = Record::read(&mut rest) {
                match record {
                    Record::Entry { json, cursor } => {
                        read.cursor = Some(cursor);
                        read.messages.push(json);
                    }
                    Record::Event { json, change } => {
                        change.iter().for_each(|change| read.fingerprint.apply(change));
                        read.events.push(json);
                    }
                    Record::Start(_) => {}
                }
            }
        }
        read
    }

    /// The response to a poll whose next cursor is `here`.
    pub(super) fn to_json(&self, here: PollCursor) -> Bytes {
        let Parts { messages, events, .. } = self.read();
        let start = self.start.as_ref();
        let history = start.map(|start| &start.history).filter(|history| !history.is_empty());
        let length = self.bytes + start.map_or(0, |start| start.listed.len() + start.history.len());
        let mut out = Vec::with_capacity(length + 512);
        out.put_slice(format!("{{\"cursor\":\"{here}\",\"messages\":[").as_bytes());
        list(&mut out, history.into_iter().chain(&messages));
        out.put_slice(b"],\"events\":[");
        list(&mut out, events.iter());
        out.put_u8(b']');
        if let Some(Start { reset, last_n, members, listed, rules, .. }) = start {
            let reset = if *reset { ",\"reset\":true" } else { "" };
            let crowd = if members.crowd { ",\"crowd\":true" } else { "" };
            out.put_slice(
                format!("{reset},\"count\":{}{crowd},\"members\":", members.count).as_bytes(),
            );
            out.put_slice(listed);
            out.put_slice(b",\"room\":");
            out.put_slice(rules);
            out.put_slice(format!(",\"lastN\":{last_n}").as_bytes());
        }
        // Tickets are base64: nothing in them needs escaping.
        if let Some(ticket) =
            self.ticket.as_deref().map(str::as_bytes).or(start.map(|start| &*start.ticket))
        {
            out.put_slice(b",\"ticket\":\"");
            out.put_slice(ticket);
            out.put_u8(b'"');
        }
        out.put_u8(b'}');
        out.into()
    }

    /// The addresses and lengths of the held bytes.
    #[cfg(test)]
    pub(super) fn held(&self) -> impl Iterator<Item = (*const u8, usize)> {
        let start =
            self.start.iter().flat_map(|start| [&start.listed, &start.history, &start.whole]);
        self.pieces.iter().chain(start).map(|bytes| (bytes.as_ptr(), bytes.len()))
    }
}

fn list<'a>(out: &mut Vec<u8>, items: impl Iterator<Item = &'a Bytes>) {
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        out.put_slice(item);
    }
}
