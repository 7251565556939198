//! A room at this node: events of the store are gathered, encoded once, and written to every subscriber in as few
//! writes as possible.

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::{
    HubConfig,
    batch::{Item, Items},
    crowd::CrowdMode,
    frame::Content,
    frame_order::FrameOrder,
    kept::KeptByAddress,
    people::{Broadcast, LocalSession, People},
};
use crate::{
    budget::{Kept, Permit, Resource, Usage},
    protocol::StatusCode,
    room::{CallMark, Cursor, LeaveReason, MemberId, RoomId, Snapshot},
    store::Event,
};

/// A room that was flushed less than this ago is busy.
const BUSY: Duration = Duration::from_millis(1);

/// Sessions per slice of a broadcast. Writing to so many takes a millisecond or two, while other rooms of the node
/// may wait.
const SLICE: usize = 128;

/// The same for resets, each of which is encoded for one subscriber.
const SLICE_OF_RESETS: usize = 8;

/// A room that has sessions at this node.
pub(super) struct LocalRoom {
    pub(super) id: RoomId,
    // Two locks, so that events that come during a flush need not wait for its writes.
    pub(super) pending: Mutex<PendingFrames>,
    pub(super) people: Mutex<People>,
    /// Members who may be in the call, and since when that is known: they have a token, or joined the call.
    pub(super) call_participants: Mutex<HashMap<MemberId, Instant>>,
    /// How many senders publish right now; they broadcast what arrives meanwhile.
    publishers: AtomicUsize,
    /// Frames are pending, or the last session here has ended.
    wake: Notify,
    over: AtomicBool,
    /// Counted for the address that opened the room.
    opened: Mutex<Option<Permit>>,
    /// What addresses have published here.
    text: KeptByAddress,
    /// What they have uploaded.
    files: KeptByAddress,
}

/// Frames to broadcast, as JSON; each subscriber's [`Encoder`](super::Encoder) frames them.
#[derive(Default)]
pub(super) struct PendingFrames {
    json: Vec<u8>,
    items: Items,
    /// The snapshot of a reset, and whether that is a crowd.
    reset: Option<(Arc<Snapshot>, bool)>,
    pub(super) crowd: CrowdMode,
    flushing: bool,
    /// When the node last broadcast here, and the author, if one member sent all of it.
    flushed: Option<(Instant, Option<MemberId>)>,
}

impl LocalRoom {
    pub(super) fn new(id: RoomId, config: &HubConfig, opened: Option<Permit>) -> Self {
        Self {
            id,
            opened: Mutex::new(opened),
            text: KeptByAddress::new(Resource::Text, config),
            files: KeptByAddress::new(Resource::Files, config),
            pending: Mutex::new(PendingFrames {
                crowd: CrowdMode::new(config.crowd),
                ..PendingFrames::default()
            }),
            people: Mutex::default(),
            call_participants: Mutex::default(),
            publishers: AtomicUsize::new(0),
            wake: Notify::new(),
            over: AtomicBool::new(false),
        }
    }

    /// What an address has published or uploaded here.
    pub(super) fn kept_of(&self, resource: Resource, usage: &Arc<Usage>) -> Arc<Kept> {
        if resource == Resource::Files { self.files.of(usage) } else { self.text.of(usage) }
    }

    /// Gives addresses back the budget of messages and files that the room has dropped.
    pub(super) fn forget_kept(&self, history_age: Duration) {
        self.text.forget(history_age);
        self.files.forget(history_age);
    }

    /// Broadcasts pending frames until the last session here ends. One task a room: starting one for each message
    /// costs a tenth of what the message costs.
    pub(super) async fn serve(self: Arc<Self>, config: Arc<HubConfig>) {
        loop {
            self.wake.notified().await;
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            self.flush(&config).await;
        }
    }

    /// The last session here has ended.
    pub(super) fn end(&self) {
        // Connections that ended may keep the room for a while; budgets need not wait for them.
        self.opened.lock().take();
        self.text.release();
        self.files.release();
        self.over.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// The page of a member unloads. Says whether its session is here.
    pub(super) fn unload(&self, member: MemberId) -> bool {
        self.people.lock().sessions.get_mut(&member).map(LocalSession::unload).is_some()
    }

    /// Takes an event of the store.
    pub(super) fn add_event(&self, event: &Event) {
        let rules = match event {
            Event::Joined { .. } => self.people.lock().rules.get(),
            _ => Arc::default(),
        };
        let mut pending = self.pending.lock();
        let (order, content) = match event {
            Event::Said { epoch, entry } => {
                let order = FrameOrder::Said(Cursor { epoch: *epoch, seq: entry.seq });
                (order, Content::Said { epoch: *epoch, entry: entry.clone() })
            }
            Event::Joined { epoch, member, version, count } => {
                if !pending.crowd.note_joined(*epoch, *version, *count) {
                    return;
                }
                let order = FrameOrder::Presence { epoch: *epoch, version: *version };
                (order, Content::Joined { member: member.clone(), rules, count: *count })
            }
            Event::Left { epoch, member, reason, version, count } => {
                // A member whose node was lost may still be in the call: the next reconciliation finds out.
                let mut call_participants = self.call_participants.lock();
                let called = call_participants.contains_key(&member.id);
                if *reason != LeaveReason::NodeLost {
                    call_participants.remove(&member.id);
                }
                drop(call_participants);
                // A member who may be seen in the call must be seen to leave, in crowd mode as well.
                if !pending.crowd.note_left(*epoch, *version, *count, called) {
                    return;
                }
                let order = FrameOrder::Presence { epoch: *epoch, version: *version };
                (order, Content::Left { member: member.clone(), reason: *reason, count: *count })
            }
            Event::Renamed { epoch, from, user, previous, version, count } => {
                // Where joins are not named, nor are new names: a reader knows some members only.
                if !pending.crowd.note_joined(*epoch, *version, *count) {
                    return;
                }
                let order = FrameOrder::Presence { epoch: *epoch, version: *version };
                let (user, previous) = (user.clone(), previous.clone());
                (order, Content::Renamed { from: *from, user, previous })
            }
            Event::Unchanged { epoch, version, count } => {
                return pending.crowd.note_unchanged(*epoch, *version, *count);
            }
            Event::Typing { from, user, typing } => (
                FrameOrder::Notice,
                Content::Typing { from: *from, user: user.clone(), typing: *typing },
            ),
            // For one session, or the end of all, and not for the room's subscribers.
            Event::Moved { .. } | Event::Unloading { .. } | Event::Burned { .. } => return,
            // The registry compares them with those before.
            Event::Rules { .. } => return,
            Event::Call { epoch, from, user, call, version } => {
                self.call_participants.lock().insert(*from, Instant::now());
                // That a member has a token is not broadcast.
                if *call == CallMark::INVITED {
                    return;
                }
                let content =
                    Content::Call { from: *from, user: user.clone(), in_call: call.is_on() };
                pending.crowd.note_call();
                // Ordered as the next version: a newer snapshot contains it, and perhaps also that the member left
                // since.
                (FrameOrder::Presence { epoch: *epoch, version: version + 1 }, content)
            }
            Event::Reset(snapshot) => {
                self.note_call_participants(snapshot);
                // Frames gathered before belong to the continuity that broke.
                pending.json.clear();
                pending.items.clear();
                pending.reset = Some((Arc::clone(snapshot), pending.crowd.start_over(snapshot)));
                return self.start_flush(pending);
            }
        };
        pending.push(order, content, &self.id);
        self.start_flush(pending);
    }

    pub(super) fn start_flush(&self, mut pending: MutexGuard<'_, PendingFrames>) {
        if pending.flushing || self.publishers.load(Ordering::Relaxed) > 0 {
            return;
        }
        pending.flushing = true;
        drop(pending);
        self.wake.notify_one();
    }

    /// Runs a call of the store. What a store in this process publishes on the first poll is broadcast by the caller's
    /// own task.
    pub(super) async fn call<T>(
        &self,
        config: &HubConfig,
        mut call: impl Future<Output = T> + Unpin,
    ) -> T {
        let first = {
            let _publishing = self.begin_publish(config);
            poll_fn(|cx| Poll::Ready(Pin::new(&mut call).poll(cx))).await
        };
        match first {
            Poll::Ready(result) => result,
            Poll::Pending => call.await,
        }
    }

    /// Until the guard is dropped, pending frames wait; then the sender's own task broadcasts them, if the room is
    /// quiet or hears only this sender. Waking the room's task would cost an eighth of what the message costs.
    pub(super) fn begin_publish<'a>(&'a self, config: &'a HubConfig) -> Publishing<'a> {
        self.publishers.fetch_add(1, Ordering::Relaxed);
        Publishing { room: self, config }
    }

    /// Records which members may be in the call according to a snapshot.
    pub(super) fn note_call_participants(&self, room: &Snapshot) {
        let mut call_participants = self.call_participants.lock();
        for member in room.members.iter().filter(|member| member.call != CallMark::default()) {
            call_participants.entry(member.id).or_insert_with(Instant::now);
        }
    }

    /// Tells every subscriber here what happened to the store or to LiveKit.
    pub(super) fn notice(&self, code: StatusCode, message: &'static str) {
        let mut pending = self.pending.lock();
        pending.push(FrameOrder::Notice, Content::Status { code, message }, &self.id);
        self.start_flush(pending);
    }

    /// Broadcasts until no frames are pending.
    async fn flush(&self, config: &HubConfig) {
        loop {
            let busy = {
                let mut pending = self.pending.lock();
                if pending.is_empty() {
                    pending.flushing = false;
                    return;
                }
                pending.is_busy()
            };
            // In a busy room other senders go first, so that one write carries all their messages. In a quiet one
            // there are none to wait for.
            if busy {
                tokio::task::yield_now().await;
            }
            if !self.broadcast(config) {
                self.broadcast_in_slices(config).await;
            }
        }
    }

    /// Broadcasts the pending frames unless that takes long; says whether it did. Only for the task that has set
    /// `flushing`.
    fn broadcast(&self, config: &HubConfig) -> bool {
        let mut people = self.people.lock();
        let mut pending = self.pending.lock();
        if people.sessions.len() > pending.slice() {
            return false;
        }
        let (json, items, reset) = pending.take();
        drop(pending);
        people.broadcast(&mut Broadcast::new(&json, &items, reset), SLICE, &self.id, config);
        drop(people);
        self.pending.lock().flushed = Some((Instant::now(), only_author(&items)));
        true
    }

    /// The same for many sessions, in slices. The next frames are not taken before this ends, so each subscriber gets
    /// all in one order.
    async fn broadcast_in_slices(&self, config: &HubConfig) {
        let (slice, (json, items, reset)) = {
            let mut pending = self.pending.lock();
            (pending.slice(), pending.take())
        };
        let mut out = Broadcast::new(&json, &items, reset);
        while self.people.lock().broadcast(&mut out, slice, &self.id, config) {
            tokio::task::yield_now().await;
        }
        self.pending.lock().flushed = Some((Instant::now(), only_author(&items)));
    }
}

/// A message is being published: see [`LocalRoom::begin_publish`].
pub(super) struct Publishing<'a> {
    room: &'a LocalRoom,
    config: &'a HubConfig,
}

impl Drop for Publishing<'_> {
    fn drop(&mut self) {
        let Self { room, config } = self;
        room.publishers.fetch_sub(1, Ordering::Relaxed);
        let mut pending = room.pending.lock();
        if pending.flushing || pending.is_empty() {
            return;
        }
        pending.flushing = true;
        if pending.has_one_speaker() || !pending.is_busy() {
            drop(pending);
            room.broadcast(config);
            pending = room.pending.lock();
            if pending.is_empty() {
                pending.flushing = false;
                return;
            }
        }
        drop(pending);
        room.wake.notify_one();
    }
}

/// The author, if one member sent all of these.
fn only_author(items: &[Item]) -> Option<MemberId> {
    let author = items.first()?.content.author()?;
    items.iter().all(|item| item.content.author() == Some(author)).then_some(author)
}

/// Frames, their metadata, and the snapshot of a reset.
type Batched = (Vec<u8>, Items, Option<(Arc<Snapshot>, bool)>);

impl PendingFrames {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.reset.is_none()
    }

    fn is_busy(&self) -> bool {
        self.flushed.is_some_and(|(last, _)| last.elapsed() < BUSY)
    }

    /// Whether the last broadcast and this one are by one member: there are no other senders to wait for.
    fn has_one_speaker(&self) -> bool {
        let author = only_author(&self.items);
        author.is_some() && self.flushed.is_some_and(|(_, last)| last == author)
    }

    /// How many sessions one slice of the broadcast has.
    fn slice(&self) -> usize {
        if self.reset.is_some() { SLICE_OF_RESETS } else { SLICE }
    }

    fn take(&mut self) -> Batched {
        (std::mem::take(&mut self.json), std::mem::take(&mut self.items), self.reset.take())
    }

    pub(super) fn push(&mut self, order: FrameOrder, content: Content, room: &RoomId) {
        content.message(room).write(&mut self.json);
        self.items.push(Item { content, end: self.json.len(), order });
    }
}
