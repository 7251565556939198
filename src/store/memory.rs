//! Rooms in this process: the pure rules of [`crate::room`] behind a sharded map.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ahash::RandomState;
use async_trait::async_trait;
use bytes::Bytes;
use dashmap::{DashMap, Entry as Slot};
use tokio::time::Instant;

use super::{Event, EventHandler, PublishResults, Store, StoreError};
use crate::{
    room::{
        CallMark, Cursor, Entry, Epoch, File, FileFacts, FileId, JoinResult, LeaveReason, Limits,
        Member, MemberId, Millis, Moment, Name, NewEntry, NodeId, OpenedFile, PublishResult, Room,
        RoomError, RoomId, RoomKey, SessionOwner, Snapshot,
    },
    shrink,
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
    rooms: DashMap<RoomId, Life, RandomState>,
    limits: Limits,
    clock: Clock,
    /// When the world was created, by both clocks. Moments are computed from it, so that they keep their order when the
    /// wall clock is set.
    since: (Instant, Millis),
}

/// A room, and the event handlers of the nodes that have members in it.
struct Life {
    room: Room,
    watchers: HashMap<NodeId, Arc<dyn EventHandler>>,
}

impl Life {
    fn on_event(&self, id: &RoomId, event: &Event) {
        for events in self.watchers.values() {
            events.on_event(id, event);
        }
    }

    /// Adds a message to the log and publishes it, unless it is a repetition.
    fn publish(
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

    /// Tells the remaining members about those that have just left, one version each.
    fn bid_farewell(&mut self, id: &RoomId, gone: Vec<Member>, reason: LeaveReason) {
        if gone.is_empty() {
            return;
        }
        let room = &self.room;
        self.watchers.retain(|node, _| room.holds(*node));
        let first = room.version() - gone.len() as u64 + 1;
        for ((version, member), after) in (first..).zip(gone.iter()).zip((0..gone.len()).rev()) {
            self.on_event(
                id,
                &Event::Left {
                    epoch: room.epoch(),
                    member: member.clone(),
                    reason,
                    version,
                    count: room.len() + after,
                },
            );
        }
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
    fn moment(&self, began: Instant) -> Moment {
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
    fn expire(&self) {
        let now = (self.clock)();
        self.rooms.retain(|id, life| {
            let gone = life.room.expire(now, &self.limits);
            life.bid_farewell(id, gone, LeaveReason::NodeLost);
            !life.room.is_empty()
        });
        shrink::shrink(&self.rooms);
    }
}

/// One node's access to a [`World`].
pub struct Memory {
    world: Arc<World>,
    node: NodeId,
    events: Arc<dyn EventHandler>,
}

impl Memory {
    /// Connects a node to a world. Its lease holds its members for as long as the value lives.
    /// Must be called within a tokio runtime.
    pub fn new(world: Arc<World>, node: NodeId, events: Arc<dyn EventHandler>) -> Arc<Self> {
        let memory = Arc::new(Self { world, node, events });
        tokio::spawn(Self::keep(Arc::downgrade(&memory)));
        memory
    }

    /// Renews this node's leases and sweeps, three times a lease, until the node is dropped.
    async fn keep(memory: Weak<Self>) {
        let mut last = None;
        loop {
            let Some(node) = memory.upgrade() else { return };
            let period = (node.world.limits.lease / 3).max(1);
            let now = (node.world.clock)();
            for mut life in node.world.rooms.iter_mut() {
                if life.room.holds(node.node) {
                    life.room.touch(now, &node.world.limits, node.node);
                }
            }
            // A node that is late itself lets the others renew first: all of them were held up.
            if last.replace(now).is_none_or(|last| now <= last + 2 * period) {
                node.world.expire();
            }
            drop(node);
            tokio::time::sleep(Duration::from_millis(period)).await;
        }
    }

    fn holder(&self, tag: u64) -> SessionOwner {
        SessionOwner { node: self.node, tag }
    }
}

#[async_trait]
impl Store for Memory {
    async fn join(
        &self,
        room: &RoomId,
        id: MemberId,
        name: &Name,
        tag: u64,
        began: Instant,
        after: Option<Cursor>,
    ) -> Result<(JoinResult, Snapshot), StoreError> {
        let (now, limits) = ((self.world.clock)(), &self.world.limits);
        // The map entry keeps its shard locked, so that a join and the last leave cannot run at the same time.
        let mut slot = match self.world.rooms.entry(room.clone()) {
            Slot::Occupied(slot) => slot,
            Slot::Vacant(slot) => slot.insert_entry(Life {
                room: Room::new(Epoch::random(), RoomKey::random()),
                watchers: HashMap::new(),
            }),
        };
        let life = slot.get_mut();
        let before = life.room.holder(id).filter(|before| before.node != self.node);
        let joined =
            match life.room.join(now, limits, id, name, self.holder(tag), self.world.moment(began))
            {
                Ok(joined) => joined,
                Err(refusal) => {
                    if life.room.is_empty() {
                        slot.remove();
                    }
                    return Err(refusal.into());
                }
            };
        life.watchers.entry(self.node).or_insert_with(|| Arc::clone(&self.events));
        if joined.new {
            let member = life.room.member(id)?.clone();
            let (epoch, version, count) = (life.room.epoch(), life.room.version(), life.room.len());
            life.on_event(room, &Event::Joined { epoch, member, version, count });
        }
        if let Some(before) = before {
            if let Some(events) = life.watchers.get(&before.node) {
                events.on_event(room, &Event::Moved { member: id, tag: before.tag });
            }
            life.watchers.retain(|node, _| life.room.holds(*node));
        }
        Ok((joined, life.room.snapshot_for(now, limits, id, after)))
    }

    async fn leave(
        &self,
        room: &RoomId,
        id: MemberId,
        tag: u64,
        reason: LeaveReason,
    ) -> Result<bool, StoreError> {
        let Slot::Occupied(mut slot) = self.world.rooms.entry(room.clone()) else {
            return Ok(true);
        };
        let life = slot.get_mut();
        let Some(member) = life.room.leave(id, self.holder(tag)) else { return Ok(false) };
        if life.room.is_empty() {
            slot.remove();
            return Ok(true);
        }
        life.bid_farewell(room, vec![member], reason);
        Ok(false)
    }

    async fn publish_all(
        &self,
        room: &RoomId,
        from: MemberId,
        entries: &[NewEntry],
    ) -> Result<PublishResults, StoreError> {
        let mut life = self.world.rooms.get_mut(room).ok_or(RoomError::NotMember)?;
        let now = (self.world.clock)();
        Ok(entries
            .iter()
            .map(|entry| life.publish(room, now, &self.world.limits, from, entry))
            .collect())
    }

    async fn typing(
        &self,
        room: &RoomId,
        from: MemberId,
        typing: bool,
        began: Instant,
    ) -> Result<(), StoreError> {
        let life = self.world.rooms.get(room).ok_or(RoomError::NotMember)?;
        if life.room.is_current((self.world.clock)(), from, self.world.moment(began))? || !typing {
            let user = life.room.member(from)?.name.clone();
            life.on_event(room, &Event::Typing { from, user, typing });
        }
        Ok(())
    }

    async fn rename(&self, room: &RoomId, id: MemberId, name: &Name) -> Result<(), StoreError> {
        let mut life = self.world.rooms.get_mut(room).ok_or(RoomError::NotMember)?;
        if let Some(previous) = life.room.rename(id, name)? {
            let (epoch, version, count) = (life.room.epoch(), life.room.version(), life.room.len());
            let user = name.clone();
            life.on_event(
                room,
                &Event::Renamed { epoch, from: id, user, previous, version, count },
            );
        }
        Ok(())
    }

    async fn unload(&self, room: &RoomId, id: MemberId) -> Result<(), StoreError> {
        let life = self.world.rooms.get(room).ok_or(RoomError::NotMember)?;
        let holder = life.room.holder(id).ok_or(RoomError::NotMember)?;
        if let Some(events) = life.watchers.get(&holder.node) {
            events.on_event(room, &Event::Unloading { member: id });
        }
        Ok(())
    }

    async fn call(&self, room: &RoomId, id: MemberId, call: CallMark) -> Result<(), StoreError> {
        let mut life = self.world.rooms.get_mut(room).ok_or(RoomError::NotMember)?;
        if life.room.call(id, call)? {
            let user = life.room.member(id)?.name.clone();
            let (epoch, version) = (life.room.epoch(), life.room.version());
            life.on_event(room, &Event::Call { epoch, from: id, user, call, version });
        }
        Ok(())
    }

    async fn snapshot(&self, room: &RoomId, history: bool) -> Result<Option<Snapshot>, StoreError> {
        let Some(mut life) = self.world.rooms.get_mut(room) else { return Ok(None) };
        let room = &mut life.room;
        Ok(Some(match history {
            true => room.snapshot((self.world.clock)(), &self.world.limits),
            false => room.facts(),
        }))
    }

    async fn find(
        &self,
        room: &RoomId,
        id: Option<MemberId>,
    ) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.world.rooms.get(room).map(|life| life.room.facts_about(id)))
    }

    async fn open_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
        facts: &FileFacts,
    ) -> Result<OpenedFile, StoreError> {
        let mut life = self.world.rooms.get_mut(room).ok_or(RoomError::NotMember)?;
        let (now, limits) = ((self.world.clock)(), &self.world.limits);
        Ok(life.room.open_file(now, limits, from, id, facts)?)
    }

    async fn write_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
        offset: u64,
        piece: Bytes,
    ) -> Result<u64, StoreError> {
        let mut life = self.world.rooms.get_mut(room).ok_or(RoomError::NotMember)?;
        let (now, limits) = ((self.world.clock)(), &self.world.limits);
        Ok(life.room.write_file(now, limits, from, id, offset, piece)?)
    }

    async fn read_file(
        &self,
        room: &RoomId,
        reader: MemberId,
        id: FileId,
        offset: Option<u64>,
    ) -> Result<(File, Bytes), StoreError> {
        let life = self.world.rooms.get(room).ok_or(RoomError::NotMember)?;
        Ok(life.room.read_file((self.world.clock)(), &self.world.limits, reader, id, offset)?)
    }

    async fn drop_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
    ) -> Result<u64, StoreError> {
        let mut life = self.world.rooms.get_mut(room).ok_or(RoomError::NotMember)?;
        let (now, limits) = ((self.world.clock)(), &self.world.limits);
        Ok(life.room.drop_file(now, limits, from, id)?.size)
    }

    fn ready(&self) -> bool {
        true
    }

    fn shared(&self) -> bool {
        false
    }

    async fn close(&self) {
        self.world.rooms.retain(|id, life| {
            let gone = life.room.evict(self.node);
            life.bid_farewell(id, gone, LeaveReason::Shutdown);
            !life.room.is_empty()
        });
    }
}
