//! Where rooms live: in this process ([`memory`]) or in Redis ([`redis`]).
//!
//! # The contract, for every store
//! - Each call is one atomic step: it happens whole or not at all.
//! - A room is born by its first `join` and gone, with everything said in it,
//!   in the same step in which its last member leaves.
//! - `say` numbers entries 1, 2, 3, … and tells every node that has members in
//!   the room. The same `(member, n)` is said once, however often it is sent.
//! - What a node is told: from before `join` returns until its last member of
//!   the room begins to leave, every entry in order of `seq` and every join and leave
//!   in order of `version`, within one epoch none missing and none twice.
//!   Anything else is told as [`Event::Reset`]. What is told may lie before
//!   the snapshot that `join` returned, or belong to an earlier life: compare `epoch`, `seq` and `version`.
//!   One exception: who came *and* went while the line to a shared store was
//!   broken is not told; `version` skips them, and those who went meanwhile
//!   are told to have [`Left`](LeaveReason::Left), as nobody knows better.
//!   So `join` returns no snapshot that the node has not been told up to, or
//!   whoever came and went across it would be told half of that. (It may
//!   return another if the seat is no longer that link's.)
//! - A member has one seat. Whoever takes it over at another node is the same
//!   person, so only the node that held it is told, by [`Event::Moved`]: once,
//!   or by the next renewal if the news was lost. Until then the older link
//!   may still speak in the member's name, but no longer free the seat.
//! - A seat belongs to the link that began last. A take-over that began before the one that has the seat is refused,
//!   however late it gets here, if the node knows the store's clock well enough to tell.
//! - Typing is told to those who are there, and forgotten. Who is in the call is kept with the member.
//! - A node's members are held by its lease, which the store renews by itself;
//!   when the node falls silent they leave with [`LeaveReason::NodeLost`].
//! - An entry older than `history_age` is nowhere to be found, whether or not
//!   anybody writes.

pub mod memory;
pub mod redis;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::Instant;

use crate::room::{
    CallMark, Cursor, Entry, Epoch, JoinResult, LeaveReason, Member, MemberId, Name, PublishResult, RoomError, RoomId, Snapshot,
    Text,
};

/// What happened in a room that this node watches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Somebody said something.
    Said {
        /// The life in which it was said.
        epoch: Epoch,
        /// The new entry.
        entry: Entry,
    },
    /// Somebody came.
    Joined {
        /// The life into which they came.
        epoch: Epoch,
        /// Who.
        member: Member,
        /// The room's version with them in it.
        version: u64,
        /// Heads in the room now.
        count: usize,
    },
    /// Somebody went.
    Left {
        /// The life out of which they went.
        epoch: Epoch,
        /// Who.
        member: Member,
        /// Why.
        reason: LeaveReason,
        /// The room's version without them.
        version: u64,
        /// Heads in the room now.
        count: usize,
    },
    /// Others may have come and gone, but who is there now is who was there before.
    Unchanged {
        /// The life of which this is said.
        epoch: Epoch,
        /// The room's version now.
        version: u64,
        /// Heads in the room now.
        count: usize,
    },
    /// Somebody started or stopped typing. Never kept.
    Typing {
        /// Who.
        from: MemberId,
        /// The name they go by.
        user: Name,
        /// Started or stopped.
        typing: bool,
    },
    /// A member of this node took its seat at another one. Whatever this node still has of it is void.
    Moved {
        /// Who.
        member: MemberId,
        /// The link that held the seat here.
        tag: u64,
    },
    /// The page of a member of this node says that it unloads: its link is about to end.
    Unloading {
        /// Whose page.
        member: MemberId,
    },
    /// Somebody came to the video call or went. Makes no version of its own: the greatest mark is the truth.
    Call {
        /// The life in which they did.
        epoch: Epoch,
        /// Who.
        from: MemberId,
        /// The name they go by.
        user: Name,
        /// The new mark.
        call: CallMark,
        /// The room's version at that time.
        version: u64,
    },
    /// Continuity broke: this is all there is now.
    Reset(Arc<Snapshot>),
}

/// The node's ear: told by the store, in order, without waiting. It must not call the store.
pub trait EventHandler: Send + Sync + 'static {
    /// Something happened in a room.
    fn tell(&self, room: &RoomId, event: &Event);
    /// A room went out of reach (`false`) or came back (`true`). Of a store in parts, one part may be away.
    fn link(&self, room: &RoomId, up: bool);
}

/// A store's failure, or a room's refusal passed on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// The room said no.
    #[error(transparent)]
    Refused(#[from] RoomError),
    /// The store has no space left; nothing was changed.
    #[error("the store is full")]
    Full,
    /// The store is out of reach. What was asked may or may not have happened.
    #[error("the store is out of reach")]
    Unavailable,
    /// Too many come at once; nothing was changed. When to come back.
    #[error("too many come at once: come back in {} s", .0.as_secs().max(1))]
    Busy(Duration),
    /// The store answered something it never should, for this room; the store has told the log.
    #[error("the store is broken: {0}")]
    Broken(String),
}

/// Where rooms live. See the module's contract.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Takes a seat or, with an `id` that is seated already, takes it over for a new link (nobody is told
    /// but the node that held it, if that is another one).
    /// Creates the room if need be. `tag` marks the link; it must never have been used before on this node,
    /// and is greater than those of older links: of two links the newer one has the seat, in whatever order they ask.
    /// Between nodes `began` decides, which is when the link came to its node: [`RoomError::Overtaken`] for the older one.
    /// The snapshot's log begins no later than what a reader at `after` has missed, as far as it is kept; without `after`,
    /// or where it does not reach back so far, it is all there is.
    async fn join(
        &self,
        room: &RoomId,
        id: MemberId,
        name: &Name,
        tag: u64,
        began: Instant,
        after: Option<Cursor>,
    ) -> Result<(JoinResult, Snapshot), StoreError>;

    /// Frees the seat if `tag` still holds it; void otherwise. The last to leave takes the room along.
    /// Says whether the room may be over now: false only where somebody is known to be there.
    async fn leave(&self, room: &RoomId, id: MemberId, tag: u64, reason: LeaveReason) -> Result<bool, StoreError>;

    /// Adds to the log. May be repeated with the same `n` until it succeeds.
    async fn say(&self, room: &RoomId, from: MemberId, n: u64, text: &Text) -> Result<PublishResult, StoreError>;

    /// Adds to the log with the counter that follows the member's last, whoever else speaks in their name meanwhile.
    async fn publish_next(&self, room: &RoomId, from: MemberId, text: &Text) -> Result<PublishResult, StoreError>;

    /// Tells those who are there that somebody started or stopped typing. A start is void if a newer link has taken the
    /// seat since it `began`.
    async fn typing(&self, room: &RoomId, from: MemberId, user: &Name, typing: bool, began: Instant) -> Result<(), StoreError>;

    /// Tells the node that holds the member's seat, and no other, that the member's page unloads. It may be lost.
    async fn unload(&self, room: &RoomId, id: MemberId) -> Result<(), StoreError>;

    /// Takes note of a member's coming to the video call, or of its going, and tells everybody unless it is old news.
    async fn call(&self, room: &RoomId, id: MemberId, call: CallMark) -> Result<(), StoreError>;

    /// A room as it is, without joining it; `None` if there is no such room. Leaves `history` empty unless asked.
    async fn look(&self, room: &RoomId, history: bool) -> Result<Option<Snapshot>, StoreError>;

    /// The same without the log, listing only the member with this `id`, if it sits there, and counting the others: what it
    /// costs does not grow with the room.
    async fn find(&self, room: &RoomId, id: Option<MemberId>) -> Result<Option<Snapshot>, StoreError>;

    /// What had to be put right so far: name, what it counts, how often. Nothing where nothing can break.
    fn repair_counts(&self) -> Vec<(&'static str, &'static str, u64)> {
        Vec::new()
    }

    /// Whether the store can be reached now.
    fn ready(&self) -> bool;

    /// Whether other nodes may serve the same rooms, so that members can move there when this node stops.
    fn shared(&self) -> bool;

    /// Whether another node lives at which members can take their seats up. For a node that is about to stop: from then
    /// on it is no such node for others. Where that is not known, it is taken to live.
    async fn has_peers(&self) -> bool {
        self.shared()
    }

    /// Bytes that the store may hold in all; `None` where it is not bounded or does not say. What others keep in the same
    /// store counts, too. It may change while the store runs.
    fn capacity(&self) -> Option<u64> {
        None
    }

    /// What the operator should put right although people can come in: whole sentences.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Good order at the end: whoever this node still holds leaves with [`LeaveReason::Shutdown`].
    async fn close(&self);
    /// The end where members are to take their seats up again: the seats are `held` so long, as if the node had died.
    async fn part(&self, held: Duration) {
        let _ = held;
        self.close().await;
    }
}
