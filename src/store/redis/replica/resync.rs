//! The room as it was read again: what was missed is passed on, or the stream begins anew.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{HeldSession, RoomReplica, RoomState, State, Tell};
use crate::{
    room::{LeaveReason, Member, MemberId, Snapshot},
    store::Event,
};

impl RoomReplica {
    /// Before the room is read again: what was held until now will be in it.
    pub(in crate::store::redis) fn refill(&mut self) {
        if let State::Filling(held) = &mut self.state {
            held.clear();
        }
    }

    /// Whether events that were passed on differ from what there is now.
    pub(in crate::store::redis) fn is_forked(&self) -> bool {
        self.forked
    }

    /// Whether the room as read again shows, for the first time, that a failover has lost something that was
    /// passed on: joins and leaves, a session of this node, or the newest entry, which is another one now.
    pub(in crate::store::redis) fn forks(&mut self, room_state: &RoomState) -> bool {
        let room = &room_state.room;
        if self.forked || room.epoch != self.place.epoch {
            return false;
        }
        let there = room.history.iter().find(|entry| entry.seq == self.place.seq);
        let differs = there
            .is_some_and(|entry| self.newest.is_some_and(|newest| newest != (entry.from, entry.n)));
        let lost = room.version < self.place.version + self.changes(room)
            || self.lacks_a_session(room_state);
        self.forked = differs || lost;
        self.evicted |= lost;
        self.forked
    }

    /// How many joins, leaves and new names of members elsewhere it takes, at least, from who was here to who is. Each is
    /// a version, as is a change of the rules.
    fn changes(&self, room: &Snapshot) -> u64 {
        let now: HashMap<MemberId, &Member> =
            room.members.iter().map(|member| (member.id, member)).collect();
        let stays = |is: &Member, was: &Member| is.joined_at == was.joined_at;
        let gone =
            self.people.iter().filter(|was| !now.get(&was.id).is_some_and(|is| stays(is, was)));
        let came = room
            .members
            .iter()
            .filter(|is| !self.people.get(is.id).is_some_and(|was| stays(is, was)));
        let renamed = self.renamed(room).map(|(_, is)| is);
        gone.chain(came)
            .chain(renamed)
            .filter(|member| !self.sessions.contains_key(&member.id))
            .count() as u64
            + u64::from(*self.rules != *room.rules)
    }

    /// The members that are here still, under another name: as they were, and as they are.
    fn renamed<'a>(&'a self, room: &'a Snapshot) -> impl Iterator<Item = (&'a Member, &'a Member)> {
        room.members.iter().filter_map(|is| {
            let was = self.people.get(is.id)?;
            (was.joined_at == is.joined_at && was.name != is.name).then_some((was, is))
        })
    }

    /// Whether a member of this node has no session, although it has not left and no member has moved.
    fn lacks_a_session(&self, room_state: &RoomState) -> bool {
        let seated: HashSet<_> = room_state.sessions.iter().map(|(id, ..)| id).collect();
        room_state.moves <= self.place.moves
            && self.sessions.iter().any(|(id, session)| {
                !session.leaving && !seated.contains(id) && !room_state.room.rules.has_kicked(*id)
            })
    }

    /// Takes the room as read again. `reaches` tells whether its history is exactly what this node has missed.
    pub(in crate::store::redis) fn fill(
        &mut self,
        room_state: RoomState,
        reaches: bool,
        tell: Tell<'_>,
    ) {
        let State::Filling(held) = &mut self.state else { return };
        let held = std::mem::take(held);
        self.state = State::Live;
        self.resyncs += 1;
        self.compare_sessions(&room_state, tell);
        if self.sessions.is_empty() {
            return self.tell_kicked(|_, _| false, tell);
        }
        let RoomState { room, moves, .. } = room_state;
        let goes_on = room.epoch == self.place.epoch && reaches && !self.forked;
        self.tell_kicked(|replica, id| goes_on && replica.people.get(id).is_some(), tell);
        if goes_on {
            self.catch_up(room, moves, tell);
        } else {
            self.forked = false;
            self.stand_at(&room, moves);
            tell(&Event::Reset(Arc::new(room)));
        }
        self.receive_all(held, tell);
    }

    /// Drops members that have moved to another node or left from there; those that another epoch lacks are brought back.
    fn compare_sessions(&mut self, room_state: &RoomState, tell: Tell<'_>) {
        let seated: HashMap<_, _> =
            room_state.sessions.iter().map(|(id, node, since)| (id, (*node, *since))).collect();
        let rules = &room_state.room.rules;
        let same_life = room_state.room.epoch == self.place.epoch;
        let moved = |(id, session): &(&MemberId, &HeldSession)| match seated.get(id) {
            Some((node, since)) => *node != self.node && *since >= session.since,
            None => {
                rules.has_kicked(**id) || (same_life && session.version <= room_state.room.version)
            }
        };
        let moved: Vec<_> =
            self.sessions.iter().filter(moved).map(|(id, session)| (*id, session.tag)).collect();
        for (id, tag) in moved {
            if rules.has_kicked(id) { self.kick(id, tag) } else { self.lose(id, tag, tell) }
        }
    }

    /// Passes on what was missed. Of joins and leaves only the outcome is known:
    /// a member that joined and left in between is not reported.
    fn catch_up(&mut self, room: Snapshot, moves: u64, tell: Tell<'_>) {
        let now: HashMap<MemberId, &Member> =
            room.members.iter().map(|member| (member.id, member)).collect();
        let same = |a: &Member, b: &Member| a.joined_at == b.joined_at;
        let mut gone: Vec<Member> = self
            .people
            .iter()
            .filter(|was| !now.get(&was.id).is_some_and(|is| same(was, is)))
            .cloned()
            .collect();
        gone.sort_unstable_by_key(|member| (member.joined_at, member.id));
        let came: Vec<&Member> = room
            .members
            .iter()
            .filter(|is| !self.people.get(is.id).is_some_and(|was| same(was, is)))
            .collect();
        let back: HashSet<MemberId> = came.iter().map(|member| member.id).collect();
        // Members that come back leave first; members that are gone for good leave after the last of their messages.
        let (moved, gone): (Vec<_>, Vec<_>) =
            gone.into_iter().partition(|member| back.contains(&member.id));
        let renamed: Vec<_> = self.renamed(&room).collect();
        let decided = *self.rules != *room.rules;
        let changes = moved.len() + came.len() + renamed.len() + gone.len() + usize::from(decided);
        let mut version = room.version.saturating_sub(changes as u64);
        let mut count = self.people.len();
        let leave = |member: Member, version: &mut u64, count: &mut usize, tell: Tell<'_>| {
            (*version, *count) = (*version + 1, *count - 1);
            let kicked = room.rules.has_kicked(member.id);
            let reason = if kicked { LeaveReason::Kicked } else { LeaveReason::Left };
            tell(&Event::Left {
                epoch: room.epoch,
                member,
                reason,
                version: *version,
                count: *count,
            });
        };
        for member in moved {
            leave(member, &mut version, &mut count, tell);
        }
        for member in &came {
            (version, count) = (version + 1, count + 1);
            tell(&Event::Joined { epoch: room.epoch, member: (*member).clone(), version, count });
        }
        for (was, is) in &renamed {
            version += 1;
            let (from, user, previous) = (is.id, is.name.clone(), was.name.clone());
            tell(&Event::Renamed { epoch: room.epoch, from, user, previous, version, count });
        }
        for entry in room.history.iter().filter(|entry| entry.seq > self.place.seq) {
            tell(&Event::Said { epoch: room.epoch, entry: entry.clone() });
        }
        for member in gone {
            leave(member, &mut version, &mut count, tell);
        }
        if decided {
            version += 1;
            let rules = Arc::clone(&room.rules);
            let host = rules.host.and_then(|host| Some(now.get(&host)?.name.clone()));
            tell(&Event::Rules { epoch: room.epoch, rules, host, version, count });
        }
        if changes == 0 && version > self.place.version {
            tell(&Event::Unchanged { epoch: room.epoch, version, count });
        }
        // Last, because that is the version at which it is known.
        for member in &room.members {
            if self.people.get(member.id).map_or(member.call.is_on(), |was| was.call != member.call)
            {
                let (from, user, call) = (member.id, member.name.clone(), member.call);
                tell(&Event::Call { epoch: room.epoch, from, user, call, version });
            }
        }
        let newest = self.newest;
        let unmoved = room.seq == self.place.seq;
        self.stand_at(&room, moves);
        if unmoved {
            self.newest = newest;
        }
    }
}
