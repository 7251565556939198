//! What members send: messages and typing.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::{
    DEADLINE, Shared,
    codec::{self, Position, Str, garbled, number},
    error_action::once_begun,
    scripts,
};
use crate::{
    room::{MemberId, Name, PublishResult, RoomError, RoomId, Text},
    store::StoreError,
};

impl Shared {
    /// See [`crate::store::Store::typing`].
    pub(super) async fn typing(
        &self,
        room: &RoomId,
        from: MemberId,
        user: &Name,
        typing: bool,
        began: Instant,
    ) -> Result<(), StoreError> {
        let mut args = vec![codec::id(from), number(u8::from(typing)), Str::from(user.encode())];
        args.extend(self.moment(&self.keys(room), began).map(|moment| number(moment.latest)));
        self.mark(&scripts::TYPING, room, args).await
    }

    /// See [`crate::store::Store::publish`], and [`crate::store::Store::publish_next`] for a message without `n`.
    pub(super) async fn publish(
        self: &Arc<Self>,
        room: &RoomId,
        from: MemberId,
        n: Option<u64>,
        text: &Text,
    ) -> Result<PublishResult, StoreError> {
        let deadline = Instant::now() + DEADLINE;
        // A send without a counter carries a draw. By it the script knows a repetition here after a lost answer.
        let draw = n.is_none().then(|| number(fastrand::u64(..)));
        let subscription = self.watched(room);
        let here = || {
            subscription
                .as_ref()
                .filter(|subscription| subscription.replica().sessions().contains_key(&from))
        };
        loop {
            let received = subscription
                .as_ref()
                .map(|subscription| codec::received(subscription.replica().received()));
            let n = n.map(number).unwrap_or_default();
            let mut args =
                vec![codec::id(from), n, Str::from(text.as_str()), received.unwrap_or_default()];
            args.extend(draw.clone());
            let keys = subscription
                .as_ref()
                .map_or_else(|| self.keys(room), |subscription| subscription.keys.clone());
            let mut reply = self
                .router
                .run_over(&self.publish, keys.slot(), keys.spoken(), args, deadline)
                .await?;
            match (reply.word().as_deref(), here()) {
                (Some("ENOMEMBER"), Some(subscription)) => {
                    // The member's session is here, so Redis has lost it: bring it back, then send the message again.
                    subscription.replica().mark_evicted();
                    let (shared, subscription) = (Arc::clone(self), Arc::clone(subscription));
                    let mending =
                        tokio::spawn(async move { shared.reconcile(&subscription).await });
                    timeout_at(deadline, mending)
                        .await
                        .map_err(|_| StoreError::Unavailable)?
                        .unwrap_or(Ok(()))
                        .map_err(once_begun)?;
                }
                (Some("ENOMEMBER"), None) => return Err(RoomError::NotMember.into()),
                (Some("ESTALE"), _) => return Err(RoomError::StaleN.into()),
                (line, _) => {
                    let (epoch, said) =
                        line.and_then(codec::read_said).ok_or_else(|| garbled("say"))?;
                    if let Some(subscription) = &subscription {
                        subscription.expect(Position {
                            epoch,
                            seq: said.seq,
                            version: 0,
                            moves: 0,
                        });
                    }
                    return Ok(said);
                }
            }
        }
    }
}
