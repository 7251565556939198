//! What members send: messages and typing.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::{
    DEADLINE, Shared,
    codec::{self, Position, Str, garbled, number},
    error_action::once_begun,
    scripts::{self, Script},
};
use crate::{
    room::{Amendment, MemberId, NewEntry, RoomError, RoomId},
    store::{PublishResults, StoreError},
};

impl Shared {
    /// See [`crate::store::Store::typing`].
    pub(super) async fn typing(
        &self,
        room: &RoomId,
        from: MemberId,
        typing: bool,
        began: Instant,
    ) -> Result<(), StoreError> {
        let mut args = vec![codec::id(from), number(u8::from(typing))];
        args.extend(self.moment(&self.keys(room), began).map(|moment| number(moment.latest)));
        self.mark(&scripts::TYPING, room, args).await
    }

    /// See [`crate::store::Store::publish_all`].
    pub(super) async fn publish(
        self: &Arc<Self>,
        room: &RoomId,
        from: MemberId,
        entries: &[NewEntry],
    ) -> Result<PublishResults, StoreError> {
        // Messages that are only a text go together.
        let together = |a: &NewEntry, b: &NewEntry| a.text.is_plain() && b.text.is_plain();
        let mut results = PublishResults::new();
        for run in entries.chunk_by(together) {
            let script = match run {
                [entry, ..] if entry.text.is_plain() => &self.publish,
                [entry] if matches!(entry.text.amendment(), Some(Amendment::Delete { .. })) => {
                    &self.delete
                }
                _ => &self.amend,
            };
            results.extend(self.run_publish(script, room, from, run).await?);
        }
        Ok(results)
    }

    async fn run_publish(
        self: &Arc<Self>,
        script: &Script,
        room: &RoomId,
        from: MemberId,
        entries: &[NewEntry],
    ) -> Result<PublishResults, StoreError> {
        let deadline = Instant::now() + DEADLINE;
        // By a draw the script knows a repetition here after a lost answer, where no `n` tells of it.
        let counted = entries.len() == 1 && entries.iter().all(|entry| entry.n.is_some());
        let draw = if counted { Str::new() } else { number(fastrand::u64(..)) };
        let mut args = Vec::with_capacity(3 + 2 * entries.len());
        args.extend([codec::id(from), Str::new(), draw]);
        for NewEntry { n, text } in entries {
            args.extend([n.map(number).unwrap_or_default(), Str::from(text.as_str())]);
        }
        let subscription = self.watched(room);
        let here = || {
            subscription
                .as_ref()
                .filter(|subscription| subscription.replica().sessions().contains_key(&from))
        };
        loop {
            if let Some(subscription) = &subscription {
                args[1] = codec::received(subscription.replica().received());
            }
            let keys = subscription
                .as_ref()
                .map_or_else(|| self.keys(room), |subscription| subscription.keys.clone());
            let names =
                if std::ptr::eq(script, &self.publish) { keys.spoken() } else { keys.amended() };
            let mut reply =
                self.router.run_over(script, keys.slot(), names, args.clone(), deadline).await?;
            let answer = reply.word();
            match (answer.as_deref(), here()) {
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
                (lines, _) => {
                    let results =
                        lines.and_then(codec::read_said).filter(|all| all.len() == entries.len());
                    let results = results.ok_or_else(|| garbled("say or amend"))?;
                    let last = results.iter().flatten().max_by_key(|(_, said)| said.seq);
                    if let (Some(subscription), Some((epoch, said))) = (&subscription, last) {
                        let (epoch, seq) = (*epoch, said.seq);
                        subscription.expect(Position { epoch, seq, version: 0, moves: 0 });
                    }
                    return Ok(results
                        .into_iter()
                        .map(|result| result.map(|(_, said)| said))
                        .collect());
                }
            }
        }
    }
}
