//! What members do in a room: join, leave and send.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::{
    DEADLINE, Shared,
    broker_message::read_end,
    codec::{self, Str, garbled, number},
    error_action::once_begun,
    subscription::{RoomSubscription, TOGETHER},
};
use crate::{
    room::{Cursor, JoinResult, Joiner, LeaveReason, MemberId, RoomEnd, RoomId, Snapshot},
    store::{LeaveOutcome, StoreError},
};

/// A join; see [`crate::store::Store::join`].
pub(super) struct Join<'a> {
    pub(super) joiner: Joiner<'a>,
    pub(super) tag: u64,
    pub(super) began: Instant,
    pub(super) after: Option<Cursor>,
}

/// A join under way. Unless it is settled, dropping it undoes what it may have done: a new session is ended.
/// A session that was taken over is left to the leave of its owner, because the member has been there all along.
pub(super) struct JoinGuard<'a> {
    shared: &'a Arc<Shared>,
    subscription: &'a RoomSubscription,
    id: MemberId,
    tag: u64,
    pub(super) settled: bool,
    /// The member was not in the room before.
    pub(super) new: bool,
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
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Freed {
    /// There was no such member, or the answer to the first try was lost.
    NotMember,
    /// A newer connection has the session.
    Taken,
    /// The session is ended, and the room has other members.
    Ended,
    /// The session is ended, and the room is deleted.
    Over(RoomEnd),
}

impl From<Freed> for LeaveOutcome {
    fn from(freed: Freed) -> Self {
        let gone = matches!(freed, Freed::NotMember | Freed::Over(_));
        Self { gone, end: if let Freed::Over(end) = freed { Some(end) } else { None } }
    }
}

impl Shared {
    /// See [`crate::store::Store::join`].
    pub(super) async fn join(
        self: &Arc<Self>,
        room: &RoomId,
        join: Join<'_>,
    ) -> Result<(JoinResult, Snapshot), StoreError> {
        let (id, tag) = (join.joiner.id, join.tag);
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
        let admitted = self.admit(&subscription, &mut gate, &mut attempt, &join, deadline).await;
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

    /// See [`crate::store::Store::leave`].
    pub(super) async fn leave(
        self: &Arc<Self>,
        room: &RoomId,
        id: MemberId,
        tag: u64,
        reason: LeaveReason,
    ) -> Result<LeaveOutcome, StoreError> {
        let deadline = Instant::now() + DEADLINE;
        let Some(subscription) = self.watched(room) else {
            return self
                .free_session(room, id, tag, reason, false, deadline)
                .await
                .map(LeaveOutcome::from);
        };
        let Some(mut gate) = subscription.pass(deadline).await? else {
            return self
                .free_session(room, id, tag, reason, false, deadline)
                .await
                .map(LeaveOutcome::from);
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
        result.map(LeaveOutcome::from)
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
    ) -> Result<Freed, StoreError> {
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
            (Some("OK"), Some(true)) => {
                let end = reply.word().and_then(|line| read_end(room, &line));
                end.map(|(_, end)| Freed::Over(end)).ok_or_else(|| garbled("leave"))
            }
            (Some("OK"), Some(false)) => Ok(Freed::Ended),
            (Some("ETAKEN"), _) => Ok(Freed::Taken),
            (Some("ENOMEMBER"), _) => Ok(Freed::NotMember),
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
