//! A random simulation of a room in Redis, a node that loses some of its messages, and members that join, move and leave:
//! every subscriber ends up with the members and the messages that there are.
#![allow(clippy::unwrap_used)]

mod outcome;

use std::collections::{BTreeMap, VecDeque};

use fastrand::Rng;

use super::{
    tests::{HERE, LIFE, THERE},
    *,
};
use crate::room::{CallMark, Entry, LeaveReason, Member, Name, SessionOwner};

/// A member that never leaves, so that the node always has a reason to stay subscribed.
const HOST: u128 = 1;

fn id(who: u128) -> MemberId {
    MemberId(uuid::Uuid::from_u128(who))
}

/// A member of this node.
struct Reader {
    tag: u64,
    /// How many events had been passed on when it joined.
    from: usize,
    /// The room as the member knows it.
    seen: Snapshot,
    welcomed: bool,
}

/// The node and connection that have a member's session according to Redis, and since when.
#[derive(Clone, Copy)]
struct Sits {
    node: NodeId,
    tag: u64,
    since: u64,
}

struct Simulation {
    rng: Rng,
    /// The room in Redis.
    room: Snapshot,
    holders: BTreeMap<MemberId, Sits>,
    moves: u64,
    leased: bool,
    clock: u64,
    /// Messages on their way.
    wire: VecDeque<BrokerMessage>,
    /// Messages are lost, and other members act at random.
    stormy: bool,
    replica: RoomReplica,
    told: Vec<Event>,
    readers: BTreeMap<MemberId, Reader>,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let room = Snapshot {
            epoch: LIFE,
            key: RoomKey([1; 32]),
            seq: 0,
            version: 0,
            members: vec![],
            unlisted: 0,
            history: vec![],
            rules: Arc::default(),
        };
        let mut play = Self {
            rng: Rng::with_seed(seed),
            room,
            holders: BTreeMap::new(),
            moves: 0,
            leased: false,
            clock: 0,
            wire: VecDeque::new(),
            stormy: true,
            replica: RoomReplica::new(HERE),
            told: Vec::new(),
            readers: BTreeMap::new(),
        };
        play.come_in(HOST);
        play
    }

    fn room_state(&mut self) -> RoomState {
        // A hash has no order.
        self.rng.shuffle(&mut self.room.members);
        let sessions = self.holders.iter().map(|(id, sits)| (*id, sits.node, sits.since)).collect();
        RoomState { room: self.room.clone(), moves: self.moves, rules: "".into(), sessions }
    }

    /// JOIN. Says whether the member is new.
    fn take_session(&mut self, who: MemberId, node: NodeId) -> bool {
        self.clock += 1;
        let sits = Sits { node, tag: self.clock, since: self.clock };
        self.session(who, sits, self.clock, Name::guest(who))
    }

    fn session(&mut self, who: MemberId, sits: Sits, joined_at: u64, name: Name) -> bool {
        if let Some(Sits { node, tag, .. }) = self.holders.insert(who, sits) {
            if node != sits.node {
                self.moves += 1;
                let from = SessionOwner { node, tag };
                self.wire.push_back(BrokerMessage::Moved {
                    epoch: LIFE,
                    moves: self.moves,
                    member: who,
                    from,
                });
            }
            return false;
        }
        let member = Member { id: who, name, joined_at, call: CallMark::default() };
        self.room.members.push(member.clone());
        self.room.version += 1;
        let (version, count) = (self.room.version, self.room.members.len());
        self.wire.push_back(BrokerMessage::Joined { epoch: LIFE, version, count, member });
        true
    }

    /// LEAVE, or what a renewal does to the members of a dead node.
    fn free_session(&mut self, who: MemberId, node: NodeId, reason: LeaveReason) {
        if self.holders.get(&who).is_some_and(|sits| sits.node == node) {
            self.holders.remove(&who);
            let at = self.room.members.iter().position(|member| member.id == who).unwrap();
            let member = self.room.members.swap_remove(at);
            self.room.version += 1;
            let (version, count) = (self.room.version, self.room.members.len());
            self.wire.push_back(BrokerMessage::Left {
                epoch: LIFE,
                version,
                count,
                reason,
                member,
            });
        }
    }

    fn speak(&mut self) {
        let Some(from) = self.rng.choice(self.room.members.clone()) else { return };
        self.room.seq += 1;
        let (seq, text) = (self.room.seq, "words".parse().unwrap());
        let entry = Entry { seq, at: 0, from: from.id, user: from.name, n: seq, text };
        self.room.history.push(entry.clone());
        self.wire.push_back(BrokerMessage::Said { epoch: LIFE, entry });
    }

    /// RENAME, of any member.
    fn rename(&mut self) {
        let name: Name = format!("Name {}", self.rng.u8(..3)).parse().unwrap();
        let Some(at) = self.rng.choice(0..self.room.members.len()) else { return };
        let (from, count) = (self.room.members[at].id, self.room.members.len());
        let previous = std::mem::replace(&mut self.room.members[at].name, name.clone());
        if previous != name {
            self.room.version += 1;
            let (epoch, version, user) = (LIFE, self.room.version, name);
            self.wire.push_back(BrokerMessage::Renamed {
                epoch,
                version,
                count,
                member: from,
                user,
                previous,
            });
        }
    }

    /// RULES, of whatever host.
    fn decide(&mut self) {
        let host = self.rng.choice(&self.room.members).map(|member| member.id);
        self.room.rules = Arc::new(RoomRules { host, ..RoomRules::default() });
        self.room.version += 1;
        let (epoch, version, count) = (LIFE, self.room.version, self.room.members.len());
        let (host, rules) = (None, Arc::clone(&self.room.rules));
        self.wire.push_back(BrokerMessage::Rules { epoch, version, count, host, rules });
    }

    /// What other members do at any time.
    fn bustle(&mut self) {
        let who = self.rng.u128(100..106);
        match self.rng.u8(..5) {
            0 => self.speak(),
            1 => self.rename(),
            4 => self.decide(),
            2 => _ = self.take_session(id(who), THERE),
            _ => self.free_session(id(who), THERE, LeaveReason::Left),
        }
    }

    /// Some of what is on its way arrives, and some is lost.
    fn arrive(&mut self) {
        for _ in 0..self.rng.usize(..=self.wire.len()) {
            let message = self.wire.pop_front().unwrap();
            if !(self.stormy && self.rng.u8(..8) == 0) {
                self.replica.receive(message, &mut |event| self.told.push(event.clone()));
            }
        }
    }

    /// Time passes while an answer of Redis is under way.
    fn meanwhile(&mut self) {
        for _ in 0..if self.stormy { self.rng.usize(..3) } else { 0 } {
            self.bustle();
        }
        self.arrive();
    }

    fn come_in(&mut self, who: u128) {
        let (who, from) = (id(who), self.told.len());
        // Redis lists the members for the first of a node only.
        let list = self.replica.sessions().is_empty();
        let (new, leased) =
            (self.take_session(who, HERE), std::mem::replace(&mut self.leased, true));
        let (mut room_state, tag) = (self.room_state(), self.clock);
        self.meanwhile();
        let first = self.replica.sessions().is_empty();
        assert_eq!(first, list, "the host stays");
        let is_it = |member: &&Member| member.id == who;
        let Member { joined_at, name, .. } =
            room_state.room.members.iter().find(is_it).unwrap().clone();
        if !list {
            room_state.room.members.clear();
        }
        let session = HeldSession {
            tag,
            since: tag,
            name,
            joined_at,
            key: RoomKey([1; 32]),
            since_seq: 0,
            address: None,
            version: room_state.room.version,
            leaving: false,
        };
        self.replica.add_session(who, session);
        if first {
            self.replica
                .open(&room_state, new.then_some(who), &mut |event| self.told.push(event.clone()));
        } else if !leased {
            self.replica.mark_evicted();
        }
        let seen = room_state.room;
        self.readers.insert(who, Reader { tag, from, seen, welcomed: false });
    }

    /// What a join that waits for its welcome does.
    fn welcome(&mut self) {
        for who in self.readers.keys().copied().collect::<Vec<_>>() {
            let reader = self.readers.get_mut(&who).unwrap();
            if !reader.welcomed && self.replica.reaches(&reader.seen) {
                reader.welcomed = true;
                reader.seen = self.replica.shown_to(who, usize::MAX, reader.seen.clone());
            }
        }
    }

    fn go(&mut self, who: u128) {
        let who = id(who);
        if let Some(tag) = self.replica.sessions().get(&who).map(|session| session.tag) {
            self.replica.mark_leaving(who, tag);
            self.free_session(who, HERE, LeaveReason::Left);
            self.meanwhile();
            self.replica.remove_session(who, tag);
            self.readers.remove(&who);
        }
    }

    /// The node is taken for dead.
    fn reap(&mut self) {
        self.leased = false;
        let mine: Vec<_> =
            self.holders.iter().filter(|(_, sits)| sits.node == HERE).map(|(id, _)| *id).collect();
        mine.into_iter().for_each(|who| self.free_session(who, HERE, LeaveReason::NodeLost));
    }

    /// What a room's repair task does.
    fn reconcile(&mut self) {
        let mut evicted = self.replica.take_evicted() || !self.leased;
        let position = self.room_state().position();
        self.meanwhile();
        // It should be here by now.
        if !self.replica.place.reaches(position) {
            self.replica.mark_gap();
        }
        loop {
            if evicted {
                self.leased = true;
                for (who, session) in self.replica.sessions().clone() {
                    let HeldSession { tag, since, joined_at, .. } = session;
                    if self.holders.get(&who).is_some_and(|sits| sits.since > since) {
                        self.meanwhile();
                        self.replica.lose(who, tag, &mut |event| self.told.push(event.clone()));
                    } else {
                        self.session(
                            who,
                            Sits { node: HERE, tag, since },
                            joined_at,
                            session.name.clone(),
                        );
                        let version = self.room.version;
                        self.meanwhile();
                        self.replica.add_session(who, HeldSession { version, ..session });
                    }
                }
                self.replica.mark_gap();
            }
            if !self.replica.is_filling() {
                return;
            }
            self.replica.refill();
            let received = self.replica.received().1;
            self.meanwhile();
            let mut room_state = self.room_state();
            room_state.room.history.retain(|entry| entry.seq >= received);
            self.meanwhile();
            assert!(!self.replica.forks(&room_state), "nothing was lost in Redis");
            self.replica.fill(room_state, true, &mut |event| {
                assert!(!matches!(event, Event::Reset(_)), "the stream goes on");
                self.told.push(event.clone());
            });
            evicted = self.replica.take_evicted();
        }
    }

    fn step(&mut self) {
        let (who, dice) = (self.rng.u128(2..5), self.rng.u8(..32));
        match dice {
            0..10 => self.bustle(),
            10..14 => self.come_in(who),
            14..17 => self.go(who),
            // Also a member of this node: then it moves there.
            17 => _ = self.take_session(id(who), THERE),
            18 => self.free_session(id(who), THERE, LeaveReason::Left),
            19 => self.reap(),
            20..23 => self.reconcile(),
            23..26 => self.welcome(),
            _ => self.arrive(),
        }
    }

    fn is_at_rest(&mut self) -> bool {
        let position = self.room_state().position();
        let sound =
            self.leased && !self.replica.is_faulty() && self.replica.place.reaches(position);
        sound && self.wire.is_empty() && self.readers.values().all(|reader| reader.welcomed)
    }
}
