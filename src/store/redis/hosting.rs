//! What a host decides, and the end of a room.
//!
//! Which rules follow from which decision is said in [`crate::room`] alone: this node reads the rules, finds those that
//! follow, and the script takes them if nothing has changed in between.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    DEADLINE, Members, Shared, Want,
    broker_message::{BrokerMessage, read_end},
    codec::{self, Position, Reply, RoomState, Str, garbled, number},
    keys::Keys,
    scripts,
    subscription::RoomSubscription,
    written_rules::write_rules,
};
use crate::{
    room::{AddressMark, HostAction, MemberId, Millis, RoomEnd, RoomError, RoomId, RoomRules},
    store::StoreError,
};

/// How often a change is tried where others come in between.
pub(super) const TRIES: u32 = 64;
/// When to come back where they always do.
const PAUSE: Duration = Duration::from_secs(1);

/// The error where other changes always come in between.
pub(super) fn crowded() -> StoreError {
    StoreError::Busy(PAUSE)
}

/// A change of the rules, as `rules.lua` takes it.
pub(super) struct Change {
    by: Option<MemberId>,
    expected: Str,
    rules: String,
    needed: Option<MemberId>,
    version: Option<u64>,
    kicked: Vec<MemberId>,
}

impl Change {
    /// A change that concerns no member.
    pub(super) fn of(expected: Str, rules: &RoomRules) -> Self {
        let rules = write_rules(rules);
        Self { by: None, expected, rules, needed: None, version: None, kicked: Vec::new() }
    }
}

/// The result of a change.
pub(super) enum Changed {
    /// It is done; the position from then on.
    Done(Position),
    /// Something else has changed since.
    Not,
    /// The member that decides is no member.
    NoMember,
    /// There is no such room.
    NoRoom,
}

impl Shared {
    /// See [`crate::store::Store::decide`].
    pub(super) async fn decide(
        &self,
        room: &RoomId,
        by: MemberId,
        action: &HostAction,
    ) -> Result<(), StoreError> {
        let (keys, deadline) = (self.keys(room), Instant::now() + DEADLINE);
        for _ in 0..TRIES {
            let target = action.kicks();
            let Some(read) =
                self.look(&keys, Members::All, Want::Nothing, target, deadline).await?
            else {
                return Err(self.unknown(room, by));
            };
            let RoomState { room: seen, rules: expected, .. } = read.room_state;
            if !seen.members.iter().any(|member| member.id == by) {
                return Err(self.unknown(room, by));
            }
            let mark = read.mark.as_ref();
            let (now, rules) = (read.now, &seen.rules);
            let decision = rules.decide(now, &self.limits, by, action, &seen.members, mark)?;
            if decision.kicked.is_empty() && decision.rules == **rules {
                return Ok(());
            }
            let needed = match action {
                HostAction::Kick { member, .. } | HostAction::Mute { member, .. } => Some(*member),
                HostAction::Host(member) => Some(*member),
                _ => None,
            };
            // Another session of the account must not slip in.
            let version = target.map(|_| seen.version);
            let change = Change {
                by: Some(by),
                needed,
                version,
                kicked: decision.kicked,
                ..Change::of(expected, &decision.rules)
            };
            match self.change(&keys, &change, deadline).await? {
                Changed::Done(position) => {
                    if let Some(subscription) = self.watched(room) {
                        subscription.expect(position);
                    }
                    return Ok(());
                }
                Changed::NoMember | Changed::NoRoom => return Err(self.unknown(room, by)),
                Changed::Not => {}
            }
        }
        Err(crowded())
    }

    /// See [`crate::store::Store::end_knock`].
    pub(super) async fn end_knock(
        &self,
        room: &RoomId,
        id: Option<MemberId>,
    ) -> Result<(), StoreError> {
        let (keys, deadline) = (self.keys(room), Instant::now() + DEADLINE);
        for _ in 0..TRIES {
            let Some(read) =
                self.look(&keys, Members::Counted, Want::Nothing, None, deadline).await?
            else {
                return Ok(());
            };
            let RoomState { room: seen, rules: expected, .. } = read.room_state;
            let Some(after) = seen.rules.without_knock(read.now, id) else { return Ok(()) };
            match self.change(&keys, &Change::of(expected, &after), deadline).await? {
                Changed::Not => {}
                _ => return Ok(()),
            }
        }
        Err(crowded())
    }

    /// Writes bans back that this node knows and Redis has lost, as a failover may. Returns whether it tried: then the
    /// room has to be read again.
    pub(super) async fn restore_bans(
        &self,
        subscription: &RoomSubscription,
        RoomState { room, rules: expected, .. }: &RoomState,
        deadline: Instant,
    ) -> Result<bool, StoreError> {
        let (key, known) = {
            let replica = subscription.replica();
            (replica.key(), Arc::clone(replica.rules()))
        };
        // Marks of addresses are made with the room's key.
        let Some(rules) = room.rules.with_bans_of(&known).filter(|_| room.key == key) else {
            return Ok(false);
        };
        let members = room.members.iter().map(|member| member.id);
        let kicked = members.filter(|id| rules.has_kicked(*id)).collect();
        let change = Change { kicked, ..Change::of(expected.clone(), &rules) };
        self.change(&subscription.keys, &change, deadline).await?;
        Ok(true)
    }

    /// Changes the rules, if they are what the change expects.
    pub(super) async fn change(
        &self,
        keys: &Keys,
        change: &Change,
        deadline: Instant,
    ) -> Result<Changed, StoreError> {
        let mut args = vec![
            change.by.map(codec::id).unwrap_or_default(),
            change.expected.clone(),
            Str::from(change.rules.as_str()),
            number(self.limits.lease),
            number(self.ttl.as_millis()),
            change.needed.map(codec::id).unwrap_or_default(),
            change.version.map(number).unwrap_or_default(),
        ];
        args.extend(change.kicked.iter().copied().map(codec::id));
        let mut reply = self.router.run(&self.rules, keys, args, deadline).await?;
        match reply.word().as_deref() {
            Some("OK") => {
                let at = reply.epoch().zip(reply.count());
                let (epoch, version) = at.ok_or_else(|| garbled("rules"))?;
                Ok(Changed::Done(Position { epoch, seq: 0, version, moves: 0 }))
            }
            Some("ECHANGED") => Ok(Changed::Not),
            Some("ENOMEMBER") => Ok(Changed::NoMember),
            Some("ENOROOM") => Ok(Changed::NoRoom),
            _ => Err(garbled("rules")),
        }
    }

    /// See [`crate::store::Store::burn`].
    pub(super) async fn burn(
        self: &Arc<Self>,
        room: &RoomId,
        by: Option<MemberId>,
    ) -> Result<RoomEnd, StoreError> {
        let (keys, deadline) = (self.keys(room), Instant::now() + DEADLINE);
        let args = vec![by.map(codec::id).unwrap_or_default(), Str::new(), Str::new()];
        let mut reply = self.router.run(&scripts::BURN, &keys, args, deadline).await?;
        match reply.word().as_deref() {
            Some("OK") => {
                let line = reply.word().ok_or_else(|| garbled("burn"))?;
                let (life, end) = read_end(room, &line).ok_or_else(|| garbled("burn"))?;
                // This node knows before the channel says so: its next newcomer must not bring the room back.
                if let Some(subscription) = self.watched(room) {
                    let (life, end) = (life.clone(), Arc::new(end.clone()));
                    subscription.receive(self, BrokerMessage::Burned { life, end });
                }
                tokio::spawn(burn_again(Arc::downgrade(self), keys, life, line));
                Ok(end)
            }
            Some("ENOROOM") => Err(RoomError::NotMember.into()),
            Some("ENOMEMBER") => {
                Err(by.map_or(RoomError::NotMember.into(), |by| self.unknown(room, by)))
            }
            Some("ENOTHOST") => Err(RoomError::NotHost.into()),
            _ => Err(garbled("burn")),
        }
    }
}

/// How often other nodes are told that a room was ended.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

/// Ends a room again for two leases: a node that has missed the end brings its members back, with the same key, as soon
/// as it finds that the room is gone. A room with another key is left alone, and such a node waits with its members
/// until it must have been told; see `rejoin_members`.
async fn burn_again(shared: Weak<Shared>, keys: Keys, life: Str, line: Str) {
    let Some(lease) = shared.upgrade().map(|shared| shared.lease()) else { return };
    let until = Instant::now() + 2 * lease;
    while Instant::now() < until {
        sleep(AGAIN.min(lease / 3)).await;
        let Some(shared) = shared.upgrade() else { return };
        let args = vec![Str::new(), life.clone(), line.clone()];
        // The next turn makes up for one that fails.
        let _ = shared.router.run(&scripts::BURN, &keys, args, Instant::now() + AGAIN).await;
    }
}

/// A room as it was read, for one who decides.
pub(super) struct Read {
    pub(super) room_state: RoomState,
    /// Whether the log reaches back to the cursor.
    pub(super) reaches: bool,
    pub(super) now: Millis,
    /// The mark of the address that was asked for.
    pub(super) mark: Option<AddressMark>,
}

impl Read {
    /// `reaches now mark` and the room.
    pub(super) fn of(mut reply: Reply) -> Option<Self> {
        let (reaches, now, mark) = (reply.flag()?, reply.count()?, reply.word()?);
        let mark = (mark != "-").then(|| AddressMark::new(&mark));
        Some(Self { room_state: reply.room_state()?, reaches, now, mark })
    }
}
