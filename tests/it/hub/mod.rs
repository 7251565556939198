//! The hub with readers that only remember, and time that jumps.

mod amendments;
mod grace;
mod seats;
mod shutdown;
mod typing;

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use parlor::{
    hub::{Encoder, Hub, JoinRequest, ResumeFrom, RoomRegistry, Session, Subscriber},
    protocol::ApiError,
    room::{
        CallMark, Cursor, File, FileFacts, FileId, HostAction, JoinResult, Joiner, LeaveReason,
        Limits, MemberId, Name, NewEntry, NodeId, OpenedFile, PublishResult, RoomEnd, RoomId,
        Snapshot,
    },
    store::{
        LeaveOutcome, PublishResults, Store, StoreError,
        memory::{Memory, World, wall_clock},
    },
};
use serde_json::Value;
use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    task::JoinHandle,
    time::Instant,
};

use crate::support::hub_config::{LINES, config};

/// Remembers every frame, and the close as `{"closed": code}`.
struct Ear(UnboundedSender<Value>);

impl Subscriber for Ear {
    fn encoder(&self) -> &'static Encoder {
        &LINES
    }

    fn deliver(&self, frames: &[Bytes]) {
        for line in frames
            .iter()
            .flat_map(|frame| frame.split(|byte| *byte == b'\n'))
            .filter(|line| !line.is_empty())
        {
            let _ = self.0.send(serde_json::from_slice(line).unwrap());
        }
    }

    fn close(&self, why: &ApiError) {
        let _ = self.0.send(serde_json::json!({ "closed": why.close_code() }));
    }
}

struct Someone {
    seat: Session,
    heard: UnboundedReceiver<Value>,
    welcome: Value,
}

impl Someone {
    async fn hears(&mut self) -> Value {
        self.heard.recv().await.unwrap()
    }

    async fn publish(&mut self, n: Option<u64>, text: &str) -> Result<PublishResult, ApiError> {
        let entry = NewEntry { n, text: text.parse().unwrap() };
        let mut result = None;
        self.seat.publish(&[entry], |_, said| result = Some(said)).await;
        result.unwrap()
    }
}

fn hub() -> (Arc<Hub>, Arc<World>) {
    let rooms = RoomRegistry::new(config());
    let world = World::new(Limits::default(), wall_clock);
    let store = Memory::new(Arc::clone(&world), NodeId(1), Arc::clone(&rooms) as _);
    (Hub::new(rooms, store), world)
}

/// When the store has time again.
const BUSY: Duration = Duration::from_millis(1700);

/// A store that may be as slow and as doubtful as one behind a network.
struct Moody {
    store: Arc<Memory>,
    joins: AtomicUsize,
    /// What the next joins wait for: before they happen, or before they say so.
    waits: Mutex<VecDeque<(When, oneshot::Receiver<()>)>>,
    /// The next send happens, and its answer is lost.
    mumbles: AtomicBool,
    /// So many joins are told to come back.
    crowded: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq)]
enum When {
    Before,
    After,
}

impl Moody {
    /// The next join that nothing was planned for waits for this.
    fn hold(&self, when: When) -> oneshot::Sender<()> {
        let (go, wait) = oneshot::channel();
        self.waits.lock().push_back((when, wait));
        go
    }

    fn joins(&self) -> usize {
        self.joins.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Store for Moody {
    async fn join(
        &self,
        room: &RoomId,
        joiner: &Joiner<'_>,
        tag: u64,
        began: Instant,
        after: Option<Cursor>,
    ) -> Result<(JoinResult, Snapshot), StoreError> {
        if self
            .crowded
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok()
        {
            return Err(StoreError::Busy(BUSY));
        }
        let wait = self.waits.lock().pop_front();
        self.joins.fetch_add(1, Ordering::SeqCst);
        match wait {
            Some((When::Before, wait)) => {
                let _ = wait.await;
                self.store.join(room, joiner, tag, began, after).await
            }
            Some((When::After, wait)) => {
                let joined = self.store.join(room, joiner, tag, began, after).await;
                let _ = wait.await;
                joined
            }
            None => self.store.join(room, joiner, tag, began, after).await,
        }
    }

    async fn leave(
        &self,
        room: &RoomId,
        id: MemberId,
        tag: u64,
        reason: LeaveReason,
    ) -> Result<LeaveOutcome, StoreError> {
        self.store.leave(room, id, tag, reason).await
    }

    async fn decide(
        &self,
        room: &RoomId,
        by: MemberId,
        action: &HostAction,
    ) -> Result<(), StoreError> {
        self.store.decide(room, by, action).await
    }

    async fn end_knock(&self, room: &RoomId, id: Option<MemberId>) -> Result<(), StoreError> {
        self.store.end_knock(room, id).await
    }

    async fn burn(&self, room: &RoomId, by: Option<MemberId>) -> Result<RoomEnd, StoreError> {
        self.store.burn(room, by).await
    }

    async fn publish_all(
        &self,
        room: &RoomId,
        from: MemberId,
        entries: &[NewEntry],
    ) -> Result<PublishResults, StoreError> {
        let said = self.store.publish_all(room, from, entries).await;
        if self.mumbles.swap(false, Ordering::SeqCst) { Err(StoreError::Unavailable) } else { said }
    }

    async fn typing(
        &self,
        room: &RoomId,
        from: MemberId,
        typing: bool,
        began: Instant,
    ) -> Result<(), StoreError> {
        self.store.typing(room, from, typing, began).await
    }

    async fn rename(&self, room: &RoomId, id: MemberId, name: &Name) -> Result<(), StoreError> {
        self.store.rename(room, id, name).await
    }

    async fn unload(&self, room: &RoomId, id: MemberId) -> Result<(), StoreError> {
        self.store.unload(room, id).await
    }

    async fn call(&self, room: &RoomId, id: MemberId, call: CallMark) -> Result<(), StoreError> {
        self.store.call(room, id, call).await
    }

    async fn snapshot(&self, room: &RoomId, history: bool) -> Result<Option<Snapshot>, StoreError> {
        self.store.snapshot(room, history).await
    }

    async fn find(
        &self,
        room: &RoomId,
        id: Option<MemberId>,
    ) -> Result<Option<Snapshot>, StoreError> {
        self.store.find(room, id).await
    }

    async fn open_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
        facts: &FileFacts,
    ) -> Result<OpenedFile, StoreError> {
        self.store.open_file(room, from, id, facts).await
    }

    async fn write_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
        offset: u64,
        piece: Bytes,
    ) -> Result<u64, StoreError> {
        self.store.write_file(room, from, id, offset, piece).await
    }

    async fn read_file(
        &self,
        room: &RoomId,
        reader: MemberId,
        id: FileId,
        offset: Option<u64>,
    ) -> Result<(File, Bytes), StoreError> {
        self.store.read_file(room, reader, id, offset).await
    }

    async fn drop_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
    ) -> Result<u64, StoreError> {
        self.store.drop_file(room, from, id).await
    }

    fn ready(&self) -> bool {
        self.store.ready()
    }

    fn shared(&self) -> bool {
        true
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

struct Stage {
    hub: Arc<Hub>,
    rooms: Arc<RoomRegistry>,
    world: Arc<World>,
    store: Arc<Moody>,
}

fn stage() -> Stage {
    let rooms = RoomRegistry::new(config());
    let world = World::new(Limits::default(), wall_clock);
    let store = Memory::new(Arc::clone(&world), NodeId(1), Arc::clone(&rooms) as _);
    let store = Arc::new(Moody {
        store,
        joins: AtomicUsize::new(0),
        waits: Mutex::default(),
        mumbles: AtomicBool::new(false),
        crowded: AtomicUsize::new(0),
    });
    Stage { hub: Hub::new(Arc::clone(&rooms), Arc::clone(&store) as _), rooms, world, store }
}

impl Stage {
    /// A client whose join waits, and what lets it go on.
    async fn enter_slowly(
        &self,
        when: When,
        name: &str,
        back: Option<&Value>,
    ) -> (JoinHandle<Option<Someone>>, oneshot::Sender<()>) {
        let (go, before) = (self.store.hold(when), self.store.joins());
        let (hub, name, back) = (Arc::clone(&self.hub), name.to_owned(), back.cloned());
        let entering =
            tokio::spawn(async move { try_enter(&hub, "r", &name, back.as_ref()).await.ok() });
        while self.store.joins() == before {
            tokio::task::yield_now().await;
        }
        (entering, go)
    }
}

/// From nowhere, by a request that comes now.
fn now() -> ResumeFrom {
    ResumeFrom { cursor: None, exact: true, began: Instant::now() }
}

async fn enter(hub: &Arc<Hub>, room: &str, name: &str, back: Option<&Value>) -> Someone {
    try_enter(hub, room, name, back).await.unwrap()
}

async fn try_enter(
    hub: &Arc<Hub>,
    room: &str,
    name: &str,
    back: Option<&Value>,
) -> Result<Someone, ApiError> {
    let (ear, mut heard) = unbounded_channel();
    let word = |field: &str| back.map(|welcome| welcome[field].as_str().unwrap().to_owned());
    let join_request = JoinRequest {
        room: room.parse::<RoomId>().unwrap(),
        name: Some(name.parse().unwrap()),
        ticket: word("ticket"),
        cursor: word("cursor").map(|cursor| cursor.parse().unwrap()),
        usage: None,
        invite: None,
        waits: false,
    };
    let seat = hub.enter(join_request, Arc::new(Ear(ear))).await?;
    let welcome = heard.recv().await.unwrap();
    assert_eq!(welcome["type"], "welcome");
    Ok(Someone { seat, heard, welcome })
}
