//! Where rooms live: in this process ([`memory`]) or in Redis ([`redis`]).
//!
//! # The contract, for every store
//! - Each call is one atomic step: it happens whole or not at all.
//! - The first `join` creates a room. The step in which its last member leaves deletes it with its log.
//! - `publish` numbers entries 1, 2, 3, … and publishes them to every node that has members in the room.
//!   The same `(member, n)` is published once, however often it is sent.
//! - A node gets events from before `join` returns until its last member of the room begins to leave.
//!   It gets every entry in order of `seq`, and every join, leave, new name and change of the rules in order of `version`.
//!   Within one epoch, none is missing and none comes twice. Anything else is an [`Event::Reset`].
//!   An event may be older than the snapshot that `join` returned, or of an earlier epoch:
//!   compare `epoch`, `seq` and `version`.
//! - One exception: members that joined *and* left while the connection to a shared store was broken are not reported.
//!   `version` skips them. Members that left meanwhile are reported as [`Left`](LeaveReason::Left), since the
//!   reason is unknown. So `join` returns no snapshot that is ahead of the node's events: it would hide half of
//!   such a join and leave. (It may return one if the session no longer belongs to that connection.)
//! - A member has one session. A takeover at another node is by the same person, so only the old node is told, by
//!   [`Event::Moved`]: once, or by the next renewal if the event was lost. Until then the older connection
//!   may still send in the member's name, but can no longer end the session.
//! - A session belongs to the connection that began last. A takeover that began before the current owner is refused,
//!   however late it arrives, if the node knows the store's clock well enough to tell.
//! - Typing is published to the room's members and not kept. The call mark is kept with the member.
//! - A member's name is what its record in the store says. A join under another name does not change it, a `rename` does.
//!   Of several new names that a node has missed it gets the last.
//! - A node's members are held by its lease, which the store renews by itself.
//!   When the node falls silent, they leave with [`LeaveReason::NodeLost`].
//! - The first member of a room is its host. When the host leaves, the right passes in the same step to the member that
//!   joined first of those that remain. Rules hold from the step in which they change: a member that was removed
//!   publishes nothing after it.
//! - A room that is burned has no data left in the store. Nodes that have its members get [`Event::Burned`]; one that has
//!   missed it may bring no member back.
//! - No call shows an entry older than `history_age`, even in a room where nothing is written.
//! - A file is uploaded in pieces by one member, who alone knows of it until a message names it. It is gone in the same
//!   step as its message, or the room. An upload without news is gone after `upload_age`.

pub mod memory;
pub mod redis;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::room::{
    CallMark, Cursor, Entry, Epoch, File, FileFacts, FileId, HostAction, JoinResult, Joiner,
    LeaveReason, Member, MemberId, Name, NewEntry, OpenedFile, PublishResult, RoomEnd, RoomError,
    RoomId, RoomRules, Snapshot,
};

/// For each message its result, in their order.
pub type PublishResults = SmallVec<[Result<PublishResult, RoomError>; 1]>;

/// What happened in a room to which this node is subscribed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A member sent a message.
    Said {
        /// The epoch of the entry.
        epoch: Epoch,
        /// The new entry.
        entry: Entry,
    },
    /// A member joined.
    Joined {
        /// The epoch of the join.
        epoch: Epoch,
        /// The member.
        member: Member,
        /// The room's version after the join.
        version: u64,
        /// The member count now.
        count: usize,
    },
    /// A member left.
    Left {
        /// The epoch of the leave.
        epoch: Epoch,
        /// The member.
        member: Member,
        /// Why it left.
        reason: LeaveReason,
        /// The room's version after the leave.
        version: u64,
        /// The member count now.
        count: usize,
    },
    /// A member has another name.
    Renamed {
        /// The epoch in which it was taken.
        epoch: Epoch,
        /// The member.
        from: MemberId,
        /// The new name.
        user: Name,
        /// The name before.
        previous: Name,
        /// The room's version after it.
        version: u64,
        /// The member count now.
        count: usize,
    },
    /// The rules of the room changed. Counted as a version; of several that a node has missed it gets the last.
    Rules {
        /// The epoch in which they changed.
        epoch: Epoch,
        /// What they are now.
        rules: Arc<RoomRules>,
        /// The name of the host, if there is one.
        host: Option<Name>,
        /// The room's version after it.
        version: u64,
        /// The member count now.
        count: usize,
    },
    /// The room was ended for all its members. No event of this epoch follows.
    Burned {
        /// What was removed.
        end: Arc<RoomEnd>,
    },
    /// Other members may have joined and left meanwhile, but the members are the same as before.
    Unchanged {
        /// The epoch of the version.
        epoch: Epoch,
        /// The room's version now.
        version: u64,
        /// The member count now.
        count: usize,
    },
    /// A member started or stopped typing. Never kept.
    Typing {
        /// The member.
        from: MemberId,
        /// The member's name.
        user: Name,
        /// Started or stopped.
        typing: bool,
    },
    /// A member of this node took its session to another node. Whatever this node still holds for it is void.
    Moved {
        /// The member.
        member: MemberId,
        /// The connection that had the session here.
        tag: u64,
    },
    /// The page of a member of this node says that it unloads: its connection is about to end.
    Unloading {
        /// The member.
        member: MemberId,
    },
    /// A member joined or left the video call. Makes no version of its own: the greatest mark is the truth.
    Call {
        /// The epoch in which the mark changed.
        epoch: Epoch,
        /// The member.
        from: MemberId,
        /// The member's name.
        user: Name,
        /// The new mark.
        call: CallMark,
        /// The room's version at that time.
        version: u64,
    },
    /// Continuity broke: this is the whole room now.
    Reset(Arc<Snapshot>),
}

/// Gets a node's events from the store, in order. It must neither block nor call the store.
pub trait EventHandler: Send + Sync + 'static {
    /// Something happened in a room.
    fn on_event(&self, room: &RoomId, event: &Event);
    /// A room went out of reach (`false`) or came back (`true`). One part of a store in parts may be away by itself.
    fn on_availability(&self, room: &RoomId, up: bool);
}

/// What a leave has done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaveOutcome {
    /// The room may be deleted now: false only where the store knows of a member.
    pub gone: bool,
    /// What was removed, if this leave deleted the room.
    pub end: Option<RoomEnd>,
}

/// A failure of the store, or a room's refusal passed on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// The room refused.
    #[error(transparent)]
    Refused(#[from] RoomError),
    /// The store has no space left; nothing was changed.
    #[error("the store is full")]
    Full,
    /// The store is out of reach. The call may or may not have taken effect.
    #[error("the store is out of reach")]
    Unavailable,
    /// Too many requests at once; nothing was changed. Holds when to come back.
    #[error("too many come at once: come back in {} s", .0.as_secs().max(1))]
    Busy(Duration),
    /// The store gave an answer that it never should for this room; the store has logged it.
    #[error("the store is broken: {0}")]
    Broken(String),
}

/// Where rooms live. See the module's contract.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Joins a member to a room. Creates the room if need be.
    ///
    /// The rules of the room may refuse a new member. With [`RoomError::Knocking`] it waits until the host admits it: it
    /// has to ask again within [`Knock::AGE`](crate::room::Knock::AGE), and joins then.
    ///
    /// With the id of a member, a new connection takes the session over.
    /// No event follows, except for the node that had the session, if it is another one.
    ///
    /// `tag` marks the connection. It must never have been used before on this node, and is greater than those of older
    /// connections: of two connections, the newer one has the session, in whatever order they ask.
    /// Between nodes, `began` decides: when the connection reached its node. The older one gets [`RoomError::Overtaken`].
    ///
    /// The snapshot's log begins no later than what a subscriber at `after` has missed, as far as it is kept.
    /// Without `after`, or where the log does not reach back so far, it holds the whole log.
    async fn join(
        &self,
        room: &RoomId,
        joiner: &Joiner<'_>,
        tag: u64,
        began: Instant,
        after: Option<Cursor>,
    ) -> Result<(JoinResult, Snapshot), StoreError>;

    /// Ends the session if `tag` still owns it; void otherwise. The last leave deletes the room.
    async fn leave(
        &self,
        room: &RoomId,
        id: MemberId,
        tag: u64,
        reason: LeaveReason,
    ) -> Result<LeaveOutcome, StoreError>;

    /// Carries out what a host decides: the rules change, and members may leave, in one step.
    async fn decide(
        &self,
        room: &RoomId,
        by: MemberId,
        action: &HostAction,
    ) -> Result<(), StoreError>;

    /// Takes back the knock of one who no longer waits, and all that were not renewed in time.
    async fn end_knock(&self, room: &RoomId, id: Option<MemberId>) -> Result<(), StoreError>;

    /// Ends a room for all: `by` is its host, or none where its time is over. All its data goes in one step.
    async fn burn(&self, room: &RoomId, by: Option<MemberId>) -> Result<RoomEnd, StoreError>;

    /// Adds a member's messages to the log, in order and in one step. A message may be repeated with the same `n` until
    /// it succeeds; one without gets the counter after the member's last, whatever other connections send in its name.
    /// Each has a result of its own: the room may refuse one of them.
    async fn publish_all(
        &self,
        room: &RoomId,
        from: MemberId,
        entries: &[NewEntry],
    ) -> Result<PublishResults, StoreError>;

    /// Adds one message to the log.
    async fn publish(
        &self,
        room: &RoomId,
        from: MemberId,
        entry: NewEntry,
    ) -> Result<PublishResult, StoreError> {
        let results = self.publish_all(room, from, &[entry]).await?;
        let result = results.into_iter().next();
        Ok(result.ok_or_else(|| StoreError::Broken("a message got no result".to_owned()))??)
    }

    /// Publishes that a member started or stopped typing. A start is void if a newer connection has taken the session
    /// since it `began`.
    async fn typing(
        &self,
        room: &RoomId,
        from: MemberId,
        typing: bool,
        began: Instant,
    ) -> Result<(), StoreError>;

    /// Gives a member another name, and publishes it unless the member has that name already.
    async fn rename(&self, room: &RoomId, id: MemberId, name: &Name) -> Result<(), StoreError>;

    /// Tells only the node that has the member's session that the member's page unloads. This event may be lost.
    async fn unload(&self, room: &RoomId, id: MemberId) -> Result<(), StoreError>;

    /// Records that a member joined or left the video call, and publishes it unless the mark is old.
    async fn call(&self, room: &RoomId, id: MemberId, call: CallMark) -> Result<(), StoreError>;

    /// A snapshot of a room, without joining it; `None` if there is no such room. `history` stays empty unless asked for.
    async fn snapshot(&self, room: &RoomId, history: bool) -> Result<Option<Snapshot>, StoreError>;

    /// The same without the log. Lists only the member with this `id`, if it is there, and counts the others:
    /// the cost does not grow with the room.
    async fn find(
        &self,
        room: &RoomId,
        id: Option<MemberId>,
    ) -> Result<Option<Snapshot>, StoreError>;

    /// Opens an upload of a member, or returns how far the same upload has got. Reserves its space in the room.
    async fn open_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
        facts: &FileFacts,
    ) -> Result<OpenedFile, StoreError>;

    /// Adds the piece that begins at `offset`, and returns where the next one begins. A piece may be repeated.
    async fn write_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
        offset: u64,
        piece: Bytes,
    ) -> Result<u64, StoreError>;

    /// What is known of a file, and the piece that begins at `offset`, if one is asked for.
    async fn read_file(
        &self,
        room: &RoomId,
        reader: MemberId,
        id: FileId,
        offset: Option<u64>,
    ) -> Result<(File, Bytes), StoreError>;

    /// Drops an upload that belongs to no message. Returns its size.
    async fn drop_file(&self, room: &RoomId, from: MemberId, id: FileId)
    -> Result<u64, StoreError>;

    /// The repairs so far: name, what it counts, how often. Empty where nothing can break.
    fn repair_counts(&self) -> Vec<(&'static str, &'static str, u64)> {
        Vec::new()
    }

    /// Whether the store can be reached now.
    fn ready(&self) -> bool;

    /// Whether other nodes may serve the same rooms, so that members can move to them when this node stops.
    fn shared(&self) -> bool;

    /// Whether another node runs that members can move to. For a node that is about to stop:
    /// from then on, other nodes no longer count it. Where that is unknown, the answer is yes.
    async fn has_peers(&self) -> bool {
        self.shared()
    }

    /// Bytes that the store may hold in all; `None` where it is not bounded or does not say. Data of other programs in the
    /// same store counts, too. The bound may change while the store runs.
    fn capacity(&self) -> Option<u64> {
        None
    }

    /// What the operator should put right although members can join: whole sentences.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// An orderly stop: all members of this node leave with [`LeaveReason::Shutdown`].
    async fn close(&self);
    /// A stop after which members should resume: their sessions are `held` for that long, as if the node had died.
    async fn part(&self, held: Duration) {
        let _ = held;
        self.close().await;
    }
}
