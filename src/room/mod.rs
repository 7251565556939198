//! The rules of a room and their errors: pure functions, with time as an argument.
//!
//! [`Room`] is one room in one epoch. The memory store runs it as it is. The scripts of the Redis store repeat its
//! rules, and the contract suite proves that they do.

mod amendment;
mod ban;
mod call_mark;
mod cursor;
mod ending;
mod entry;
mod error;
mod file;
mod files;
mod host_action;
mod hosting;
mod id;
mod invite;
mod joiner;
mod key;
mod leases;
mod leave_reason;
mod length;
mod limits;
mod log;
mod member;
mod message;
mod order;
mod owner;
mod reaction;
mod rename;
mod rules;
mod snapshot;
mod text;

use std::{collections::HashMap, sync::Arc};

use ahash::RandomState;

use self::{files::Files, leases::Leases, log::Log};
pub use amendment::Amendment;
pub use ban::{Address, AddressMark, Ban};
pub use call_mark::CallMark;
pub use cursor::{Cursor, Epoch, Seq};
pub use ending::{EndCause, RoomEnd};
pub use entry::{Entry, NewEntry};
pub use error::RoomError;
pub use file::{AttachedFile, File, FileFacts, FileId, FileName, FileType, OpenedFile};
pub use host_action::{Decision, HostAction};
pub use hosting::Departed;
pub use id::RoomId;
pub use invite::{Invite, InviteId};
pub use joiner::{Admission, Joiner};
pub use key::RoomKey;
pub use leave_reason::LeaveReason;
pub use limits::Limits;
pub use member::{Member, MemberId, Name, is_empty};
pub use message::Message;
pub use order::JoinOrder;
pub use owner::{Moment, NodeId, SessionOwner};
pub use reaction::Reaction;
pub use rules::{HistoryRule, Knock, Lock, RoomRules, Title};
pub use snapshot::Snapshot;
pub use text::{Content, Text};

/// Milliseconds since the Unix epoch.
pub type Millis = u64;

/// The largest counter of a sender: what a JavaScript number holds exactly.
pub const MAX_N: u64 = (1 << 53) - 1;

/// The result of publishing a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PublishResult {
    /// The sender's own counter for it.
    pub n: u64,
    /// The number the entry got.
    pub seq: Seq,
    /// When the store took it.
    pub at: Millis,
    /// True when this `n` had been taken before: the log has it once.
    pub repeated: bool,
}

/// The result of a join.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JoinResult {
    /// False when the member was there already and only its connection changed.
    pub new: bool,
    /// The counter of the member's last message, 0 if none is known.
    pub last_n: u64,
    /// The newest entry's number when the member joined.
    pub since: Seq,
}

struct Seat {
    member: Member,
    holder: SessionOwner,
    /// When the session's connection began: of two connections the later one has the session.
    since: Millis,
    last: Option<(u64, Seq, Millis)>,
    /// The client's address when the member joined.
    address: Option<Address>,
    /// The newest entry's number when the member joined.
    since_seq: Seq,
}

/// One room in one epoch: its members and its log.
pub struct Room {
    epoch: Epoch,
    key: RoomKey,
    seq: Seq,
    version: u64,
    seats: HashMap<MemberId, Seat, RandomState>,
    order: JoinOrder,
    log: Log,
    files: Files,
    leases: Leases,
    rules: Arc<RoomRules>,
}

impl Room {
    /// A newly created room. It is deleted as soon as it [`is_empty`](Self::is_empty).
    pub fn new(epoch: Epoch, key: RoomKey) -> Self {
        Self {
            epoch,
            key,
            seq: 0,
            version: 0,
            seats: HashMap::default(),
            order: JoinOrder::default(),
            log: Log::default(),
            files: Files::default(),
            leases: Leases::default(),
            rules: Arc::default(),
        }
    }

    /// Opens a session, or takes it over for another connection, which `began` its request then. Renews the node's
    /// lease.
    ///
    /// # Errors
    /// [`RoomError::RoomFull`], [`RoomError::Overtaken`] by a connection of another node, or why the rules let no new
    /// member in; the room is left as it was. With [`RoomError::Knocking`] the rules may have changed, and the version.
    pub fn join(
        &mut self,
        now: Millis,
        limits: &Limits,
        joiner: &Joiner<'_>,
        holder: SessionOwner,
        began: Moment,
    ) -> Result<JoinResult, RoomError> {
        let Joiner { id, name, address, .. } = *joiner;
        if let Some(seat) = self.seats.get_mut(&id) {
            let last_n = seat.last.map_or(0, |(n, ..)| n);
            let moves = seat.holder.node != holder.node;
            if moves && began.is_before(seat.since, now) {
                return Err(RoomError::Overtaken);
            }
            // A join that was overtaken by a newer connection of its node changes nothing.
            if moves || seat.holder.tag <= holder.tag {
                if seat.holder != holder {
                    seat.since = began.since(Some(seat.since), now);
                }
                let before = std::mem::replace(&mut seat.holder, holder);
                self.leases.add(holder.node, now + limits.lease);
                self.leases.remove(before.node);
            }
            return Ok(JoinResult { new: false, last_n, since: seat.since_seq });
        }
        if self.seats.len() >= limits.members {
            return Err(RoomError::RoomFull);
        }
        self.admit(now, joiner)?;
        if limits.hosts && self.version == 0 {
            Arc::make_mut(&mut self.rules).host = Some(id);
        }
        self.trim(now, limits);
        // A member who comes back after the grace continues with the counter of its last message.
        let last = self.log.newest_of(id).map(|entry| (entry.n, entry.seq, entry.at));
        let member = Member { id, name: name.clone(), joined_at: now, call: CallMark::default() };
        self.order.insert(&member);
        let (since, since_seq) = (began.since(None, now), self.seq);
        self.seats.insert(id, Seat { member, holder, since, last, address, since_seq });
        self.version += 1;
        self.leases.add(holder.node, now + limits.lease);
        Ok(JoinResult { new: true, last_n: last.map_or(0, |(n, ..)| n), since: since_seq })
    }

    /// Removes a member, if `holder` still holds its session. The room may be empty after this.
    pub fn leave(&mut self, id: MemberId, holder: SessionOwner) -> Option<Departed> {
        if self.seats.get(&id)?.holder != holder {
            return None;
        }
        let members = vec![self.remove(id)?];
        Some(self.depart(members))
    }

    /// Ends a member's session, and its uploads.
    fn remove(&mut self, id: MemberId) -> Option<Member> {
        let Seat { member, holder, .. } = self.seats.remove(&id)?;
        self.version += 1;
        self.leases.remove(holder.node);
        self.order.remove(&member);
        self.files.forget_uploads(id);
        Some(member)
    }

    /// Adds an entry to the log. A repeated `n` gets the first answer again.
    ///
    /// # Errors
    /// [`RoomError::NotMember`]; [`RoomError::StaleN`] for an `n` below the last one that is not in the log; or why an
    /// amendment, a reply or a file is refused.
    pub fn publish(
        &mut self,
        now: Millis,
        limits: &Limits,
        from: MemberId,
        n: u64,
        text: &Text,
    ) -> Result<PublishResult, RoomError> {
        let limits = &*self.within(limits);
        self.log.trim(now, limits, &mut self.files);
        let seat = self.seats.get_mut(&from).ok_or(RoomError::NotMember)?;
        if let Some((last_n, seq, at)) = seat.last {
            if n == last_n {
                return Ok(PublishResult { n, seq, at, repeated: true });
            }
            if n < last_n {
                let first = self.log.said(from, n).ok_or(RoomError::StaleN)?;
                return Ok(PublishResult { n, seq: first.seq, at: first.at, repeated: true });
            }
        }
        // Its own messages a muted member may delete.
        let deletes = || matches!(text.amendment(), Some(Amendment::Delete { .. }));
        if self.rules.muted.contains(&from) && !deletes() {
            return Err(RoomError::Muted);
        }
        let host = self.rules.host == Some(from);
        let seq = self.seq + 1;
        let (text, change) = match text.is_plain() {
            true => (text.clone(), None),
            false => {
                let change = self.log.check(now, limits, (from, host, self.seq), text)?;
                (self.files.attach(now, limits, (from, seq), text)?, change)
            }
        };
        self.seq = seq;
        seat.last = Some((n, seq, now));
        let user = seat.member.name.clone();
        self.log.push(Entry { seq, at: now, from, user, n, text }, change, &mut self.files);
        self.log.trim(now, limits, &mut self.files);
        Ok(PublishResult { n, seq, at: now, repeated: false })
    }

    /// The same with the counter that follows the member's last.
    ///
    /// # Errors
    /// [`RoomError::NotMember`], or [`RoomError::StaleN`] when none follows.
    pub fn publish_next(
        &mut self,
        now: Millis,
        limits: &Limits,
        from: MemberId,
        text: &Text,
    ) -> Result<PublishResult, RoomError> {
        let last = self.seats.get(&from).ok_or(RoomError::NotMember)?.last.map_or(0, |(n, ..)| n);
        let n = if last < MAX_N { last + 1 } else { return Err(RoomError::StaleN) };
        self.publish(now, limits, from, n, text)
    }

    /// Whether no newer connection has taken a member's session over since something `began`.
    ///
    /// # Errors
    /// [`RoomError::NotMember`].
    pub fn is_current(&self, now: Millis, id: MemberId, began: Moment) -> Result<bool, RoomError> {
        self.seats
            .get(&id)
            .map(|seat| !began.is_before(seat.since, now))
            .ok_or(RoomError::NotMember)
    }

    /// The member with this id; needed for typing and for LiveKit tokens.
    ///
    /// # Errors
    /// [`RoomError::NotMember`].
    pub fn member(&self, id: MemberId) -> Result<&Member, RoomError> {
        self.seats.get(&id).map(|seat| &seat.member).ok_or(RoomError::NotMember)
    }

    /// The owner of a member's session.
    pub fn holder(&self, id: MemberId) -> Option<SessionOwner> {
        self.seats.get(&id).map(|seat| seat.holder)
    }

    /// Records that a member joined the video call or left it. False when a newer mark is known.
    ///
    /// # Errors
    /// [`RoomError::NotMember`].
    pub fn call(&mut self, id: MemberId, call: CallMark) -> Result<bool, RoomError> {
        let known = &mut self.seats.get_mut(&id).ok_or(RoomError::NotMember)?.member.call;
        let news = call > std::mem::replace(known, call.max(*known));
        if news {
            self.order.call(id);
        }
        Ok(news)
    }

    /// Renews a node's lease: its members stay for another lease.
    pub fn touch(&mut self, now: Millis, limits: &Limits, node: NodeId) {
        self.leases.renew(node, now + limits.lease);
    }

    /// The room drops entries and uploads past their age, and members whose node has been silent for a lease. It may be
    /// empty after this.
    pub fn expire(&mut self, now: Millis, limits: &Limits) -> Departed {
        let limits = &*self.within(limits);
        self.log.trim(now, limits, &mut self.files);
        self.files.sweep(now, limits);
        let silent = self.leases.over(now);
        let gone = silent.into_iter().flat_map(|node| self.unseat(node)).collect();
        self.depart(gone)
    }

    /// Removes every member whose session a node holds. The room may be empty after this.
    pub fn evict(&mut self, node: NodeId) -> Departed {
        let gone = self.unseat(node);
        self.depart(gone)
    }

    fn unseat(&mut self, node: NodeId) -> Vec<Member> {
        if !self.leases.end(node) {
            return Vec::new();
        }
        let gone: Vec<Member> = self
            .seats
            .extract_if(|_, seat| seat.holder.node == node)
            .map(|(_, seat)| seat.member)
            .collect();
        gone.iter().for_each(|member| self.order.remove(member));
        self.version += gone.len() as u64;
        gone
    }

    /// Whether a node holds any session here.
    pub fn holds(&self, node: NodeId) -> bool {
        self.leases.holds(node)
    }

    /// The epoch of this room.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Counts joins, leaves and new names.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many members are here.
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether the last member has left: the room is then deleted.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }
}
