//! The hub with readers that only remember, and time that jumps.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::terms::terms;
use async_trait::async_trait;
use bytes::Bytes;
use parlor::{
    hub::{Encoder, Hub, JoinRequest, PollSession, ResumeFrom, RoomRegistry, Session, Subscriber},
    protocol::ApiError,
    room::{
        CallMark, Cursor, Epoch, JoinResult, LeaveReason, Limits, MemberId, Name, NodeId, PublishResult, RoomId, Snapshot, Text,
    },
    store::{
        Event, EventHandler, Store, StoreError,
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

static LINES: Encoder = Encoder { frame: |json, _: Option<Cursor>, out| out.extend(json.iter().chain(b"\n")), echo: false };

/// Remembers every frame, and the close as `{"closed": code}`.
struct Ear(UnboundedSender<Value>);

impl Subscriber for Ear {
    fn encoder(&self) -> &'static Encoder {
        &LINES
    }

    fn deliver(&self, frames: &[Bytes]) {
        for line in frames.iter().flat_map(|frame| frame.split(|byte| *byte == b'\n')).filter(|line| !line.is_empty()) {
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
}

fn hub() -> (Arc<Hub>, Arc<World>) {
    let rooms = RoomRegistry::new(terms());
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
        self.waits.lock().unwrap().push_back((when, wait));
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
        id: MemberId,
        name: &Name,
        tag: u64,
        began: Instant,
        after: Option<Cursor>,
    ) -> Result<(JoinResult, Snapshot), StoreError> {
        if self.crowded.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(StoreError::Busy(BUSY));
        }
        let wait = self.waits.lock().unwrap().pop_front();
        self.joins.fetch_add(1, Ordering::SeqCst);
        match wait {
            Some((When::Before, wait)) => {
                let _ = wait.await;
                self.store.join(room, id, name, tag, began, after).await
            }
            Some((When::After, wait)) => {
                let joined = self.store.join(room, id, name, tag, began, after).await;
                let _ = wait.await;
                joined
            }
            None => self.store.join(room, id, name, tag, began, after).await,
        }
    }

    async fn leave(&self, room: &RoomId, id: MemberId, tag: u64, reason: LeaveReason) -> Result<bool, StoreError> {
        self.store.leave(room, id, tag, reason).await
    }

    async fn say(&self, room: &RoomId, from: MemberId, n: u64, text: &Text) -> Result<PublishResult, StoreError> {
        let said = self.store.say(room, from, n, text).await;
        if self.mumbles.swap(false, Ordering::SeqCst) { Err(StoreError::Unavailable) } else { said }
    }

    async fn publish_next(&self, room: &RoomId, from: MemberId, text: &Text) -> Result<PublishResult, StoreError> {
        let said = self.store.publish_next(room, from, text).await;
        if self.mumbles.swap(false, Ordering::SeqCst) { Err(StoreError::Unavailable) } else { said }
    }

    async fn typing(&self, room: &RoomId, from: MemberId, user: &Name, typing: bool, began: Instant) -> Result<(), StoreError> {
        self.store.typing(room, from, user, typing, began).await
    }

    async fn unload(&self, room: &RoomId, id: MemberId) -> Result<(), StoreError> {
        self.store.unload(room, id).await
    }

    async fn call(&self, room: &RoomId, id: MemberId, call: CallMark) -> Result<(), StoreError> {
        self.store.call(room, id, call).await
    }

    async fn look(&self, room: &RoomId, history: bool) -> Result<Option<Snapshot>, StoreError> {
        self.store.look(room, history).await
    }

    async fn find(&self, room: &RoomId, id: Option<MemberId>) -> Result<Option<Snapshot>, StoreError> {
        self.store.find(room, id).await
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
    let rooms = RoomRegistry::new(terms());
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
    /// Somebody whose join waits, and what lets it go on.
    async fn enter_slowly(
        &self,
        when: When,
        name: &str,
        back: Option<&Value>,
    ) -> (JoinHandle<Option<Someone>>, oneshot::Sender<()>) {
        let (go, before) = (self.store.hold(when), self.store.joins());
        let (hub, name, back) = (Arc::clone(&self.hub), name.to_owned(), back.cloned());
        let entering = tokio::spawn(async move { try_enter(&hub, "r", &name, back.as_ref()).await.ok() });
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

async fn try_enter(hub: &Arc<Hub>, room: &str, name: &str, back: Option<&Value>) -> Result<Someone, ApiError> {
    let (ear, mut heard) = unbounded_channel();
    let word = |field: &str| back.map(|welcome| welcome[field].as_str().unwrap().to_owned());
    let entrance = JoinRequest {
        room: room.parse::<RoomId>().unwrap(),
        name: Some(name.parse().unwrap()),
        ticket: word("ticket"),
        cursor: word("cursor").map(|cursor| cursor.parse().unwrap()),
        usage: None,
    };
    let seat = hub.enter(entrance, Arc::new(Ear(ear))).await?;
    let welcome = heard.recv().await.unwrap();
    assert_eq!(welcome["type"], "welcome");
    Ok(Someone { seat, heard, welcome })
}

#[tokio::test(start_paused = true)]
async fn a_join_for_which_the_store_has_no_time_is_told_when_to_come_back_and_comes_in_then() {
    let Stage { hub, store, .. } = stage();
    let ann = enter(&hub, "r", "Ann", None).await;
    let welcome = ann.welcome.clone();
    drop(ann);
    store.crowded.store(2, Ordering::SeqCst);
    for (name, back) in [("Ann", Some(&welcome)), ("Bob", None)] {
        let told = try_enter(&hub, "r", name, back).await.map(|someone| someone.welcome).unwrap_err();
        assert_eq!((told.code(), told.retry_after(), told.close_code()), ("server_full", Some(BUSY), 4503), "{told}");
    }
    let room: RoomId = "r".parse().unwrap();
    assert_eq!(hub.count(&room).await, Ok(1), "Ann keeps her seat and Bob has none");
    assert_eq!(hub.counts().1, 1);
    let ann = enter(&hub, "r", "Ann", Some(&welcome)).await;
    assert_eq!((&ann.welcome["resumed"], &ann.welcome["reset"]), (&true.into(), &false.into()));
    assert_eq!(ann.welcome["clientId"], welcome["clientId"]);
    let _bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(hub.count(&room).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_lost_seat_is_held_for_the_grace_and_not_longer() {
    let (hub, world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let lost = tokio::time::Instant::now();
    drop(bob);
    let left = ann.hears().await;
    assert_eq!((left["type"].as_str(), left["reason"].as_str(), left["count"].as_u64()), (Some("left"), Some("lost"), Some(1)));
    assert_eq!(lost.elapsed().as_secs(), 15);
    drop(ann);
    tokio::time::sleep(Duration::from_secs(16)).await;
    assert!(world.is_empty() && hub.counts() == (0, 0), "nothing of the room is left");
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_their_seat_is_taken_up_elsewhere_stays_gone() {
    let here = stage();
    let rooms = RoomRegistry::new(terms());
    let there = Hub::new(Arc::clone(&rooms), Memory::new(Arc::clone(&here.world), NodeId(2), Arc::clone(&rooms) as _));
    let mut bob = enter(&there, "r", "Bob", None).await;
    let ann = enter(&there, "r", "Ann", None).await;
    assert_eq!(bob.hears().await["user"], "Ann");
    let (go, hub) = (here.store.hold(When::Before), Arc::clone(&here.hub));
    let ticket = ann.welcome["ticket"].as_str().unwrap().to_owned();
    let (ear, mut heard) = unbounded_channel();
    let taking =
        tokio::spawn(async move { hub.resume(&"r".parse().unwrap(), &ticket, now(), None, Arc::new(Ear(ear))).await.map(drop) });
    while here.store.joins() == 0 {
        tokio::task::yield_now().await;
    }
    ann.seat.leave().await;
    assert_eq!(bob.hears().await["type"], "left");
    go.send(()).unwrap();
    assert_eq!(taking.await.unwrap().unwrap_err().code(), "not_member");
    assert!(heard.recv().await.is_none(), "and was told nothing");
    assert_eq!(here.hub.counts(), (0, 0));
    assert_eq!(there.count(&"r".parse().unwrap()).await.unwrap(), 1);
    bob.seat.leave().await;
    assert!(here.world.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_in_time_was_never_gone() {
    let (hub, _world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let welcome = bob.welcome.clone();
    drop(bob);
    tokio::time::sleep(Duration::from_secs(14)).await;
    ann.seat.say(Some(1), &"are you there?".parse().unwrap()).await.unwrap();
    let mut bob = enter(&hub, "r", "Somebody", Some(&welcome)).await;
    assert_eq!(bob.welcome["clientId"], welcome["clientId"]);
    assert_eq!(bob.welcome["user"], "Bob");
    assert_eq!((bob.welcome["resumed"].as_bool(), bob.welcome["reset"].as_bool()), (Some(true), Some(false)));
    assert_eq!(bob.welcome["history"][0]["text"], "are you there?");
    tokio::time::sleep(Duration::from_secs(60)).await;
    bob.seat.say(Some(1), &"yes".parse().unwrap()).await.unwrap();
    assert_eq!(ann.hears().await["type"], "ack");
    assert_eq!(ann.hears().await["text"], "yes", "and nobody heard of it");
    assert_eq!(bob.hears().await["type"], "ack");
}

#[tokio::test(start_paused = true)]
async fn who_has_no_link_is_kept_while_they_ask_and_lost_a_lease_later() {
    let (hub, world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let (lost, mut told) = unbounded_channel();
    let tenure = PollSession::new(bob.seat, Arc::default(), move || lost.send(()).unwrap());
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(14)).await;
        tenure.stay().unwrap().accept();
    }
    let mut stay = tenure.stay().unwrap();
    stay.accept();
    tokio::time::sleep(Duration::from_secs(60)).await;
    drop(stay);
    assert!(ann.heard.try_recv().is_err() && told.try_recv().is_err(), "a request that is being answered keeps the seat");
    let begun = tokio::time::Instant::now();
    let left = ann.hears().await;
    assert_eq!((left["type"].as_str(), left["reason"].as_str()), (Some("left"), Some("lost")));
    assert!((15..=17).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert!(told.try_recv().is_ok() && tenure.stay().is_none());
    ann.seat.leave().await;
    assert!(world.is_empty() && hub.counts() == (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waited_does_not_take_the_seat_of_a_link_that_came_later() {
    let stage = stage();
    let mut bob = enter(&stage.hub, "r", "Bob", None).await;
    let ann = enter(&stage.hub, "r", "Ann", None).await;
    assert_eq!(bob.hears().await["user"], "Ann");
    let (late, room) = (now(), "r".parse().unwrap());
    let (ticket, welcome) = (ann.welcome["ticket"].as_str().unwrap().to_owned(), ann.welcome.clone());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut back = enter(&stage.hub, "r", "Ann", Some(&welcome)).await;
    let (ear, mut heard) = unbounded_channel();
    let taken = stage.hub.resume(&room, &ticket, late, None, Arc::new(Ear(ear))).await.map(drop);
    assert_eq!(taken, Err(ApiError::Replaced));
    stage.hub.leave_by_ticket(&room, &ticket, late.began).await.unwrap();
    assert!(heard.try_recv().is_err());
    back.seat.say(Some(1), &"still here".parse().unwrap()).await.unwrap();
    assert_eq!((bob.hears().await["text"].as_str(), back.hears().await["type"].as_str()), (Some("still here"), Some("ack")));
    // A leave that comes after it is one.
    stage.hub.leave_by_ticket(&room, &ticket, Instant::now()).await.unwrap();
    assert_eq!(bob.hears().await["reason"], "left");
}

#[tokio::test(start_paused = true)]
async fn who_is_given_up_before_their_first_welcome_has_no_seat_that_is_held() {
    let stage = stage();
    let mut bob = enter(&stage.hub, "r", "Bob", None).await;
    for when in [When::Before, When::After] {
        let (entering, _go) = stage.enter_slowly(when, "Ann", None).await;
        entering.abort();
        assert!(entering.await.is_err());
        let begun = Instant::now();
        if when == When::After {
            assert_eq!(bob.hears().await["type"], "joined");
            assert_eq!(bob.hears().await["reason"], "lost");
        }
        assert_eq!((stage.hub.counts(), begun.elapsed().as_secs()), ((1, 1), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn typing_ends_by_itself() {
    let (hub, _world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let mut bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let begun = tokio::time::Instant::now();
    bob.seat.typing(true).await.unwrap();
    assert_eq!(ann.hears().await["typing"], true);
    assert_eq!(ann.hears().await["typing"], false);
    assert_eq!(begun.elapsed().as_secs(), 6);
    bob.seat.typing(true).await.unwrap();
    assert_eq!(ann.hears().await["typing"], true);
    bob.seat.say(None, &"done".parse().unwrap()).await.unwrap();
    assert_eq!(ann.hears().await["type"], "chat");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(ann.heard.try_recv().is_err(), "a message ends it without a word");
}

#[tokio::test(start_paused = true)]
async fn typing_ends_with_its_link_and_not_in_the_middle_of_the_next_one() {
    let (hub, _world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let mut begun = tokio::time::Instant::now();
    let (mut seat, welcome) = (bob.seat, bob.welcome);
    for _ in 0..3 {
        seat.typing(true).await.unwrap();
        assert_eq!(ann.hears().await["typing"], true);
        tokio::time::sleep(Duration::from_secs(3)).await;
        drop(seat);
        assert_eq!(ann.hears().await["typing"], false);
        assert_eq!(begun.elapsed().as_secs(), 3, "at once, and nothing of the link before");
        seat = enter(&hub, "r", "Bob", Some(&welcome)).await.seat;
        begun = tokio::time::Instant::now();
    }
    // Who does not type need not stop.
    drop(seat);
    assert_eq!(ann.hears().await["type"], "left");
    assert_eq!(begun.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_flapping_link_leaves_one_grace_behind_and_not_many() {
    let (hub, world) = hub();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let first = enter(&hub, "r", "Ann", None).await;
    drop(first.seat);
    tokio::time::sleep(Duration::from_millis(1)).await;
    let held = tasks();
    for _ in 0..50 {
        drop(enter(&hub, "r", "Ann", Some(&first.welcome)).await.seat);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(tasks(), held);
    tokio::time::sleep(Duration::from_secs(14)).await;
    assert_eq!(hub.counts(), (1, 1), "the grace counts from the last link");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(world.is_empty() && hub.counts() == (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_seat_opened_elsewhere_closes_the_first_link() {
    let (hub, _world) = hub();
    let mut first = enter(&hub, "r", "Ann", None).await;
    let second = enter(&hub, "r", "Ann", Some(&first.welcome)).await;
    assert_eq!(first.hears().await["closed"], 4001);
    drop(first);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(hub.counts(), (1, 1), "the late goodbye of the first link is void");
    assert_eq!(hub.count(second.seat.room()).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_seat_taken_at_another_node_closes_the_link_here_and_no_newer_one() {
    let stage = stage();
    let (rooms, world) = (RoomRegistry::new(terms()), Arc::clone(&stage.world));
    let there = Hub::new(Arc::clone(&rooms), Memory::new(world, NodeId(2), rooms));
    let mut first = enter(&stage.hub, "r", "Ann", None).await;
    let mut away = enter(&there, "r", "Ann", Some(&first.welcome)).await;
    assert_eq!((away.welcome["resumed"].as_bool(), first.hears().await["closed"].as_u64()), (Some(true), Some(4001)));
    assert_eq!((stage.hub.counts(), there.counts()), ((0, 0), (1, 1)), "nothing of it is left here");
    // She comes back while the news that she had gone away once more are on their way.
    let (back, go) = stage.enter_slowly(When::After, "Ann", Some(&first.welcome)).await;
    assert_eq!(away.hears().await["closed"], 4001);
    let room = first.seat.room().clone();
    stage.rooms.tell(&room, &Event::Moved { member: first.seat.member(), tag: 0 });
    go.send(()).unwrap();
    let mut back = back.await.unwrap().unwrap();
    drop(away);
    drop(first);
    tokio::time::sleep(Duration::from_secs(60)).await;
    back.seat.say(None, &"still me".parse().unwrap()).await.unwrap();
    assert_eq!(back.hears().await["type"], "ack");
    // A held seat goes without a word.
    drop(back.seat);
    let home = enter(&there, "r", "Ann", Some(&back.welcome)).await;
    assert_eq!(stage.hub.counts(), (0, 0));
    home.seat.leave().await;
    assert!(stage.world.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stopping_node_tells_everybody_and_lets_nobody_in() {
    let (hub, world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    hub.shutdown().await;
    assert_eq!(ann.hears().await["closed"], 1012);
    assert!(world.is_empty());
    let (ear, _heard) = unbounded_channel();
    let entrance = JoinRequest { room: "r".parse().unwrap(), name: None, ticket: None, cursor: None, usage: None };
    assert!(matches!(hub.enter(entrance, Arc::new(Ear(ear))).await, Err(ApiError::Restarting(_))));
}

#[tokio::test(start_paused = true)]
async fn a_stopping_node_waits_for_its_people_to_reach_another_one_and_not_longer() {
    let stage = stage();
    let rooms = RoomRegistry::new(terms());
    let there = Hub::new(Arc::clone(&rooms), Memory::new(Arc::clone(&stage.world), NodeId(2), Arc::clone(&rooms) as _));
    let (mut ann, mut bob) = (enter(&stage.hub, "r", "Ann", None).await, enter(&stage.hub, "r", "Bob", None).await);
    assert_eq!(ann.hears().await["type"], "joined");
    let begun = tokio::time::Instant::now();
    let hub = Arc::clone(&stage.hub);
    let goodbye = tokio::spawn(async move { hub.shutdown().await });
    assert_eq!((ann.hears().await["closed"].as_u64(), bob.hears().await["closed"].as_u64()), (Some(1012), Some(1012)));
    let ann = enter(&there, "r", "Ann", Some(&ann.welcome)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!goodbye.is_finished(), "Bob is on his way");
    let bob = enter(&there, "r", "Bob", Some(&bob.welcome)).await;
    goodbye.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 2);
    for someone in [&ann, &bob] {
        assert_eq!(someone.welcome["resumed"], true);
    }
}

#[tokio::test(start_paused = true)]
async fn a_counter_that_may_be_spent_is_not_given_out_again() {
    let stage = stage();
    let mut ann = enter(&stage.hub, "r", "Ann", None).await;
    stage.store.mumbles.store(true, Ordering::SeqCst);
    assert_eq!(ann.seat.say(None, &"one".parse().unwrap()).await.err(), Some(ApiError::StoreUnavailable));
    assert!(ann.seat.say(None, &"two".parse().unwrap()).await.unwrap().is_none(), "another message is no repetition");
    let late = enter(&stage.hub, "r", "Late", None).await;
    let texts: Vec<_> = late.welcome["history"].as_array().unwrap().iter().map(|entry| &entry["text"]).collect();
    assert_eq!(texts, ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_and_done_in_an_earlier_life_is_told_to_nobody() {
    let stage = stage();
    let mut ann = enter(&stage.hub, "r", "Ann", None).await;
    let (zoe, go) = stage.enter_slowly(When::Before, "Zoe", None).await;
    let bob = enter(&stage.hub, "r", "Bob", None).await;
    ann.seat.say(None, &"for your ears only".parse().unwrap()).await.unwrap();
    bob.seat.leave().await;
    ann.seat.leave().await;
    assert!(stage.world.is_empty());
    go.send(()).unwrap();
    let mut zoe = zoe.await.unwrap().unwrap();
    assert_eq!((zoe.welcome["resumed"].as_bool(), zoe.welcome["history"].as_array().unwrap().len()), (Some(false), 0));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(zoe.heard.try_recv().ok(), None);
    let mut yan = enter(&stage.hub, "r", "Yan", None).await;
    yan.seat.say(None, &"hello".parse().unwrap()).await.unwrap();
    assert_eq!((zoe.hears().await["type"].as_str(), zoe.hears().await["text"].as_str()), (Some("joined"), Some("hello")));
}

#[tokio::test(start_paused = true)]
async fn a_join_that_a_newer_link_overtook_leaves_no_ghost() {
    for leaves_first in [false, true] {
        let stage = stage();
        let first = enter(&stage.hub, "r", "Ann", None).await;
        let (second, go) = stage.enter_slowly(When::Before, "Ann", Some(&first.welcome)).await;
        let third = enter(&stage.hub, "r", "Ann", Some(&first.welcome)).await;
        if leaves_first {
            third.seat.leave().await;
            go.send(()).unwrap();
            assert!(second.await.unwrap().is_none(), "it was replaced");
        } else {
            go.send(()).unwrap();
            assert!(second.await.unwrap().is_none(), "it was replaced");
            third.seat.leave().await;
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(stage.world.is_empty() && stage.hub.counts() == (0, 0), "{leaves_first}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_join_that_fell_across_a_reset_is_tried_again() {
    let stage = stage();
    let ann = enter(&stage.hub, "r", "Ann", None).await;
    let (bob, go_bob) = stage.enter_slowly(When::After, "Bob", None).await;
    let (zoe, go_zoe) = stage.enter_slowly(When::After, "Zoe", None).await;
    let now = stage.store.look(ann.seat.room(), true).await.unwrap().unwrap();
    stage.rooms.tell(ann.seat.room(), &Event::Reset(Arc::new(Snapshot { epoch: Epoch(now.epoch.0 ^ 1), ..now })));
    tokio::time::sleep(Duration::from_secs(1)).await;
    go_bob.send(()).unwrap();
    go_zoe.send(()).unwrap();
    assert!(bob.await.unwrap().is_some() && zoe.await.unwrap().is_some());
    assert_eq!(stage.store.joins(), 5);
}
