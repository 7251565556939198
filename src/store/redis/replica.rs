//! What one node knows of one room: turns broker messages that may be lost, doubled
//! or late into the events that the handler is promised. No input, no output, no clock.
//!
//! Entries are counted by `seq`, joins, leaves and new names by `version`. The next number is passed on, an older one is
//! dropped. Anything else is a fault that stops the stream until the room has been read again. Sessions
//! that went from one node to another are counted by `moves`: only to notice a lost message.

mod expected;
mod hosting;
mod leaves;
mod names;
mod overdue;
mod people;
mod resync;
mod session;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

pub(super) use self::session::HeldSession;
use self::{expected::ExpectedPosition, people::People};
use super::{
    broker_message::BrokerMessage,
    codec::{Position, RoomState},
};
use crate::{
    room::{Epoch, Member, MemberId, NodeId, RoomKey, RoomRules, Seq, Snapshot},
    store::Event,
};

enum State {
    /// Messages wait for the snapshot of a join, or for the end of the last leave.
    Joining(Vec<BrokerMessage>),
    /// Messages are passed on as they come.
    Live,
    /// Something is missing: messages wait until the room has been read again.
    Filling(Vec<BrokerMessage>),
}

/// The state machine of one room at one node.
pub(super) struct RoomReplica {
    node: NodeId,
    state: State,
    place: Position,
    /// The sender of the newest entry: another entry with its number would be a fork.
    newest: Option<(MemberId, u64)>,
    people: People,
    key: RoomKey,
    rules: Arc<RoomRules>,
    sessions: HashMap<MemberId, HeldSession>,
    due: ExpectedPosition,
    /// The members of this node may have lost their sessions.
    evicted: bool,
    /// The last member of this node has moved away, so that the subscription is no longer needed.
    deserted: bool,
    /// The subscription may be gone.
    unsubscribed: bool,
    /// Two entries with one number: events that were passed on cannot be taken back.
    forked: bool,
    /// Members of this node that the host removed, which was not passed on yet.
    kicked: Vec<Member>,
    /// The key of a life of the room that was ended for all.
    ended: Option<RoomKey>,
    /// How often the room was read again.
    resyncs: u64,
}

/// Where events go, in order.
pub(super) type Tell<'a> = &'a mut dyn FnMut(&Event);

impl RoomReplica {
    /// Before the first join.
    pub(super) fn new(node: NodeId) -> Self {
        Self {
            node,
            state: State::Joining(Vec::new()),
            place: Position { epoch: Epoch(0), seq: 0, version: 0, moves: 0 },
            newest: None,
            people: People::default(),
            key: RoomKey([0; 32]),
            rules: Arc::default(),
            sessions: HashMap::new(),
            due: ExpectedPosition::default(),
            evicted: false,
            deserted: false,
            unsubscribed: false,
            forked: false,
            kicked: Vec::new(),
            ended: None,
            resyncs: 0,
        }
    }

    /// The members of this node.
    pub(super) fn sessions(&self) -> &HashMap<MemberId, HeldSession> {
        &self.sessions
    }

    /// How far this node has got: epoch and seq.
    pub(super) fn received(&self) -> (Epoch, Seq) {
        (self.place.epoch, self.place.seq)
    }

    /// How often the room was read again. Of joins and leaves before a reading, only the outcome was passed on.
    pub(super) fn resyncs(&self) -> u64 {
        self.resyncs
    }

    /// Whether the stream has reached the position of `room`. It never reaches another epoch's.
    pub(super) fn reaches(&self, room: &Snapshot) -> bool {
        room.epoch == self.place.epoch && room.version <= self.place.version
    }

    /// A room for a member that joins: the log that the join returned, with the members that this node was told of.
    pub(super) fn shown_to(&self, reader: MemberId, most: usize, room: Snapshot) -> Snapshot {
        let members = self.people.listed(most, reader);
        let unlisted = self.people.len() - members.len();
        let rules = Arc::clone(&self.rules);
        Snapshot { version: self.place.version, members, unlisted, rules, ..room }
    }

    /// The room's key, for the case that Redis loses it.
    pub(super) fn key(&self) -> RoomKey {
        self.key
    }

    /// Something needs to be put right.
    pub(super) fn is_faulty(&self) -> bool {
        self.is_filling() || self.evicted || self.deserted || self.unsubscribed
    }

    /// Messages wait for the room to be read again.
    pub(super) fn is_filling(&self) -> bool {
        matches!(self.state, State::Filling(_))
    }

    /// Records that the subscription may be gone, and some messages with it.
    pub(super) fn mark_unsubscribed(&mut self) {
        self.unsubscribed = true;
        self.mark_gap();
    }

    /// Records that this node's members may have lost their sessions.
    pub(super) fn mark_evicted(&mut self) {
        self.evicted = true;
        self.mark_gap();
    }

    /// Records that messages may be missing.
    pub(super) fn mark_gap(&mut self) {
        if matches!(self.state, State::Live) {
            self.state = State::Filling(Vec::new());
        }
    }

    /// Whether to subscribe again; asks once.
    pub(super) fn take_unsubscribed(&mut self) -> bool {
        std::mem::take(&mut self.unsubscribed)
    }

    /// Whether to bring the members back; asks once.
    pub(super) fn take_evicted(&mut self) -> bool {
        std::mem::take(&mut self.evicted)
    }

    /// A member of this node has joined, unless a newer connection of it has.
    pub(super) fn add_session(&mut self, id: MemberId, session: HeldSession) {
        if self.sessions.get(&id).is_none_or(|sits| sits.tag <= session.tag) {
            let session = self.under_newest_name(id, session);
            self.sessions.insert(id, session);
            self.deserted = false;
        }
    }

    /// A member's session at this node, if it is this connection's.
    fn session(&mut self, id: MemberId, tag: u64) -> Option<&mut HeldSession> {
        self.sessions.get_mut(&id).filter(|session| session.tag == tag)
    }

    /// A member of this node has its session again, at a later version. Returns whether it still wants it.
    pub(super) fn renew(&mut self, id: MemberId, tag: u64, version: u64) -> bool {
        self.session(id, tag).map(|session| session.version = version).is_some()
    }

    /// A member of this node is about to leave, if it is this connection's.
    pub(super) fn mark_leaving(&mut self, id: MemberId, tag: u64) -> bool {
        self.session(id, tag).map(|session| session.leaving = true).is_some()
    }

    /// A member of this node has left, if it was this connection's.
    pub(super) fn remove_session(&mut self, id: MemberId, tag: u64) {
        if self.session(id, tag).is_some() {
            self.sessions.remove(&id);
        }
    }

    /// The last member of this node is about to leave: no more events are passed on, unless it stays after all.
    pub(super) fn hold(&mut self) {
        if matches!(self.state, State::Live) {
            self.state = State::Joining(Vec::new());
        }
    }

    /// Passes on what was held.
    pub(super) fn release(&mut self, tell: Tell<'_>) {
        if let State::Joining(held) = &mut self.state {
            let held = std::mem::take(held);
            self.state = State::Live;
            self.receive_all(held, tell);
        }
    }

    /// The first member of this node has joined: the stream begins with `room`.
    /// The member's own join, when it is `new`, is still to be passed on.
    pub(super) fn open(&mut self, room_state: &RoomState, new: Option<MemberId>, tell: Tell<'_>) {
        let RoomState { room, moves, .. } = room_state;
        // Where the last session moved away while this join was under way, later events may have been passed on already.
        let told = self.place.epoch == room.epoch
            && self.place.seq >= room.seq
            && self.place.version >= room.version;
        if !told {
            self.stand_at(room, *moves);
            if let Some(id) = new {
                self.place.version = self.place.version.saturating_sub(1);
                self.people.remove(id);
            }
        }
        self.release(tell);
    }

    fn stand_at(&mut self, room: &Snapshot, moves: u64) {
        self.place = Position { epoch: room.epoch, seq: room.seq, version: room.version, moves };
        self.key = room.key;
        self.sessions.values_mut().for_each(|session| session.key = room.key);
        self.rules = Arc::clone(&room.rules);
        self.newest = room
            .history
            .last()
            .filter(|entry| entry.seq == room.seq)
            .map(|entry| (entry.from, entry.n));
        self.people = room.members.iter().cloned().collect();
        self.rename_sessions(&room.members);
    }

    /// Takes messages as they come.
    pub(super) fn receive(&mut self, message: BrokerMessage, tell: Tell<'_>) {
        match &mut self.state {
            // The room must not be brought back.
            State::Filling(_) if matches!(message, BrokerMessage::Burned { .. }) => {
                self.take(message, tell);
            }
            State::Joining(held) | State::Filling(held) => match message {
                BrokerMessage::Typing { .. } => {}
                message => held.push(message),
            },
            State::Live => self.take(message, tell),
        }
    }

    fn receive_all(&mut self, held: Vec<BrokerMessage>, tell: Tell<'_>) {
        for message in held {
            self.receive(message, tell);
        }
    }

    fn take(&mut self, message: BrokerMessage, tell: Tell<'_>) {
        match message {
            BrokerMessage::Said { epoch, entry } if epoch == self.place.epoch => {
                let said = Some((entry.from, entry.n));
                if entry.seq == self.place.seq + 1 {
                    self.place.seq = entry.seq;
                    self.newest = said;
                    tell(&Event::Said { epoch, entry });
                } else if entry.seq > self.place.seq {
                    self.mark_gap();
                } else if entry.seq == self.place.seq
                    && self.newest.is_some()
                    && self.newest != said
                {
                    self.forked = true;
                    self.mark_gap();
                }
            }
            BrokerMessage::Joined { epoch, version, count, member }
                if epoch == self.place.epoch =>
            {
                if version == self.place.version + 1 {
                    self.place.version = version;
                    self.people.insert(member.clone());
                    tell(&Event::Joined { epoch, member, version, count });
                } else if version > self.place.version {
                    self.mark_gap();
                }
            }
            BrokerMessage::Left { epoch, version, count, reason, member }
                if epoch == self.place.epoch =>
            {
                self.left((epoch, version, count), member, reason, tell);
            }
            BrokerMessage::Renamed { epoch, version, count, member: from, user, previous }
                if epoch == self.place.epoch =>
            {
                if version == self.place.version + 1 {
                    self.place.version = version;
                    self.rename(from, &user);
                    tell(&Event::Renamed { epoch, from, user, previous, version, count });
                } else if version > self.place.version {
                    self.mark_gap();
                }
            }
            BrokerMessage::Rules { epoch, version, count, host, rules }
                if epoch == self.place.epoch =>
            {
                self.decided((epoch, version, count), rules, host, tell);
            }
            BrokerMessage::Burned { life, end } => self.burned(&life, &end, tell),
            BrokerMessage::Moved { epoch, moves, member, from } if epoch == self.place.epoch => {
                let missed = moves > self.place.moves + 1;
                let mine = from.node == self.node;
                // The answer to the join that took the session here may still be on its way.
                let unknown =
                    mine && self.sessions.get(&member).is_none_or(|session| session.tag < from.tag);
                if mine {
                    self.lose(member, from.tag, tell);
                }
                if missed || unknown {
                    // Not counted, so that the next reading of the room shows that a member has moved.
                    self.mark_gap();
                } else {
                    self.place.moves = self.place.moves.max(moves);
                }
            }
            BrokerMessage::Typing { from, typing, user } => {
                tell(&Event::Typing { from, user, typing })
            }
            BrokerMessage::Unloading { member } if self.sessions.contains_key(&member) => {
                tell(&Event::Unloading { member })
            }
            BrokerMessage::Unloading { .. } => {}
            // A member that is not here yet brings its mark along; an older mark is dropped.
            BrokerMessage::Call { from, call } => {
                if let Some(user) = self.people.call(from, call) {
                    let Position { epoch, version, .. } = self.place;
                    tell(&Event::Call { epoch, from, user, call, version });
                }
            }
            BrokerMessage::Reborn { epoch } if epoch == self.place.epoch => {}
            // A message of another epoch.
            _ => self.mark_gap(),
        }
    }
}
