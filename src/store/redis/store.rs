//! Redis as a [`Store`]: each call of the trait, by the parts that do it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::{
    task::AbortHandle,
    time::{Instant, timeout},
};

use super::{
    DEADLINE, Members, Redis, Want,
    codec::{self, number},
    keys::Keys,
    scripts,
    sessions::Join,
};
use crate::{
    room::{
        CallMark, Cursor, File, FileFacts, FileId, HostAction, JoinResult, Joiner, LeaveReason,
        MemberId, Name, NewEntry, OpenedFile, RoomEnd, RoomId, Snapshot,
    },
    store::{LeaveOutcome, PublishResults, Store, StoreError},
};

#[async_trait]
impl Store for Redis {
    async fn join(
        &self,
        room: &RoomId,
        joiner: &Joiner<'_>,
        tag: u64,
        began: Instant,
        after: Option<Cursor>,
    ) -> Result<(JoinResult, Snapshot), StoreError> {
        let join = Join { joiner: *joiner, tag, began, after };
        self.shared.router.admit(Keys::slot_of(room))?;
        self.shared.spoiled.note(room, self.shared.join(room, join).await)
    }

    async fn leave(
        &self,
        room: &RoomId,
        id: MemberId,
        tag: u64,
        reason: LeaveReason,
    ) -> Result<LeaveOutcome, StoreError> {
        // A leave is completed even if its caller no longer waits for it.
        let (shared, room) = (Arc::clone(&self.shared), room.clone());
        let goodbye = tokio::spawn(async move {
            shared.spoiled.note_failure(&room, shared.leave(&room, id, tag, reason).await)
        });
        goodbye.await.map_err(|error| StoreError::Broken(error.to_string()))?
    }

    async fn decide(
        &self,
        room: &RoomId,
        by: MemberId,
        action: &HostAction,
    ) -> Result<(), StoreError> {
        self.shared.spoiled.note_failure(room, self.shared.decide(room, by, action).await)
    }

    async fn end_knock(&self, room: &RoomId, id: Option<MemberId>) -> Result<(), StoreError> {
        self.shared.spoiled.note_failure(room, self.shared.end_knock(room, id).await)
    }

    async fn burn(&self, room: &RoomId, by: Option<MemberId>) -> Result<RoomEnd, StoreError> {
        self.shared.spoiled.note_failure(room, self.shared.burn(room, by).await)
    }

    async fn publish_all(
        &self,
        room: &RoomId,
        from: MemberId,
        entries: &[NewEntry],
    ) -> Result<PublishResults, StoreError> {
        self.shared.spoiled.note(room, self.shared.publish(room, from, entries).await)
    }

    async fn typing(
        &self,
        room: &RoomId,
        from: MemberId,
        typing: bool,
        began: Instant,
    ) -> Result<(), StoreError> {
        self.shared.spoiled.note_failure(room, self.shared.typing(room, from, typing, began).await)
    }

    async fn rename(&self, room: &RoomId, id: MemberId, name: &Name) -> Result<(), StoreError> {
        self.shared.spoiled.note_failure(room, self.shared.rename(room, id, name).await)
    }

    async fn unload(&self, room: &RoomId, id: MemberId) -> Result<(), StoreError> {
        self.shared
            .spoiled
            .note_failure(room, self.shared.mark(&scripts::UNLOAD, room, vec![codec::id(id)]).await)
    }

    async fn call(&self, room: &RoomId, id: MemberId, call: CallMark) -> Result<(), StoreError> {
        let args = vec![codec::id(id), number(call.0)];
        self.shared.spoiled.note_failure(room, self.shared.mark(&scripts::CALL, room, args).await)
    }

    async fn snapshot(&self, room: &RoomId, history: bool) -> Result<Option<Snapshot>, StoreError> {
        let want = if history { Want::All } else { Want::Nothing };
        self.look_at(room, Members::All, want).await
    }

    async fn find(
        &self,
        room: &RoomId,
        id: Option<MemberId>,
    ) -> Result<Option<Snapshot>, StoreError> {
        self.look_at(room, id.map_or(Members::Counted, Members::One), Want::Nothing).await
    }

    async fn open_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
        facts: &FileFacts,
    ) -> Result<OpenedFile, StoreError> {
        self.shared.spoiled.note_failure(room, self.shared.open_file(room, from, id, facts).await)
    }

    async fn write_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
        offset: u64,
        piece: Bytes,
    ) -> Result<u64, StoreError> {
        let written = self.shared.write_file(room, from, id, offset, piece).await;
        self.shared.spoiled.note_failure(room, written)
    }

    async fn read_file(
        &self,
        room: &RoomId,
        reader: MemberId,
        id: FileId,
        offset: Option<u64>,
    ) -> Result<(File, Bytes), StoreError> {
        self.shared
            .spoiled
            .note_failure(room, self.shared.read_file(room, reader, id, offset).await)
    }

    async fn drop_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
    ) -> Result<u64, StoreError> {
        self.shared.spoiled.note_failure(room, self.shared.drop_file(room, from, id).await)
    }

    fn repair_counts(&self) -> Vec<(&'static str, &'static str, u64)> {
        self.shared.counts.all()
    }

    fn ready(&self) -> bool {
        let shared = &self.shared;
        !shared.closed.load(Ordering::Relaxed) && shared.router.are_up() && shared.is_known()
    }

    fn shared(&self) -> bool {
        true
    }

    async fn has_peers(&self) -> bool {
        // A node that asks is about to stop, and ends its own subscription.
        self.attending.abort();
        self.shared.has_peers().await
    }

    fn capacity(&self) -> Option<u64> {
        self.shared.router.capacity()
    }

    fn warnings(&self) -> Vec<String> {
        self.shared.router.warnings()
    }

    async fn close(&self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        let subscriptions: Vec<_> =
            self.shared.rooms.iter().map(|subscription| Arc::clone(&subscription)).collect();
        let goodbyes = subscriptions.iter().map(|subscription| self.shared.dissolve(subscription));
        let _ = timeout(DEADLINE, async {
            join_all(goodbyes).await;
            self.shared.pay().await;
        })
        .await;
        self.stop();
    }

    async fn part(&self, held: Duration) {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.tasks.iter().for_each(AbortHandle::abort);
        self.shared.send_announcement(held).await;
        self.stop();
    }
}
