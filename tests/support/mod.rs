//! What `tests/it` and `tests/faults` share: servers that tests start, a bad line to them, and nodes that remember what
//! they are told.

pub mod cluster;
pub mod dir;
pub mod folded;
pub mod http;
pub mod hub_config;
pub mod ledger;
pub mod line;
pub mod nginx;
pub mod port;
pub mod postgres;
pub mod proxy;
pub mod redis;
pub mod sentinel;
pub mod told;

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parlor::{
    room::{
        Cursor, Entry, JoinResult, Joiner, LeaveReason, Member, MemberId, Name, NewEntry, NodeId,
        RoomEnd, RoomId, RoomRules, Snapshot, Text,
    },
    store::{Event, EventHandler, Store, StoreError},
};
use tokio::{sync::mpsc, time::Instant};

/// Longer than anything should take, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What docs/deployment.md says that a user of Redis's ACL needs.
pub static RIGHTS: LazyLock<&str> = LazyLock::new(|| {
    let lines = include_str!("../../docs/deployment.md").lines();
    lines.filter_map(|line| line.trim().strip_prefix("user parlor on >password ")).next().unwrap()
});

/// A feed that passes everything on to a test.
pub struct Recorder {
    events: mpsc::UnboundedSender<(RoomId, Event)>,
    links: mpsc::UnboundedSender<bool>,
}

impl EventHandler for Recorder {
    fn on_event(&self, room: &RoomId, event: &Event) {
        let _ = self.events.send((room.clone(), event.clone()));
    }

    fn on_availability(&self, _: &RoomId, up: bool) {
        let _ = self.links.send(up);
    }
}

/// What a node was told.
pub struct Heard {
    events: mpsc::UnboundedReceiver<(RoomId, Event)>,
    links: mpsc::UnboundedReceiver<bool>,
}

pub fn recorder() -> (Arc<Recorder>, Heard) {
    let (events, events_rx) = mpsc::unbounded_channel();
    let (links, links_rx) = mpsc::unbounded_channel();
    (Arc::new(Recorder { events, links }), Heard { events: events_rx, links: links_rx })
}

impl Heard {
    /// The next event of any room.
    pub async fn next(&mut self) -> Event {
        let next = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        next.expect("an event in time").expect("a node that lives").1
    }

    /// The next event for which `pick` has an answer; the others are skipped.
    pub async fn find<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(self.next().await) {
                return found;
            }
        }
    }

    /// The next entry; other events are skipped.
    pub async fn entry(&mut self) -> Entry {
        self.find(|event| match event {
            Event::Said { entry, .. } => Some(entry),
            _ => None,
        })
        .await
    }

    pub async fn joined(&mut self) -> (Member, u64, usize) {
        self.find(|event| match event {
            Event::Joined { member, version, count, .. } => Some((member, version, count)),
            _ => None,
        })
        .await
    }

    pub async fn left(&mut self) -> (Member, LeaveReason, u64, usize) {
        self.find(|event| match event {
            Event::Left { member, reason, version, count, .. } => {
                Some((member, reason, version, count))
            }
            _ => None,
        })
        .await
    }

    /// Who moved away, by which tag they sat here.
    pub async fn moved(&mut self) -> (MemberId, u64) {
        self.find(|event| match event {
            Event::Moved { member, tag } => Some((member, tag)),
            _ => None,
        })
        .await
    }

    /// The next change of the rules, and the name of the host.
    pub async fn rules(&mut self) -> (Arc<RoomRules>, Option<Name>, u64, usize) {
        self.find(|event| match event {
            Event::Rules { rules, host, version, count, .. } => Some((rules, host, version, count)),
            _ => None,
        })
        .await
    }

    /// What was removed with a room that was ended.
    pub async fn burned(&mut self) -> Arc<RoomEnd> {
        self.find(|event| match event {
            Event::Burned { end } => Some(end),
            _ => None,
        })
        .await
    }

    pub async fn reset(&mut self) -> Arc<Snapshot> {
        self.find(|event| match event {
            Event::Reset(room) => Some(room),
            _ => None,
        })
        .await
    }

    /// What has been told and not been taken yet.
    pub fn rest(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok().map(|(_, event)| event)).collect()
    }

    /// What was told of reach and has not been taken yet.
    pub fn links(&mut self) -> Vec<bool> {
        std::iter::from_fn(|| self.links.try_recv().ok()).collect()
    }

    /// Waits until a room is in reach or out of it.
    pub async fn link(&mut self, up: bool) {
        loop {
            let link = tokio::time::timeout(PATIENCE, self.links.recv()).await;
            if link.expect("news of the room in time").expect("a node that lives") == up {
                return;
            }
        }
    }
}

/// A node: its store, and what it was told.
pub struct Node {
    pub store: Arc<dyn Store>,
    pub heard: Heard,
}

static TAGS: AtomicU64 = AtomicU64::new(1);

/// A tag that was never used before.
pub fn tag() -> u64 {
    TAGS.fetch_add(1, Ordering::Relaxed)
}

pub fn node_id() -> NodeId {
    NodeId(MemberId::random().0.as_u64_pair().0)
}

pub fn name(name: &str) -> Name {
    name.parse().unwrap()
}

pub fn text(text: &str) -> Text {
    text.parse().unwrap()
}

pub fn a_room() -> RoomId {
    RoomId::generate()
}

/// A member at a node.
pub struct Guest {
    pub id: MemberId,
    pub tag: u64,
    pub joined: JoinResult,
    pub room: Snapshot,
}

impl Node {
    /// A new member joins here.
    pub async fn join(&self, room: &RoomId, who: &str) -> Guest {
        self.join_as(room, MemberId::random(), who).await.unwrap()
    }

    pub async fn join_as(
        &self,
        room: &RoomId,
        id: MemberId,
        who: &str,
    ) -> Result<Guest, StoreError> {
        self.ask_to_join(room, &Joiner::new(id, &name(who))).await
    }

    /// The same with an address or an invite.
    pub async fn ask_to_join(
        &self,
        room: &RoomId,
        joiner: &Joiner<'_>,
    ) -> Result<Guest, StoreError> {
        let tag = tag();
        let (joined, room) = self.store.join(room, joiner, tag, Instant::now(), None).await?;
        Ok(Guest { id: joiner.id, tag, joined, room })
    }

    pub async fn leave(&self, room: &RoomId, guest: &Guest) {
        self.store.leave(room, guest.id, guest.tag, LeaveReason::Left).await.unwrap();
    }

    pub async fn publish(
        &self,
        room: &RoomId,
        from: MemberId,
        n: u64,
        words: &str,
    ) -> Result<parlor::room::PublishResult, StoreError> {
        self.store.publish(room, from, entry(n, &text(words))).await
    }

    pub async fn snapshot(&self, room: &RoomId) -> Option<Snapshot> {
        self.store.snapshot(room, true).await.unwrap()
    }

    /// What a reader at `cursor` has missed.
    pub async fn since(&self, room: &RoomId, cursor: Cursor) -> Option<Vec<Entry>> {
        self.snapshot(room).await.and_then(|room| room.since(cursor).map(<[Entry]>::to_vec))
    }
}

/// A message with this counter, or with the next one.
pub fn entry(n: impl Into<Option<u64>>, text: &Text) -> NewEntry {
    NewEntry { n: n.into(), text: text.clone() }
}

/// Waits until the store is there.
pub async fn ready(store: &dyn Store) {
    until("the store is there", async || store.ready()).await;
}

/// Asks again and again until the answer is yes.
pub async fn until(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("in time: {what}"));
}

/// Tries until nothing has come in between; what a busy machine does to an attempt is no failure.
pub async fn undisturbed(mut attempt: impl AsyncFnMut() -> bool) {
    for _ in 0..20 {
        if attempt().await {
            return;
        }
    }
    panic!("something has come in between each time");
}
