//! Nodes that hear late of joins and leaves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parlor::{
    hub::{Hub, RoomRegistry},
    room::{
        CallMark, Cursor, File, FileFacts, FileId, HostAction, JoinResult, Joiner, LeaveReason,
        MemberId, Name, NewEntry, NodeId, OpenedFile, RoomEnd, RoomId, Snapshot,
    },
    store::{
        Event, EventHandler, LeaveOutcome, PublishResults, Store, StoreError,
        memory::{Memory, World, wall_clock},
        redis::Redis,
    },
};
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{Someone, enter, limits, room, rooms};
use crate::support::redis;

/// A store that takes its time to answer.
struct Slow(Arc<Memory>);

async fn a_while() {
    sleep(Duration::from_millis(fastrand::u64(..30))).await;
}

#[async_trait]
impl Store for Slow {
    async fn join(
        &self,
        room: &RoomId,
        joiner: &Joiner<'_>,
        tag: u64,
        began: Instant,
        after: Option<Cursor>,
    ) -> Result<(JoinResult, Snapshot), StoreError> {
        a_while().await;
        let joined = self.0.join(room, joiner, tag, began, after).await;
        a_while().await;
        joined
    }

    async fn leave(
        &self,
        room: &RoomId,
        id: MemberId,
        tag: u64,
        reason: LeaveReason,
    ) -> Result<LeaveOutcome, StoreError> {
        self.0.leave(room, id, tag, reason).await
    }

    async fn decide(
        &self,
        room: &RoomId,
        by: MemberId,
        action: &HostAction,
    ) -> Result<(), StoreError> {
        self.0.decide(room, by, action).await
    }

    async fn end_knock(&self, room: &RoomId, id: Option<MemberId>) -> Result<(), StoreError> {
        self.0.end_knock(room, id).await
    }

    async fn burn(&self, room: &RoomId, by: Option<MemberId>) -> Result<RoomEnd, StoreError> {
        self.0.burn(room, by).await
    }

    async fn publish_all(
        &self,
        room: &RoomId,
        from: MemberId,
        entries: &[NewEntry],
    ) -> Result<PublishResults, StoreError> {
        self.0.publish_all(room, from, entries).await
    }

    async fn typing(
        &self,
        room: &RoomId,
        from: MemberId,
        typing: bool,
        began: Instant,
    ) -> Result<(), StoreError> {
        self.0.typing(room, from, typing, began).await
    }

    async fn rename(&self, room: &RoomId, id: MemberId, name: &Name) -> Result<(), StoreError> {
        self.0.rename(room, id, name).await
    }

    async fn unload(&self, room: &RoomId, id: MemberId) -> Result<(), StoreError> {
        self.0.unload(room, id).await
    }

    async fn call(&self, room: &RoomId, id: MemberId, call: CallMark) -> Result<(), StoreError> {
        self.0.call(room, id, call).await
    }

    async fn find(
        &self,
        room: &RoomId,
        id: Option<MemberId>,
    ) -> Result<Option<Snapshot>, StoreError> {
        self.0.find(room, id).await
    }

    async fn snapshot(&self, room: &RoomId, history: bool) -> Result<Option<Snapshot>, StoreError> {
        let room = self.0.snapshot(room, history).await;
        a_while().await;
        // Out of reach now and then.
        if fastrand::u8(..4) == 0 { Err(StoreError::Unavailable) } else { room }
    }

    async fn open_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
        facts: &FileFacts,
    ) -> Result<OpenedFile, StoreError> {
        self.0.open_file(room, from, id, facts).await
    }

    async fn write_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
        offset: u64,
        piece: Bytes,
    ) -> Result<u64, StoreError> {
        self.0.write_file(room, from, id, offset, piece).await
    }

    async fn read_file(
        &self,
        room: &RoomId,
        reader: MemberId,
        id: FileId,
        offset: Option<u64>,
    ) -> Result<(File, Bytes), StoreError> {
        self.0.read_file(room, reader, id, offset).await
    }

    async fn drop_file(
        &self,
        room: &RoomId,
        from: MemberId,
        id: FileId,
    ) -> Result<u64, StoreError> {
        self.0.drop_file(room, from, id).await
    }

    fn ready(&self) -> bool {
        true
    }

    fn shared(&self) -> bool {
        true
    }

    async fn close(&self) {}
}

/// An ear that hears everything in order, and late; but a reset, as of when it is heard.
struct Late {
    news: UnboundedSender<(RoomId, Event)>,
    unheard: Arc<AtomicUsize>,
}

impl Late {
    fn new(rooms: Arc<RoomRegistry>, world: &Arc<World>) -> Arc<Self> {
        let store = Memory::new(Arc::clone(world), NodeId(0), Arc::clone(&rooms) as _);
        let mut told = None;
        let (news, mut coming) = unbounded_channel::<(RoomId, Event)>();
        let unheard = Arc::<AtomicUsize>::default();
        let left = Arc::clone(&unheard);
        tokio::spawn(async move {
            while let Some((room, event)) = coming.recv().await {
                if fastrand::bool() {
                    a_while().await;
                }
                match &event {
                    Event::Reset(_) => {
                        if let Some(now) = store.snapshot(&room, true).await.unwrap() {
                            told = Some((now.epoch, now.version));
                            rooms.on_event(&room, &Event::Reset(Arc::new(now)));
                        }
                    }
                    Event::Joined { epoch, version, .. } | Event::Left { epoch, version, .. }
                        if told
                            .is_some_and(|(life, newest)| life == *epoch && newest >= *version) => {
                    }
                    _ => rooms.on_event(&room, &event),
                }
                left.fetch_sub(1, Ordering::SeqCst);
            }
        });
        Arc::new(Self { news, unheard })
    }
}

impl EventHandler for Late {
    fn on_event(&self, room: &RoomId, event: &Event) {
        self.unheard.fetch_add(1, Ordering::SeqCst);
        self.news.send((room.clone(), event.clone())).unwrap();
    }

    fn on_availability(&self, _: &RoomId, _: bool) {}
}

/// A node of which everything comes late.
struct LateNode {
    hub: Arc<Hub>,
    store: Arc<Memory>,
    ear: Arc<Late>,
}

impl LateNode {
    fn new(world: &Arc<World>, number: u64, crowd: usize) -> Self {
        let rooms = rooms(crowd);
        let ear = Late::new(Arc::clone(&rooms), world);
        let store = Memory::new(Arc::clone(world), NodeId(number), Arc::clone(&ear) as _);
        Self { hub: Hub::new(rooms, Arc::new(Slow(Arc::clone(&store)))), store, ear }
    }
}

/// Lets people come, go, come back at another node, call and hang up, all at once, so that there are about `target`.
async fn bustle(hubs: [&Arc<Hub>; 2], store: &dyn Store, people: &mut Vec<Someone>, target: usize) {
    let (mut coming, mut going) = (JoinSet::new(), JoinSet::new());
    for _ in 0..fastrand::usize(5..40) {
        let hub = Arc::clone(hubs[fastrand::usize(..2)]);
        let somebody = (!people.is_empty()).then(|| fastrand::usize(..people.len()));
        match (somebody, fastrand::u8(..10)) {
            (Some(at), 0) => {
                let Someone { seat, eye } = people.swap_remove(at);
                let ticket = Someone { seat, eye };
                let back = ticket.ticket();
                if fastrand::bool() {
                    drop(ticket);
                    coming.spawn(async move { enter(&hub, Some(back)).await });
                } else {
                    coming.spawn(async move {
                        let again = enter(&hub, Some(back)).await;
                        drop(ticket);
                        again
                    });
                }
            }
            (Some(at), 1 | 2) => {
                static CLOCK: AtomicUsize = AtomicUsize::new(1);
                let now = CallMark::since(CLOCK.fetch_add(1, Ordering::Relaxed) as u64);
                // Few enough to be listed all.
                let there = store.snapshot(&room(), false).await.ok().flatten();
                let callers: Vec<_> = there
                    .iter()
                    .flat_map(|room| &room.members)
                    .filter(|member| member.call.is_on())
                    .collect();
                let (who, call) = match callers[..] {
                    [first, _, _, ..] => (first.id, first.call.over()),
                    _ => (people[at].seat.member(), now),
                };
                let _ = store.call(&room(), who, call).await;
            }
            (Some(at), 3..=5) if people.len() + coming.len() > target => {
                let person = people.swap_remove(at);
                going.spawn(async move { person.seat.leave().await });
            }
            _ if people.len() + coming.len() <= target => {
                coming.spawn(async move { enter(&hub, None).await });
            }
            _ => {}
        }
        if fastrand::bool() {
            a_while().await;
        }
        while let Some(person) = coming.try_join_next() {
            people.push(person.unwrap());
        }
    }
    going.join_all().await;
    people.extend(coming.join_all().await);
}

/// What a reader believes that is not so.
fn errors(people: &[Someone], room: Option<&Snapshot>, most: usize) -> Option<String> {
    people.iter().find_map(|person| person.eye.sees().error(room.expect("a room"), most))
}

#[tokio::test(start_paused = true)]
async fn however_late_a_node_hears_of_it_everybody_ends_up_believing_what_is_so() {
    const MOST: usize = 6;
    let mut crowds = 0;
    for seed in 0..60 {
        fastrand::seed(seed);
        let world = World::new(limits(), wall_clock);
        let nodes = [1, 2].map(|number| LateNode::new(&world, number, MOST));
        let mut people = Vec::new();
        for round in 0..10 {
            let target = fastrand::usize(..2 * MOST);
            bustle([&nodes[0].hub, &nodes[1].hub], &*nodes[0].store, &mut people, target).await;
            if fastrand::u8(..3) == 0
                && let Some(now) = nodes[0].store.snapshot(&room(), true).await.unwrap()
            {
                nodes[fastrand::usize(..2)].ear.on_event(&room(), &Event::Reset(Arc::new(now)));
                bustle([&nodes[0].hub, &nodes[1].hub], &*nodes[0].store, &mut people, target).await;
            }
            while nodes.iter().any(|node| node.ear.unheard.load(Ordering::SeqCst) > 0) {
                sleep(Duration::from_millis(10)).await;
            }
            // A store that is away one time in four is not away thirty times in a row.
            sleep(Duration::from_secs(30)).await;
            let there = nodes[0].store.snapshot(&room(), false).await.unwrap();
            let error = errors(&people, there.as_ref(), MOST);
            assert_eq!(error, None, "seed {seed}, round {round}");
            crowds += usize::from(people.first().is_some_and(|person| person.eye.sees().crowd));
        }
    }
    assert!((60..540).contains(&crowds), "{crowds} of 600 times it was a crowd");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_two_nodes_count_by_themselves_and_everybody_ends_up_believing_what_is_so() {
    const MOST: usize = 6;
    const PATIENCE: Duration = Duration::from_secs(60);
    fastrand::seed(1);
    let redis = redis::Server::start();
    let [(here, store), (there, other)] = [1, 2].map(|number| {
        let rooms = rooms(MOST);
        let store = Redis::connect(
            &redis.url(),
            NodeId(number),
            limits(),
            Duration::from_secs(120),
            Arc::clone(&rooms) as _,
        )
        .unwrap();
        (Hub::new(rooms, Arc::clone(&store) as _), store)
    });
    let begun = Instant::now();
    while !(store.ready() && other.ready()) {
        assert!(begun.elapsed() < PATIENCE, "Redis in reach");
        sleep(Duration::from_millis(10)).await;
    }
    let mut people = Vec::new();
    for target in [10, 3, 12, 5, 1, 9, 0, 8, 4] {
        for _ in 0..3 {
            bustle([&here, &there], &*store, &mut people, target).await;
        }
        let agreed = async {
            loop {
                let now = store.snapshot(&room(), false).await.unwrap();
                match errors(&people, now.as_ref(), MOST) {
                    None => break,
                    Some(_) => sleep(Duration::from_millis(50)).await,
                }
            }
        };
        if timeout(PATIENCE, agreed).await.is_err() {
            let now = store.snapshot(&room(), false).await.unwrap();
            panic!("about {target}: {:?}", errors(&people, now.as_ref(), MOST));
        }
    }
}
