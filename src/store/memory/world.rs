//! All rooms of a process, and who is told of what happens in them.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use ahash::RandomState;
use dashmap::DashMap;
use tokio::time::Instant;

use crate::{
    room::{
        Departed, Entry, Epoch, LeaveReason, Limits, Member, MemberId, Millis, Moment, NewEntry,
        NodeId, PublishResult, Room, RoomError, RoomId, RoomKey,
    },
    shrink,
    store::{Event, EventHandler},
};

/// The clock, as a value, so that tests can bring their own.
pub type Clock = fn() -> Millis;

/// The wall clock.
pub fn wall_clock() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// All rooms of a process. Several [`Memory`] nodes may share one, as nodes share a Redis.
pub struct World {
    pub(super) rooms: DashMap<RoomId, Life, RandomState>,
    pub(super) limits: Limits,
    pub(super) clock: Clock,
    /// When the world was created, by both clocks. Moments are computed from it, so that they keep their order when the
    /// wall clock is set.
    since: (Instant, Millis),
}

/// A room, and the event handlers of the nodes that have members in it.
pub(super) struct Life {
    pub(super) room: Room,
    pub(super) watchers: HashMap<NodeId, Arc<dyn EventHandler>>,
}

impl Life {
    /// A room without members.
    pub(super) fn begin() -> Self {
        let room = Room::new(Epoch::random(), RoomKey::random());
        Self { room, watchers: HashMap::new() }
    }

    pub(super) fn on_event(&self, id: &RoomId, event: &Event) {
        for events in self.watchers.values() {
            events.on_event(id, event);
        }
    }

    /// Adds a message to the log and publishes it, unless it is a repetition.
    pub(super) fn publish(
        &mut self,
        id: &RoomId,
        now: Millis,
        limits: &Limits,
        from: MemberId,
        NewEntry { n, text }: &NewEntry,
    ) -> Result<PublishResult, RoomError> {
        let said = match n {
            Some(n) => self.room.publish(now, limits, from, *n, text),
            None => self.room.publish_next(now, limits, from, text),
        }?;
        let PublishResult { n, seq, at, repeated } = said;
        if !repeated {
            let user = self.room.member(from)?.name.clone();
            // Of a message with files the room knows more than its sender said.
            let kept = if text.is_plain() || text.amendment().is_some() {
                None
            } else {
                self.room.text_of(seq)
            };
            let entry = Entry { seq, at, from, user, n, text: kept.unwrap_or(text).clone() };
            self.on_event(id, &Event::Said { epoch: self.room.epoch(), entry });
        }
        Ok(said)
    }

    /// Tells the remaining members about those that have just left, one version each, and about rules that changed in
    /// the same step, one version more.
    pub(super) fn bid_farewell(&mut self, id: &RoomId, gone: Departed, reason: LeaveReason) {
        let Departed { members, rules } = gone;
        self.forget_watchers(id, &members, reason, u64::from(rules));
        if rules {
            self.announce_rules(id);
        }
    }

    fn forget_watchers(&mut self, id: &RoomId, gone: &[Member], reason: LeaveReason, later: u64) {
        let room = &self.room;
        // A node hears nothing after its last member has begun to leave. It has to be told who was removed.
        if reason != LeaveReason::Kicked && !gone.is_empty() {
            self.watchers.retain(|node, _| room.holds(*node));
        }
        let first = room.version() - later - gone.len() as u64 + 1;
        for ((version, member), after) in (first..).zip(gone).zip((0..gone.len()).rev()) {
            let (epoch, count, member) = (room.epoch(), room.len() + after, member.clone());
            self.on_event(id, &Event::Left { epoch, member, reason, version, count });
        }
        if !gone.is_empty() {
            self.watchers.retain(|node, _| self.room.holds(*node));
        }
    }

    /// Tells all nodes what the rules are now.
    pub(super) fn announce_rules(&self, id: &RoomId) {
        self.announce_rules_at(id, self.room.version(), self.room.len());
    }

    /// The same as of a version, and of a count of members.
    pub(super) fn announce_rules_at(&self, id: &RoomId, version: u64, count: usize) {
        let rules = Arc::clone(self.room.rules());
        let host = rules.host.and_then(|host| Some(self.room.member(host).ok()?.name.clone()));
        let epoch = self.room.epoch();
        self.on_event(id, &Event::Rules { epoch, rules, host, version, count });
    }
}

impl World {
    /// An empty world.
    pub fn new(limits: Limits, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            rooms: DashMap::default(),
            limits,
            clock,
            since: (Instant::now(), clock()),
        })
    }

    /// When something began, by the wall clock.
    pub(super) fn moment(&self, began: Instant) -> Moment {
        let past = began.saturating_duration_since(self.since.0).as_micros();
        let at = |millis: u128| {
            self.since.1.saturating_add(Millis::try_from(millis).unwrap_or(Millis::MAX))
        };
        Moment { earliest: at(past / 1000), latest: at(past.div_ceil(1000)) }
    }

    /// How many rooms there are: 0 proves that no data of any room is left.
    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Whether there are no rooms.
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    /// Removes what has expired from every room.
    pub(super) fn expire(&self) {
        let now = (self.clock)();
        self.rooms.retain(|id, life| {
            let gone = life.room.expire(now, &self.limits);
            life.bid_farewell(id, gone, LeaveReason::NodeLost);
            !life.room.is_empty()
        });
        shrink::shrink(&self.rooms);
    }
}
