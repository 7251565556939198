//! What members do in a room: join, leave and send.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::{
    DEADLINE, Shared,
    codec::{self, JoinReply, Str, garbled, number},
    error_action::once_begun,
    replica::HeldSession,
    scripts, spoiled,
    subscription::{GateState, RoomSubscription, TOGETHER},
};
use crate::{
    room::{
        Cursor, Epoch, JoinResult, LeaveReason, MemberId, Moment, Name, RoomError, RoomId, RoomKey,
        Snapshot,
    },
    store::StoreError,
};

/// A member that joins; see [`crate::store::Store::join`].
pub(super) struct Joiner<'a> {
    pub(super) id: MemberId,
    pub(super) name: &'a Name,
    pub(super) tag: u64,
    pub(super) began: Instant,
    pub(super) after: Option<Cursor>,
}

/// A join under way. Unless it is settled, dropping it undoes what it may have done: a new session is ended.
/// A session that was taken over is left to the leave of its owner, because the member has been there all along.
struct JoinGuard<'a> {
    shared: &'a Arc<Shared>,
    subscription: &'a RoomSubscription,
    id: MemberId,
    tag: u64,
    settled: bool,
    /// The member was not in the room before.
    new: bool,
}

impl Drop for JoinGuard<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        if self.new {
            self.subscription.replica().give_up(self.id, self.tag);
            self.subscription.wake();
        }
        self.shared.schedule_cleanup(&self.subscription.room, self.id, self.tag);
    }
}

/// The result of ending a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LeaveOutcome {
    /// There was no such member, or the answer to the first try was lost.
    NotMember,
    /// A newer connection has the session.
    Taken,
    /// The session is ended, and the room has other members.
    Freed,
    /// The session is ended, and the room is deleted.
    Over,
}

impl LeaveOutcome {
    fn may_be_over(self) -> bool {
        matches!(self, Self::NotMember | Self::Over)
    }
}

impl Shared {
    /// See [`crate::store::Store::join`].
    pub(super) async fn join(
        self: &Arc<Self>,
        room: &RoomId,
        joiner: Joiner<'_>,
    ) -> Result<(JoinResult, Snapshot), StoreError> {
        let Joiner { id, tag, .. } = joiner;
        let deadline = Instant::now() + DEADLINE;
        let (subscription, mut gate) = loop {
            let subscription = self.subscription(room)?;
            let answers = || self.router.answers(subscription.keys.slot());
            if let Some(gate) = subscription.pass_to_join(answers, deadline).await? {
                break (subscription, gate);
            }
        };
        let mut attempt = JoinGuard {
            shared: self,
            subscription: &subscription,
            id,
            tag,
            settled: true,
            new: false,
        };
        let admitted = self.admit(&subscription, &mut gate, &mut attempt, &joiner, deadline).await;
        if admitted.is_err() && subscription.replica().sessions().is_empty() {
            self.retire(&subscription, &mut gate).await;
        }
        drop(gate);
        let (mut joined, seen) = admitted?;
        let room =
            self.welcome(&subscription, (id, tag), seen, deadline).await.map_err(once_begun)?;
        attempt.settled = true;
        // Where the room was read again, the member may have sent something meanwhile.
        joined.last_n = joined.last_n.max(room.last_n(id));
        subscription.tell_reach(self);
        Ok((joined, room))
    }

    /// Subscribes first, then joins: messages in between wait in the replica. Returns the room as of the join, without its
    /// members where this node knows them.
    async fn admit(
        self: &Arc<Self>,
        subscription: &RoomSubscription,
        gate: &mut GateState,
        attempt: &mut JoinGuard<'_>,
        joiner: &Joiner<'_>,
        deadline: Instant,
    ) -> Result<(JoinResult, Snapshot), StoreError> {
        if gate.subscribed.is_none() {
            gate.subscribed = Some(self.router.subscribe(&subscription.keys, deadline).await?);
        }
        let Joiner { id, tag, began, .. } = *joiner;
        let moment = self.moment(&subscription.keys, began);
        // The first member of this node needs the list of the others. The last may move away while the next one joins.
        let mut list = subscription.replica().sessions().is_empty();
        let mut repeated = false;
        let (joined, room_state) = loop {
            let mut args = self.join_args(joiner, RoomKey::random(), None, list);
            args.extend(
                moment
                    .iter()
                    .flat_map(|Moment { earliest, latest }| [number(earliest), number(latest)]),
            );
            attempt.settled = false;
            let answer = self.router.run(&scripts::JOIN, &subscription.keys, args, deadline).await;
            // A repetition that fails leaves what the first try did.
            attempt.settled = !repeated && !matches!(answer, Err(StoreError::Unavailable));
            let mut reply =
                answer.map_err(|error| if repeated { once_begun(error) } else { error })?;
            match reply.word().as_deref() {
                Some("OK") => {}
                Some("EFULL") => return Err(RoomError::RoomFull.into()),
                Some("ETAKEN") => return Err(RoomError::Overtaken.into()),
                Some("EBROKEN") => return Err(spoiled::numbers()),
                _ => return Err(garbled("join")),
            }
            // Where the reply cannot be read, the join has taken effect.
            attempt.settled = false;
            let JoinReply { joined, leased, since, joined_at, name, room_state } =
                JoinReply::read(reply).ok_or_else(|| garbled("join"))?;
            // A member that was not in the room before does not count as joined until the welcome.
            (attempt.settled, attempt.new) = (!joined.new, joined.new);
            let mut replica = subscription.replica();
            let first = replica.sessions().is_empty();
            if first && !list {
                // The same join once more: Redis answers a repetition as it did the first time.
                (list, repeated) = (true, true);
                continue;
            }
            let version = room_state.room.version;
            replica.add_session(
                id,
                HeldSession { tag, since, name, joined_at, version, leaving: false },
            );
            if first {
                replica.open(&room_state, joined.new.then_some(id), &mut |event| {
                    self.events.on_event(&subscription.room, event)
                });
            } else if !leased {
                replica.mark_evicted();
            }
            if replica.is_faulty() {
                subscription.wake();
            }
            break (joined, room_state);
        };
        subscription.expect(room_state.position());
        // An older connection of the same member has lost the session to this one.
        subscription.notify();
        Ok((joined, room_state.room))
    }

    /// The arguments of join.lua. `again` is for a member that is brought back, `list` asks for the members.
    pub(super) fn join_args(
        &self,
        joiner: &Joiner<'_>,
        key: RoomKey,
        again: Option<&HeldSession>,
        list: bool,
    ) -> Vec<Str> {
        let (since, joined_at) = again.map_or_else(Default::default, |session| {
            (number(session.since), number(session.joined_at))
        });
        let received = |after: Cursor| (codec::epoch(after.epoch), number(after.seq));
        let (life, seq) = joiner.after.map_or_else(Default::default, received);
        vec![
            codec::id(joiner.id),
            codec::node(self.node),
            number(joiner.tag),
            Str::from(joiner.name.encode()),
            codec::epoch(Epoch::random()),
            codec::key(&key),
            number(self.limits.members),
            number(self.limits.history_age),
            number(self.limits.lease),
            number(self.ttl.as_millis()),
            since,
            joined_at,
            number(u8::from(list)),
            life,
            seq,
        ]
    }

    /// See [`crate::store::Store::leave`].
    pub(super) async fn leave(
        self: &Arc<Self>,
        room: &RoomId,
        id: MemberId,
        tag: u64,
        reason: LeaveReason,
    ) -> Result<bool, StoreError> {
        let deadline = Instant::now() + DEADLINE;
        let Some(subscription) = self.watched(room) else {
            return self
                .free_session(room, id, tag, reason, false, deadline)
                .await
                .map(LeaveOutcome::may_be_over);
        };
        let Some(mut gate) = subscription.pass(deadline).await? else {
            return self
                .free_session(room, id, tag, reason, false, deadline)
                .await
                .map(LeaveOutcome::may_be_over);
        };
        let last = {
            let mut replica = subscription.replica();
            let last = replica.mark_leaving(id, tag) && replica.sessions().len() == 1;
            if last {
                replica.hold();
            }
            last
        };
        let result = self.free_session(room, id, tag, reason, false, deadline).await;
        let empty = {
            let mut replica = subscription.replica();
            if result.is_ok() {
                replica.remove_session(id, tag);
            }
            let empty = replica.sessions().is_empty();
            if last && !empty {
                replica.release(&mut |event| self.events.on_event(room, event));
            }
            empty
        };
        if empty {
            self.retire(&subscription, &mut gate).await;
        }
        subscription.notify();
        result.map(LeaveOutcome::may_be_over)
    }

    /// Ends a session in Redis; to `undo` a join, only if the join was the member's first.
    pub(super) async fn free_session(
        &self,
        room: &RoomId,
        id: MemberId,
        tag: u64,
        reason: LeaveReason,
        undo: bool,
        deadline: Instant,
    ) -> Result<LeaveOutcome, StoreError> {
        let (lease, period) = (number(self.limits.lease), number(self.period().as_millis()));
        let args = vec![
            codec::id(id),
            codec::node(self.node),
            number(tag),
            Str::from(reason.as_str()),
            lease,
            period,
            number(u8::from(undo)),
        ];
        let mut reply = self.router.run(&self.leave, &self.keys(room), args, deadline).await?;
        match (reply.word().as_deref(), reply.flag()) {
            (Some("OK"), Some(over)) => {
                Ok(if over { LeaveOutcome::Over } else { LeaveOutcome::Freed })
            }
            (Some("ETAKEN"), _) => Ok(LeaveOutcome::Taken),
            (Some("ENOMEMBER"), _) => Ok(LeaveOutcome::NotMember),
            _ => Err(garbled("leave")),
        }
    }

    /// At the end of this node: all of its members leave the room.
    pub(super) async fn dissolve(self: &Arc<Self>, subscription: &RoomSubscription) {
        subscription.abandon();
        subscription.notify();
        let deadline = Instant::now() + DEADLINE;
        let Ok(Some(mut gate)) = subscription.pass(deadline).await else { return };
        let sessions = subscription.replica().sessions().clone();
        subscription.replica().hold();
        let goodbyes = sessions.into_iter().map(|(id, session)| {
            self.free_session(
                &subscription.room,
                id,
                session.tag,
                LeaveReason::Shutdown,
                false,
                deadline,
            )
        });
        stream::iter(goodbyes).buffer_unordered(TOGETHER).for_each(|_| async {}).await;
        gate.retired = true;
        self.forget(subscription);
    }
}
