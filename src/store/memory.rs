//! Rooms in this process: the pure rules of [`crate::room`] behind a sharded map.

mod world;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use dashmap::Entry as Slot;
use tokio::time::Instant;

use self::world::Life;
pub use self::world::{Clock, World, wall_clock};
use super::{Event, EventHandler, LeaveOutcome, PublishResults, Store, StoreError};
use crate::room::{
    CallMark, Cursor, EndCause, File, FileFacts, FileId, HostAction, JoinResult, Joiner,
    LeaveReason, MemberId, Name, NewEntry, NodeId, OpenedFile, RoomEnd, RoomError, RoomId,
    SessionOwner, Snapshot,
};

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
        joiner: &Joiner<'_>,
        tag: u64,
        began: Instant,
        after: Option<Cursor>,
    ) -> Result<(JoinResult, Snapshot), StoreError> {
        let id = joiner.id;
        let (now, limits) = ((self.world.clock)(), &self.world.limits);
        // The map entry keeps its shard locked, so that a join and the last leave cannot run at the same time.
        let mut slot = match self.world.rooms.entry(room.clone()) {
            Slot::Occupied(mut slot) => {
                // A room whose time is over ends now, if no node has ended it.
                if slot.get().room.rules().is_over(now) {
                    let over = slot.insert(Life::begin());
                    let end = over.room.end(room, EndCause::Expired, over.room.len() as u64);
                    over.on_event(room, &Event::Burned { end: Arc::new(end) });
                }
                slot
            }
            Slot::Vacant(slot) => slot.insert_entry(Life::begin()),
        };
        let life = slot.get_mut();
        let before = life.room.holder(id).filter(|before| before.node != self.node);
        let (owner, moment) = (self.holder(tag), self.world.moment(began));
        let version = life.room.version();
        let joined = life.room.join(now, limits, joiner, owner, moment);
        // An admission, an invite that was used, and a knock change the rules before the join is a version.
        let changed = life.room.version() - version - u64::from(joined.is_ok_and(|it| it.new)) > 0;
        if changed {
            let count = life.room.len() - usize::from(joined.is_ok());
            life.announce_rules_at(room, version + 1, count);
        }
        let joined = match joined {
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
    ) -> Result<LeaveOutcome, StoreError> {
        let Slot::Occupied(mut slot) = self.world.rooms.entry(room.clone()) else {
            return Ok(LeaveOutcome { gone: true, end: None });
        };
        let life = slot.get_mut();
        let Some(left) = life.room.leave(id, self.holder(tag)) else {
            return Ok(LeaveOutcome { gone: false, end: None });
        };
        if life.room.is_empty() {
            let end = life.room.end(room, EndCause::Left, 1);
            slot.remove();
            return Ok(LeaveOutcome { gone: true, end: Some(end) });
        }
        life.bid_farewell(room, left, reason);
        Ok(LeaveOutcome { gone: false, end: None })
    }

    async fn decide(
        &self,
        room: &RoomId,
        by: MemberId,
        action: &HostAction,
    ) -> Result<(), StoreError> {
        let mut life = self.world.rooms.get_mut(room).ok_or(RoomError::NotMember)?;
        let (now, limits) = ((self.world.clock)(), &self.world.limits);
        let gone = life.room.decide(now, limits, by, action)?;
        life.bid_farewell(room, gone, LeaveReason::Kicked);
        Ok(())
    }

    async fn end_knock(&self, room: &RoomId, id: Option<MemberId>) -> Result<(), StoreError> {
        if let Some(mut life) = self.world.rooms.get_mut(room)
            && life.room.end_knock((self.world.clock)(), id)
        {
            life.announce_rules(room);
        }
        Ok(())
    }

    async fn burn(&self, room: &RoomId, by: Option<MemberId>) -> Result<RoomEnd, StoreError> {
        let Slot::Occupied(slot) = self.world.rooms.entry(room.clone()) else {
            return Err(RoomError::NotMember.into());
        };
        let life = slot.get();
        let cause = life.room.check_end((self.world.clock)(), by)?;
        let end = life.room.end(room, cause, life.room.len() as u64);
        life.on_event(room, &Event::Burned { end: Arc::new(end.clone()) });
        slot.remove();
        Ok(end)
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
