//! A room at this node: what the store tells is gathered, framed once, and
//! handed to every reader in as few writes as possible.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::{
    HubConfig,
    batch::Item,
    crowd::CrowdMode,
    frame_meta::FrameMeta,
    people::{Broadcast, People},
};
use crate::{
    budget::{ClientAddr, Kept, Permit, RoomText, Usage},
    protocol::{Chat, MemberDto, ServerMessage},
    room::{CallMark, Cursor, LeaveReason, MemberId, RoomId, Snapshot},
    store::Event,
};

/// A room that was flushed less than this ago is busy.
const BUSY: Duration = Duration::from_millis(1);

/// Handed out in one go. To write to so many takes a millisecond or two, in which other rooms of the node may wait.
const SLICE: usize = 128;

/// The same of resets, each of which is made for one reader.
const SLICE_OF_RESETS: usize = 8;

/// A room that has seats at this node.
pub(super) struct LocalRoom {
    pub(super) id: RoomId,
    // Two locks, so that what is told meanwhile need not wait for a flush's writes.
    pub(super) gathered: Mutex<PendingFrames>,
    pub(super) people: Mutex<People>,
    /// Who may be in the call, and since when that is known: they have a pass, or came.
    pub(super) call_participants: Mutex<HashMap<MemberId, Instant>>,
    /// How many speak right now, and hand out by themselves what is told meanwhile.
    speaking: AtomicUsize,
    /// Something has gathered, or nobody sits here any more.
    wake: Notify,
    over: AtomicBool,
    /// Counted for the address that opened the room.
    opened: Mutex<Option<Permit>>,
    text: Arc<RoomText>,
    /// By address, what it says here.
    kept: Mutex<HashMap<ClientAddr, Arc<Kept>>>,
}

/// Frames on their way out, as JSON; each reader's wire frames them.
#[derive(Default)]
pub(super) struct PendingFrames {
    json: Vec<u8>,
    items: Vec<Item>,
    /// And whether that is a crowd.
    reset: Option<(Arc<Snapshot>, bool)>,
    pub(super) crowd: CrowdMode,
    flushing: bool,
    flushed: Option<Instant>,
}

impl LocalRoom {
    pub(super) fn new(id: RoomId, terms: &HubConfig, opened: Option<Permit>) -> Self {
        let HubConfig { crowd, limits, budgets, .. } = terms;
        Self {
            id,
            opened: Mutex::new(opened),
            text: budgets.room_text(limits.history_bytes, limits.history_len),
            kept: Mutex::default(),
            gathered: Mutex::new(PendingFrames { crowd: CrowdMode::new(*crowd), ..PendingFrames::default() }),
            people: Mutex::default(),
            call_participants: Mutex::default(),
            speaking: AtomicUsize::new(0),
            wake: Notify::new(),
            over: AtomicBool::new(false),
        }
    }

    /// What an address says here.
    pub(super) fn kept_of(&self, usage: &Arc<Usage>) -> Arc<Kept> {
        let mut kept = self.kept.lock();
        Arc::clone(kept.entry(usage.address()).or_insert_with(|| Arc::new(usage.keep(&self.text))))
    }

    /// Gives addresses back what the log has forgotten.
    pub(super) fn forget_kept(&self, history_age: Duration) {
        self.text.forget(history_age);
        self.kept.lock().retain(|_, kept| kept.is_of_use(history_age));
    }

    /// Hands out what gathers, until the last seat here is empty. One task a room: to start one for each message costs
    /// a tenth of the message.
    pub(super) async fn serve(self: Arc<Self>, terms: Arc<HubConfig>) {
        loop {
            self.wake.notified().await;
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            self.flush(&terms).await;
        }
    }

    /// Nobody sits here any more.
    pub(super) fn end(&self) {
        // Links that ended may keep the room for a while; addresses need not wait for them.
        self.opened.lock().take();
        self.text.release();
        self.kept.lock().values().for_each(|kept| kept.release());
        self.over.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Takes in what the store tells.
    pub(super) fn gather(&self, event: &Event) {
        let mut gathered = self.gathered.lock();
        let room = self.id.as_str();
        let (kind, frame) = match event {
            Event::Said { epoch, entry } => {
                let cursor = Cursor { epoch: *epoch, seq: entry.seq };
                let kind = FrameMeta::Said { from: entry.from, n: entry.n, at: entry.at, cursor };
                (kind, ServerMessage::Chat(Chat::new(&self.id, *epoch, entry, false)))
            }
            Event::Joined { epoch, member, version, count } => {
                if !gathered.crowd.hear_joined(*epoch, *version, *count) {
                    return;
                }
                let kind = FrameMeta::Presence { epoch: *epoch, version: *version };
                (kind, ServerMessage::Joined { person: MemberDto::from(member), room, count: *count })
            }
            Event::Left { epoch, member, reason, version, count } => {
                // Whose node was lost may still be in the call: the next look finds out.
                let mut call_participants = self.call_participants.lock();
                let called = call_participants.contains_key(&member.id);
                if *reason != LeaveReason::NodeLost {
                    call_participants.remove(&member.id);
                }
                drop(call_participants);
                // Who may be seen in the call must be seen to go, in a crowd as well.
                if !gathered.crowd.hear_left(*epoch, *version, *count, called) {
                    return;
                }
                let (client_id, user, reason) = (member.id.0, member.name.as_str(), reason.as_str());
                let kind = FrameMeta::Presence { epoch: *epoch, version: *version };
                (kind, ServerMessage::Left { client_id, user, room, reason, count: *count })
            }
            Event::Unchanged { epoch, version, count } => return gathered.crowd.hear_unchanged(*epoch, *version, *count),
            Event::Typing { from, user, typing } => {
                let frame = ServerMessage::Typing { from: from.0, user: user.as_str(), room, typing: *typing };
                (FrameMeta::Typing { from: *from }, frame)
            }
            // About one link, not for the room's ears.
            Event::Moved { .. } | Event::Unloading { .. } => return,
            Event::Call { epoch, from, user, call, version } => {
                self.call_participants.lock().insert(*from, Instant::now());
                // A pass is nobody's business.
                if *call == CallMark::INVITED {
                    return;
                }
                let (client_id, verified) = (from.0, user.is_verified());
                let frame = ServerMessage::Call { client_id, user: user.as_str(), verified, in_call: call.is_on() };
                gathered.crowd.hear_call();
                // As if it were the next change: a newer snapshot knows it, and may know as well that they left since.
                (FrameMeta::Presence { epoch: *epoch, version: version + 1 }, frame)
            }
            Event::Reset(snapshot) => {
                self.note_callers(snapshot);
                // What was gathered belongs to the continuity that broke.
                gathered.json.clear();
                gathered.items.clear();
                gathered.reset = Some((Arc::clone(snapshot), gathered.crowd.start_over(snapshot)));
                return self.start_flush(gathered);
            }
        };
        gathered.push(kind, &frame);
        self.start_flush(gathered);
    }

    pub(super) fn start_flush(&self, mut gathered: MutexGuard<'_, PendingFrames>) {
        if gathered.flushing || self.speaking.load(Ordering::Relaxed) > 0 {
            return;
        }
        gathered.flushing = true;
        drop(gathered);
        self.wake.notify_one();
    }

    /// Until this is dropped, what is told waits for it, and goes out then. So a word in a quiet room goes out by the
    /// hand of whoever says it: to wake the room's task would cost an eighth of what the word costs.
    pub(super) fn speak<'a>(&'a self, terms: &'a HubConfig) -> Speaking<'a> {
        self.speaking.fetch_add(1, Ordering::Relaxed);
        Speaking { room: self, terms }
    }

    /// Takes note of who may be in the call according to a snapshot.
    pub(super) fn note_callers(&self, room: &Snapshot) {
        let mut call_participants = self.call_participants.lock();
        for member in room.members.iter().filter(|member| member.call != CallMark::default()) {
            call_participants.entry(member.id).or_insert_with(Instant::now);
        }
    }

    /// Takes in a word to everybody here.
    pub(super) fn notice(&self, frame: &ServerMessage<'_>) {
        let mut gathered = self.gathered.lock();
        gathered.push(FrameMeta::Notice, frame);
        self.start_flush(gathered);
    }

    /// Hands out all that has gathered, until there is no more.
    async fn flush(&self, terms: &HubConfig) {
        loop {
            let busy = {
                let mut gathered = self.gathered.lock();
                if gathered.is_empty() {
                    gathered.flushing = false;
                    return;
                }
                gathered.is_busy()
            };
            // In a busy room those who are about to speak do so first, and one write carries them all.
            // In a quiet one there is nobody to wait for.
            if busy {
                tokio::task::yield_now().await;
            }
            if !self.hand_out(terms) {
                self.hand_out_in_slices(terms).await;
            }
        }
    }

    /// Hands out what has gathered by now, and says so, if that does not take long. For one at a time: whoever has set
    /// `flushing`.
    fn hand_out(&self, terms: &HubConfig) -> bool {
        let mut people = self.people.lock();
        let mut gathered = self.gathered.lock();
        if people.seats.len() > gathered.slice() {
            return false;
        }
        let (json, items, reset) = gathered.take();
        drop(gathered);
        people.hand_out(&mut Broadcast::new(&json, &items, reset), SLICE, &self.id, terms);
        drop(people);
        self.gathered.lock().flushed = Some(Instant::now());
        true
    }

    /// The same for many, of whom each gets it in one order with what comes next: that is not taken before.
    async fn hand_out_in_slices(&self, terms: &HubConfig) {
        let (slice, (json, items, reset)) = {
            let mut gathered = self.gathered.lock();
            (gathered.slice(), gathered.take())
        };
        let mut out = Broadcast::new(&json, &items, reset);
        while self.people.lock().hand_out(&mut out, slice, &self.id, terms) {
            tokio::task::yield_now().await;
        }
        self.gathered.lock().flushed = Some(Instant::now());
    }
}

/// Somebody says something: see [`LocalRoom::speak`].
pub(super) struct Speaking<'a> {
    room: &'a LocalRoom,
    terms: &'a HubConfig,
}

impl Drop for Speaking<'_> {
    fn drop(&mut self) {
        let Self { room, terms } = self;
        room.speaking.fetch_sub(1, Ordering::Relaxed);
        let mut gathered = room.gathered.lock();
        if gathered.flushing || gathered.is_empty() {
            return;
        }
        gathered.flushing = true;
        if !gathered.is_busy() {
            drop(gathered);
            room.hand_out(terms);
            gathered = room.gathered.lock();
            if gathered.is_empty() {
                gathered.flushing = false;
                return;
            }
        }
        drop(gathered);
        room.wake.notify_one();
    }
}

/// Frames, what they are, and a snapshot to begin anew with.
type Batched = (Vec<u8>, Vec<Item>, Option<(Arc<Snapshot>, bool)>);

impl PendingFrames {
    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.reset.is_none()
    }

    fn is_busy(&self) -> bool {
        self.flushed.is_some_and(|last| last.elapsed() < BUSY)
    }

    /// To how many it is handed out in one go.
    fn slice(&self) -> usize {
        if self.reset.is_some() { SLICE_OF_RESETS } else { SLICE }
    }

    fn take(&mut self) -> Batched {
        (std::mem::take(&mut self.json), std::mem::take(&mut self.items), self.reset.take())
    }

    pub(super) fn push(&mut self, kind: FrameMeta, frame: &ServerMessage<'_>) {
        frame.write(&mut self.json);
        self.items.push(Item { end: self.json.len(), kind });
    }
}
