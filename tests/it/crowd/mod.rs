//! Rooms of many: what readers believe is what is there, however late their node hears of it, and telling them costs
//! each the same, however many there are.

use crate::support::redis;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::terms::terms;
use async_trait::async_trait;
use bytes::Bytes;
use parlor::{
    hub::{Encoder, Hub, HubConfig, JoinRequest, RoomRegistry, Session, Subscriber},
    protocol::ApiError,
    room::{CallMark, Cursor, JoinResult, LeaveReason, Limits, MemberId, Name, NodeId, PublishResult, RoomId, Snapshot, Text},
    store::{
        Event, EventHandler, Store, StoreError,
        memory::{Memory, World, wall_clock},
        redis::Redis,
    },
};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

static LINES: Encoder = Encoder { frame: |json, _: Option<Cursor>, out| out.extend(json.iter().chain(b"\n")), echo: false };

/// Believes what it is told, as the contract says.
#[derive(Default)]
struct Belief {
    me: String,
    people: BTreeSet<String>,
    callers: BTreeSet<String>,
    count: u64,
    crowd: bool,
    closed: bool,
    bytes: usize,
    /// What was told and not taken yet.
    frames: Vec<Value>,
}

fn id(of: &Value) -> String {
    of["clientId"].as_str().unwrap().to_owned()
}

impl Belief {
    fn read(&mut self, frame: Value) {
        self.count = frame["count"].as_u64().unwrap_or(self.count);
        match frame["type"].as_str().unwrap() {
            "welcome" | "reset" => {
                self.me = id(&frame);
                self.crowd = frame["crowd"] == true;
                self.list(&frame);
            }
            "presence" if frame["members"].is_array() => {
                self.crowd = false;
                self.list(&frame);
            }
            "presence" => self.crowd = true,
            "joined" => drop(self.people.insert(id(&frame))),
            "left" => {
                self.people.remove(&id(&frame));
                self.callers.remove(&id(&frame));
            }
            "call" if frame["inCall"] == true => {
                assert!(frame["user"].is_string());
                self.people.insert(id(&frame));
                self.callers.insert(id(&frame));
            }
            "call" => drop(self.callers.remove(&id(&frame))),
            _ => {}
        }
        self.frames.push(frame);
    }

    fn list(&mut self, frame: &Value) {
        let members = frame["members"].as_array().unwrap();
        self.people = members.iter().map(id).collect();
        self.callers = members.iter().filter(|member| member["inCall"] == true).map(id).collect();
    }

    /// What is not as it is in the room.
    fn error(&self, room: &Snapshot, most: usize) -> Option<String> {
        let people: BTreeSet<String> = room.members.iter().map(|member| member.id.to_string()).collect();
        let callers: BTreeSet<String> =
            room.members.iter().filter(|member| member.call.is_on()).map(|member| member.id.to_string()).collect();
        let whole = if self.crowd { people.len() * 4 > most * 3 } else { self.people == people };
        let right = whole
            && self.count == people.len() as u64
            && self.callers == callers
            && self.people.contains(&self.me)
            && !self.closed;
        let Self { me, crowd, count, .. } = self;
        let believed = (&self.people, &self.callers);
        (!right)
            .then(|| format!("{me}: crowd {crowd}, {count}, {believed:?}; there are {people:?}, {callers:?}: {:?}", self.frames))
    }
}

#[derive(Default)]
struct Eye(Mutex<Belief>);

impl Eye {
    fn sees(&self) -> MutexGuard<'_, Belief> {
        self.0.lock().unwrap()
    }
}

impl Subscriber for Eye {
    fn encoder(&self) -> &'static Encoder {
        &LINES
    }

    fn deliver(&self, frames: &[Bytes]) {
        let mut belief = self.sees();
        for line in frames.iter().flat_map(|frame| frame.split(|byte| *byte == b'\n')).filter(|line| !line.is_empty()) {
            belief.bytes += line.len();
            belief.read(serde_json::from_slice(line).unwrap());
        }
    }

    fn close(&self, _: &ApiError) {
        self.sees().closed = true;
    }
}

struct Someone {
    seat: Session,
    eye: Arc<Eye>,
}

impl Someone {
    /// The types and counts of what was told since this was last asked, but for the rest.
    fn told(&self) -> Vec<(String, u64)> {
        let frames = std::mem::take(&mut self.eye.sees().frames);
        let word = |frame: &Value| frame["type"].as_str().unwrap().to_owned();
        frames.iter().filter_map(|frame| Some((word(frame), frame["count"].as_u64()?))).collect()
    }

    fn first(&self) -> Value {
        self.eye.sees().frames[0].clone()
    }

    fn ticket(&self) -> String {
        self.first()["ticket"].as_str().unwrap().to_owned()
    }
}

fn said(told: &[(&str, u64)]) -> Vec<(String, u64)> {
    told.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
}

fn room() -> RoomId {
    "r".parse().unwrap()
}

fn limits() -> Limits {
    Limits { members: 10_000, ..Limits::default() }
}

fn rooms(crowd: usize) -> Arc<RoomRegistry> {
    let (limits, grace) = (limits(), Duration::from_secs(15));
    RoomRegistry::new(HubConfig { limits, crowd, grace, ..terms() })
}

/// A node in a world, where every name is as long as any other.
fn node(world: &Arc<World>, number: u64, crowd: usize) -> (Arc<Hub>, Arc<Memory>) {
    let rooms = rooms(crowd);
    let store = Memory::new(Arc::clone(world), NodeId(number), Arc::clone(&rooms) as _);
    (Hub::new(rooms, Arc::clone(&store) as _), store)
}

async fn enter(hub: &Arc<Hub>, ticket: Option<String>) -> Someone {
    loop {
        let (eye, name) = (Arc::new(Eye::default()), Some("Somebody".parse().unwrap()));
        let entrance = JoinRequest { room: room(), name, ticket: ticket.clone(), cursor: None, usage: None };
        match hub.enter(entrance, Arc::clone(&eye) as _).await {
            Ok(seat) => return Someone { seat, eye },
            Err(trouble) => assert_eq!(trouble, ApiError::StoreUnavailable),
        }
    }
}

async fn many(hub: &Arc<Hub>, count: usize) -> Vec<Someone> {
    let mut people = Vec::with_capacity(count);
    for _ in 0..count {
        people.push(enter(hub, None).await);
    }
    people
}

#[tokio::test(start_paused = true)]
async fn one_too_many_makes_a_crowd_whose_people_are_counted_once_a_second() {
    let (hub, _store) = node(&World::new(limits(), wall_clock), 1, 4);
    let mut people = many(&hub, 4).await;
    sleep(Duration::from_millis(1)).await;
    let first = said(&[("welcome", 1), ("joined", 2), ("joined", 3), ("joined", 4)]);
    assert_eq!(people[0].told(), first, "as in any room");
    people.push(enter(&hub, None).await);
    let welcome = people[4].first();
    assert_eq!((&welcome["crowd"], welcome["members"].as_array().unwrap().len()), (&json!(true), 4));
    assert_eq!(welcome["members"][0]["clientId"], welcome["clientId"], "whoever reads it is in it");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(people[0].told(), said(&[("presence", 5)]), "at once");
    people.extend(many(&hub, 3).await);
    sleep(Duration::from_millis(900)).await;
    assert_eq!(people[0].told(), []);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(people[0].told(), said(&[("presence", 8)]));
    people.pop().unwrap().seat.leave().await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(people[0].told(), said(&[("presence", 7)]), "the last count is told, and nothing more");
}

#[tokio::test(start_paused = true)]
async fn a_crowd_that_shrinks_is_listed_whole_and_told_by_name_again() {
    let (hub, store) = node(&World::new(limits(), wall_clock), 1, 8);
    let mut people = many(&hub, 9).await;
    for _ in 0..2 {
        people.pop().unwrap().seat.leave().await;
    }
    sleep(Duration::from_secs(5)).await;
    people.push(enter(&hub, None).await);
    let welcome = people[7].first();
    assert_eq!((&welcome["crowd"], &welcome["count"]), (&json!(true), &json!(8)), "seven are not few enough, nor are eight");
    for _ in 0..2 {
        people.remove(1).seat.leave().await;
    }
    sleep(Duration::from_secs(2)).await;
    let there = store.look(&room(), false).await.unwrap().unwrap();
    for person in &people {
        let last = person.eye.sees().frames.last().unwrap().clone();
        assert_eq!((last["type"].as_str(), last["members"].as_array().map(Vec::len)), (Some("presence"), Some(6)));
        assert_eq!(person.eye.sees().error(&there, 8), None);
        person.told();
    }
    let next = enter(&hub, None).await;
    sleep(Duration::from_secs(5)).await;
    assert!(next.first()["crowd"].is_null());
    assert_eq!(people[0].told(), said(&[("joined", 7)]));
    next.seat.leave().await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(people[0].told(), said(&[("left", 6)]));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_in_the_call_is_listed_and_seen_to_go_in_a_crowd_as_well() {
    let (hub, store) = node(&World::new(limits(), wall_clock), 1, 4);
    let mut people = many(&hub, 8).await;
    let caller = people.remove(6);
    let theirs = caller.seat.member();
    store.call(&room(), theirs, CallMark::since(1)).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    let frame = people[0].eye.sees().frames.iter().find(|frame| frame["type"] == "call").unwrap().clone();
    assert_eq!((&frame["user"], &frame["inCall"], id(&frame)), (&json!("Somebody"), &json!(true), theirs.to_string()));
    let late = enter(&hub, None).await;
    assert!(late.eye.sees().callers.contains(&theirs.to_string()), "the seventh who came is among the four who are listed");
    sleep(Duration::from_secs(2)).await;
    people[0].told();
    caller.seat.leave().await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(people[0].told(), said(&[("left", 8), ("presence", 8)]));
    assert!(late.eye.sees().callers.is_empty());
}

/// Bytes that each of so many people gets, from the first who comes until all are there.
async fn bytes_a_head(people: usize) -> usize {
    let (hub, _store) = node(&World::new(limits(), wall_clock), 1, 50);
    let mut all = Vec::new();
    for _ in 0..people {
        all.push(enter(&hub, None).await);
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_secs(2)).await;
    all.iter().map(|person| person.eye.sees().bytes).sum::<usize>() / people
}

#[tokio::test(start_paused = true)]
async fn what_each_of_many_gets_does_not_grow_with_them() {
    // A welcome with fifty people, or one with fewer and each of the others coming, and counts for three seconds.
    const ENOUGH: usize = 7_000;
    for people in [100, 200, 300] {
        let bytes = bytes_a_head(people).await;
        println!("{people} people: {bytes} bytes a head");
        assert!(bytes < ENOUGH, "{people} people: {bytes} bytes a head");
    }
}

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
        id: MemberId,
        name: &Name,
        tag: u64,
        began: Instant,
        after: Option<Cursor>,
    ) -> Result<(JoinResult, Snapshot), StoreError> {
        a_while().await;
        let joined = self.0.join(room, id, name, tag, began, after).await;
        a_while().await;
        joined
    }

    async fn leave(&self, room: &RoomId, id: MemberId, tag: u64, reason: LeaveReason) -> Result<bool, StoreError> {
        self.0.leave(room, id, tag, reason).await
    }

    async fn say(&self, room: &RoomId, from: MemberId, n: u64, text: &Text) -> Result<PublishResult, StoreError> {
        self.0.say(room, from, n, text).await
    }

    async fn publish_next(&self, room: &RoomId, from: MemberId, text: &Text) -> Result<PublishResult, StoreError> {
        self.0.publish_next(room, from, text).await
    }

    async fn typing(&self, room: &RoomId, from: MemberId, user: &Name, typing: bool, began: Instant) -> Result<(), StoreError> {
        self.0.typing(room, from, user, typing, began).await
    }

    async fn unload(&self, room: &RoomId, id: MemberId) -> Result<(), StoreError> {
        self.0.unload(room, id).await
    }

    async fn call(&self, room: &RoomId, id: MemberId, call: CallMark) -> Result<(), StoreError> {
        self.0.call(room, id, call).await
    }

    async fn find(&self, room: &RoomId, id: Option<MemberId>) -> Result<Option<Snapshot>, StoreError> {
        self.0.find(room, id).await
    }

    async fn look(&self, room: &RoomId, history: bool) -> Result<Option<Snapshot>, StoreError> {
        let room = self.0.look(room, history).await;
        a_while().await;
        // Out of reach now and then.
        if fastrand::u8(..4) == 0 { Err(StoreError::Unavailable) } else { room }
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
                        if let Some(now) = store.look(&room, true).await.unwrap() {
                            told = Some((now.epoch, now.version));
                            rooms.tell(&room, &Event::Reset(Arc::new(now)));
                        }
                    }
                    Event::Joined { epoch, version, .. } | Event::Left { epoch, version, .. }
                        if told.is_some_and(|(life, newest)| life == *epoch && newest >= *version) => {}
                    _ => rooms.tell(&room, &event),
                }
                left.fetch_sub(1, Ordering::SeqCst);
            }
        });
        Arc::new(Self { news, unheard })
    }
}

impl EventHandler for Late {
    fn tell(&self, room: &RoomId, event: &Event) {
        self.unheard.fetch_add(1, Ordering::SeqCst);
        self.news.send((room.clone(), event.clone())).unwrap();
    }

    fn link(&self, _: &RoomId, _: bool) {}
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
                let there = store.look(&room(), false).await.ok().flatten();
                let callers: Vec<_> = there.iter().flat_map(|room| &room.members).filter(|member| member.call.is_on()).collect();
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

/// What somebody believes that is not so.
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
                && let Some(now) = nodes[0].store.look(&room(), true).await.unwrap()
            {
                nodes[fastrand::usize(..2)].ear.tell(&room(), &Event::Reset(Arc::new(now)));
                bustle([&nodes[0].hub, &nodes[1].hub], &*nodes[0].store, &mut people, target).await;
            }
            while nodes.iter().any(|node| node.ear.unheard.load(Ordering::SeqCst) > 0) {
                sleep(Duration::from_millis(10)).await;
            }
            // A store that is away one time in four is not away thirty times in a row.
            sleep(Duration::from_secs(30)).await;
            let there = nodes[0].store.look(&room(), false).await.unwrap();
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
        let store =
            Redis::connect(&redis.url(), NodeId(number), limits(), Duration::from_secs(120), Arc::clone(&rooms) as _).unwrap();
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
                let now = store.look(&room(), false).await.unwrap();
                match errors(&people, now.as_ref(), MOST) {
                    None => break,
                    Some(_) => sleep(Duration::from_millis(50)).await,
                }
            }
        };
        if timeout(PATIENCE, agreed).await.is_err() {
            let now = store.look(&room(), false).await.unwrap();
            panic!("about {target}: {:?}", errors(&people, now.as_ref(), MOST));
        }
    }
}
