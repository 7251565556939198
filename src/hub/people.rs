//! The sessions of a room at this node, and how pending frames are broadcast to them.

use std::sync::Arc;

use ahash::RandomState;
use bytes::Bytes;
use indexmap::IndexMap;
use smallvec::SmallVec;
use tokio::{sync::Notify, time::Instant};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Greeted, HubConfig,
    batch::{Batch, Few, Item},
    frame_order::{FrameOrder, SeenUpTo},
    known_rules::{KnownRules, since},
    subscriber::Subscriber,
};
use crate::{
    budget::Permit,
    room::{MemberId, Name, RoomId, RoomKey, Seq, Snapshot},
};

/// The sessions here. Dense, because a flush walks them, and a lookup is by id.
#[derive(Default)]
pub(super) struct People {
    pub(super) sessions: IndexMap<MemberId, LocalSession, RandomState>,
    pub(super) key: Option<RoomKey>,
    /// How many at the front have got the broadcast under way; 0 when none is.
    broadcast_to: usize,
    /// The rules of the room, as far as this node has heard.
    pub(super) rules: KnownRules,
}

/// A session at this node.
pub(super) struct LocalSession {
    pub(super) tag: u64,
    /// When the connection came: an older one can no longer take the session.
    pub(super) began: Instant,
    /// Ids of earlier connections, until the store has recorded this one.
    pub(super) older: Vec<u64>,
    pub(super) name: Name,
    pub(super) place: Place,
    pub(super) permit: Option<Permit>,
    /// The newest entry when the member joined: by the rules, earlier ones may not be for it.
    pub(super) since: Seq,
    /// When the page said that it unloads. Its connection ends next, unless that page came before this connection.
    pub(super) unloaded: Option<Instant>,
}

impl LocalSession {
    /// The page unloads: a session without a connection is held for the reload grace from now on.
    pub(super) fn unload(&mut self) {
        self.unloaded = Some(Instant::now());
        match &self.place {
            Place::Held { unload, .. } => unload.notify_one(),
            Place::Live { subscriber, .. } => subscriber.unload(),
            Place::Joining(_) => {}
        }
    }
}

/// The state of a session.
pub(super) enum Place {
    /// Registered for events, but without a snapshot yet.
    Joining(Box<Joining>),
    /// Follows the room.
    Live { subscriber: Arc<dyn Subscriber>, seen_up_to: SeenUpTo },
    /// Lost its connection; held for the grace, or for the reload grace once `unload` is notified. Dropping this
    /// aborts the task that waits for the end of the grace.
    Held { unload: Arc<Notify>, _grace: AbortOnDropHandle<()> },
}

/// A session that is joining. Boxed, because few sessions are in this state.
pub(super) struct Joining {
    pub(super) subscriber: Arc<dyn Subscriber>,
    pub(super) waiting: Vec<(FrameOrder, Bytes)>,
    /// Where a reset began meanwhile: a snapshot of another epoch, or of an earlier moment, lies before it.
    pub(super) reset: Option<SeenUpTo>,
}

impl Place {
    /// The subscriber of a session that follows the room.
    pub(super) fn live(&self) -> Option<&Arc<dyn Subscriber>> {
        match self {
            Self::Live { subscriber, .. } => Some(subscriber),
            Self::Joining(_) | Self::Held { .. } => None,
        }
    }

    pub(super) fn subscriber(&self) -> Option<&Arc<dyn Subscriber>> {
        match self {
            Self::Joining(joining) => Some(&joining.subscriber),
            Self::Live { subscriber, .. } => Some(subscriber),
            Self::Held { .. } => None,
        }
    }
}

/// Pending frames on their way to every session.
pub(super) struct Broadcast<'a> {
    pub(super) json: &'a [u8],
    pub(super) items: &'a [Item],
    /// The snapshot of a reset that goes out first, and whether that is a crowd.
    pub(super) reset: Option<(Arc<Snapshot>, bool)>,
    /// Encoded once for each kind of subscriber.
    batches: SmallVec<[Batch; 1]>,
}

impl<'a> Broadcast<'a> {
    #[inline]
    pub(super) fn new(
        json: &'a [u8],
        items: &'a [Item],
        reset: Option<(Arc<Snapshot>, bool)>,
    ) -> Self {
        Self { json, items, reset, batches: SmallVec::new() }
    }
}

impl People {
    /// Removes a session. Those that have got the broadcast under way stay before those that have not.
    pub(super) fn remove(&mut self, member: MemberId) -> Option<LocalSession> {
        let mut at = self.sessions.get_index_of(&member)?;
        if at < self.broadcast_to {
            self.broadcast_to -= 1;
            self.sessions.swap_indices(at, self.broadcast_to);
            at = self.broadcast_to;
        }
        self.sessions.swap_remove_index(at).map(|(_, session)| session)
    }

    /// Takes all sessions: the room has ended.
    pub(super) fn end(&mut self) -> IndexMap<MemberId, LocalSession, RandomState> {
        self.broadcast_to = 0;
        std::mem::take(&mut self.sessions)
    }

    /// A member has another name: later welcomes and tickets say it.
    pub(super) fn rename(&mut self, member: MemberId, name: &Name) {
        if let Some(session) = self.sessions.get_mut(&member).filter(|known| known.name != *name) {
            session.name = name.clone();
        }
    }

    /// Broadcasts to the next `most` sessions that have not got it yet. False when all have. A session that is opened
    /// meanwhile comes last; its snapshot already contains what lies before it.
    pub(super) fn broadcast(
        &mut self,
        out: &mut Broadcast<'_>,
        most: usize,
        room: &RoomId,
        config: &HubConfig,
    ) -> bool {
        let Broadcast { json, items, reset, batches } = out;
        let (from, count) = (std::mem::take(&mut self.broadcast_to), self.sessions.len());
        let to = if count - from > most { from + most } else { count };
        if to < count {
            self.broadcast_to = to;
        }
        if let Some((snapshot, crowd)) = reset {
            self.key = Some(snapshot.key);
            if from == 0 {
                snapshot.members.iter().for_each(|member| self.rename(member.id, &member.name));
            }
            for (member, session) in self.sessions.iter_mut().take(to).skip(from) {
                session.start_over(*member, room, snapshot, *crowd, config);
            }
            if items.is_empty() {
                return to < count;
            }
        }
        // If all of the batch lies after a subscriber's snapshot and none of it is the member's own, the batch goes
        // out whole.
        let (mut first_seq, mut first_version) = (Seq::MAX, u64::MAX);
        for item in *items {
            match item.order {
                FrameOrder::Said(cursor) => first_seq = first_seq.min(cursor.seq),
                FrameOrder::Presence { version, .. } => first_version = first_version.min(version),
                FrameOrder::Notice => {}
            }
        }
        let life = items.iter().find_map(|item| item.order.epoch());
        let one_life =
            items.iter().filter_map(|item| item.order.epoch()).all(|epoch| Some(epoch) == life);
        let mut authors: Few<usize> = items
            .iter()
            .filter_map(|item| self.sessions.get_index_of(&item.content.author()?))
            .collect();
        authors.sort_unstable();
        let Some(sessions) = self.sessions.get_range_mut(from..to) else { return false };
        for (index, (member, session)) in (from..).zip(sessions.iter_mut()) {
            let Some(encoder) = session.place.subscriber().map(|subscriber| subscriber.encoder())
            else {
                continue;
            };
            let at = batches
                .iter()
                .position(|batch| std::ptr::eq(batch.encoder, encoder))
                .unwrap_or_else(|| {
                    batches.push(Batch::new(encoder, room, json, items));
                    batches.len() - 1
                });
            let batch = &batches[at];
            match &mut session.place {
                Place::Live { subscriber, seen_up_to } => {
                    let same_life = one_life && life.is_none_or(|life| life == seen_up_to.epoch);
                    let fresh = same_life
                        && seen_up_to.seq < first_seq
                        && seen_up_to.version < first_version;
                    if fresh && authors.binary_search(&index).is_err() {
                        subscriber.deliver(std::slice::from_ref(&batch.bytes));
                    } else {
                        let frames = batch.frames_for(*member, items, room, *seen_up_to);
                        if !frames.is_empty() {
                            subscriber.deliver(&frames);
                        }
                    }
                }
                Place::Joining(joining) => {
                    for (i, item) in items.iter().enumerate() {
                        joining.waiting.extend(
                            batch.frame(i, items, room, *member).map(|frame| (item.order, frame)),
                        );
                    }
                }
                Place::Held { .. } => {}
            }
        }
        to < count
    }
}

impl LocalSession {
    fn start_over(
        &mut self,
        member: MemberId,
        room: &RoomId,
        snapshot: &Snapshot,
        crowd: bool,
        config: &HubConfig,
    ) {
        match &mut self.place {
            Place::Live { subscriber, seen_up_to } => {
                *seen_up_to = SeenUpTo::of(snapshot);
                let last_n = snapshot.last_n(member);
                let since = since(snapshot, self.since);
                let guest = Greeted {
                    member,
                    name: &self.name,
                    resumed: true,
                    reset: true,
                    last_n,
                    after: 0,
                    since,
                    crowd,
                };
                let frame = config.welcome(
                    room,
                    snapshot,
                    &snapshot.history,
                    guest,
                    true,
                    subscriber.encoder(),
                );
                subscriber.deliver(&[frame]);
            }
            Place::Joining(joining) => {
                joining.waiting.clear();
                joining.reset = Some(SeenUpTo::of(snapshot));
            }
            Place::Held { .. } => {}
        }
    }
}
