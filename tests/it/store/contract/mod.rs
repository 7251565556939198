//! One contract, every store: the same tests against memory and against Redis, alone, in a Cluster and under Sentinels.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use crate::support::{
    Node, a_room, cluster::Cluster, name, node_id, ready, recorder, redis::Server, sentinel::Watched, tag, text, until,
};
use parlor::{
    room::{CallMark, Cursor, Entry, Epoch, LeaveReason, Limits, MemberId, RoomError, RoomId, Snapshot},
    store::{
        Event, StoreError,
        memory::{self, Memory},
        redis::Redis,
    },
};
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

/// Where nodes of one store meet.
trait World: Sized {
    async fn with(limits: Limits) -> Self;
    async fn node(&self) -> Node;
    /// Nothing of any room is left.
    fn is_empty(&self) -> bool;

    async fn new() -> Self {
        Self::with(Limits::default()).await
    }
}

struct InMemory(Arc<memory::World>);

impl World for InMemory {
    async fn with(limits: Limits) -> Self {
        Self(memory::World::new(limits, memory::wall_clock))
    }

    async fn node(&self) -> Node {
        let (feed, heard) = recorder();
        Node { store: Memory::new(Arc::clone(&self.0), node_id(), feed), heard }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

struct InRedis {
    server: Server,
    limits: Limits,
}

impl World for InRedis {
    async fn with(limits: Limits) -> Self {
        Self { server: Server::start(), limits }
    }

    async fn node(&self) -> Node {
        redis_node(&self.server.url(), self.limits).await
    }

    fn is_empty(&self) -> bool {
        self.server.keys().is_empty()
    }
}

async fn redis_node(url: &str, limits: Limits) -> Node {
    let (feed, heard) = recorder();
    let store = Redis::connect(url, node_id(), limits, Duration::from_millis(limits.lease * 8), feed).unwrap();
    ready(&*store).await;
    Node { store, heard }
}

/// Six servers are too many to start for each test: they meet, one after the other, in what stands here.
static CLUSTER: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
static WATCHED: Mutex<Weak<Watched>> = Mutex::new(Weak::new());

struct InCluster(Arc<Cluster>, Limits);

impl World for InCluster {
    async fn with(limits: Limits) -> Self {
        Self(CLUSTER.lock().unwrap().upgrade().unwrap(), limits)
    }

    async fn node(&self) -> Node {
        redis_node(&self.0.url(), self.1).await
    }

    fn is_empty(&self) -> bool {
        self.0.keys().is_empty()
    }
}

impl Drop for InCluster {
    fn drop(&mut self) {
        for master in self.0.masters() {
            self.0.servers()[master].ask(&["FLUSHALL"]);
        }
    }
}

struct UnderSentinels(Arc<Watched>, Limits);

impl World for UnderSentinels {
    async fn with(limits: Limits) -> Self {
        Self(WATCHED.lock().unwrap().upgrade().unwrap(), limits)
    }

    async fn node(&self) -> Node {
        redis_node(&self.0.url(), self.1).await
    }

    fn is_empty(&self) -> bool {
        self.0.keys().is_empty()
    }
}

impl Drop for UnderSentinels {
    fn drop(&mut self) {
        self.0.servers()[self.0.master()].ask(&["FLUSHALL"]);
    }
}

macro_rules! contract {
    ($($name:ident)*) => {
        mod in_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name::<super::InMemory>().await })*
        }
        mod in_redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name::<super::InRedis>().await })*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn the_whole_contract_holds_in_a_cluster() {
            let cluster = Arc::new(Cluster::start());
            *CLUSTER.lock().unwrap() = Arc::downgrade(&cluster);
            $(println!("{}", stringify!($name)); $name::<InCluster>().await;)*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn the_whole_contract_holds_under_sentinels() {
            let watched = Arc::new(Watched::start());
            *WATCHED.lock().unwrap() = Arc::downgrade(&watched);
            $(println!("{}", stringify!($name)); $name::<UnderSentinels>().await;)*
        }
    };
}

contract! {
    room_is_born_by_its_first_join
    everybody_is_told_of_a_join
    messages_of_two_nodes_arrive_everywhere_in_one_order
    repeated_n_gets_the_first_answer_and_says_nothing_twice
    older_n_whose_entry_is_gone_is_stale
    counters_are_exact_up_to_the_last_number
    sends_without_a_counter_get_the_next_one_wherever_they_are_said
    strangers_may_neither_speak_nor_type
    reader_gets_exactly_what_it_missed
    who_comes_back_is_shown_what_they_missed_and_no_more
    of_a_room_of_many_those_are_shown_who_came_first_and_who_is_in_the_call
    one_member_is_found_among_many
    log_is_kept_to_its_length
    log_is_kept_to_its_bytes
    typing_is_told_and_not_kept
    page_that_unloads_is_told_to_the_node_that_holds_its_seat
    the_call_is_told_and_kept_whatever_order_news_of_it_come_in
    of_two_links_of_a_node_the_newer_one_has_the_seat
    takeover_is_told_to_nobody_and_voids_the_old_link
    seat_that_moves_is_told_to_the_node_that_held_it_and_to_nobody_else
    of_two_nodes_links_the_one_that_began_later_has_the_seat
    takeover_knows_the_last_n
    leave_is_told_with_its_reason
    leave_may_be_repeated
    room_is_forgotten_when_the_last_member_leaves
    reborn_room_is_another_life
    key_is_the_same_for_a_whole_life
    full_room_refuses_and_stays_as_it_was
    seated_member_may_take_over_in_a_full_room
    counter_is_known_after_leaving_and_coming_back
    any_text_name_and_room_survives
    forty_joins_under_fire_miss_nothing
    leave_against_join_is_whole_or_gone
    a_thousand_messages_at_once_are_dense_and_the_same_everywhere
    closing_node_takes_its_members_along
    silent_node_loses_its_members_exactly_once
    lonely_room_of_a_dead_node_is_gone
    old_entries_are_nowhere_to_be_found
    node_is_told_nothing_after_its_last_member_left
    rooms_do_not_hear_each_other
}

async fn room_is_born_by_its_first_join<W: World>() {
    let world = W::new().await;
    let mut node = world.node().await;
    let room = a_room();
    assert_eq!(node.look(&room).await, None);
    let ann = node.join(&room, "Ann").await;
    assert!(ann.joined.new);
    assert_eq!(ann.joined.last_n, 0);
    assert_eq!((ann.room.seq, ann.room.version, ann.room.history.len()), (0, 1, 0));
    assert_eq!(ann.room.members.len(), 1);
    assert_eq!(ann.room.members[0].id, ann.id);
    assert_eq!(ann.room.members[0].name, name("Ann"));
    assert!(ann.room.members[0].joined_at > 1_700_000_000_000);
    assert_eq!(node.look(&room).await, Some(ann.room.clone()));
    let (member, version, count) = node.heard.joined().await;
    assert_eq!((member, version, count), (ann.room.members[0].clone(), 1, 1));
}

async fn everybody_is_told_of_a_join<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    here.heard.joined().await;
    let bob = there.join(&room, "Bob of There").await;
    assert!(bob.joined.new);
    assert_eq!(bob.room.epoch, ann.room.epoch);
    let ids: HashSet<_> = bob.room.members.iter().map(|member| member.id).collect();
    assert_eq!(ids, HashSet::from([ann.id, bob.id]));
    for node in [&mut here, &mut there] {
        let (member, version, count) = node.heard.joined().await;
        assert_eq!((member.id, member.name, version, count), (bob.id, name("Bob of There"), 2, 2));
        let listed = bob.room.members.iter().find(|listed| listed.id == bob.id).unwrap();
        assert_eq!(member.joined_at, listed.joined_at);
    }
    let seen = there.look(&room).await.unwrap();
    assert_eq!(seen, bob.room);
    assert_eq!(there.store.look(&room, false).await.unwrap().unwrap().history, []);
}

async fn messages_of_two_nodes_arrive_everywhere_in_one_order<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
    for n in 1..=5 {
        let (node, guest) = if n % 2 == 0 { (&there, &bob) } else { (&here, &ann) };
        let said = node.say(&room, guest.id, n, &format!("message {n}")).await.unwrap();
        assert_eq!((said.seq, said.repeated), (n, false));
    }
    let log = here.look(&room).await.unwrap();
    assert_eq!(log.seq, 5);
    for node in [&mut here, &mut there] {
        for kept in &log.history {
            assert_eq!(node.heard.entry().await, *kept);
        }
    }
    assert_eq!(log.history[1].user, name("Bob"));
    assert_eq!(log.history[1].text, text("message 2"));
}

async fn repeated_n_gets_the_first_answer_and_says_nothing_twice<W: World>() {
    let world = W::new().await;
    let mut node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    let first = node.say(&room, ann.id, 7, "one").await.unwrap();
    let second = node.say(&room, ann.id, 9, "two").await.unwrap();
    for (n, said) in [(9, second), (7, first), (9, second)] {
        let again = node.say(&room, ann.id, n, "something else").await.unwrap();
        assert_eq!((again.seq, again.at, again.repeated), (said.seq, said.at, true));
    }
    node.say(&room, ann.id, 10, "three").await.unwrap();
    for expected in ["one", "two", "three"] {
        assert_eq!(node.heard.entry().await.text, text(expected));
    }
    assert_eq!(node.look(&room).await.unwrap().seq, 3);
}

async fn older_n_whose_entry_is_gone_is_stale<W: World>() {
    let world = W::with(Limits { history_len: 2, ..Limits::default() }).await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    for n in [2, 4, 6] {
        node.say(&room, ann.id, n, "hello").await.unwrap();
    }
    for stale in [1, 2, 3, 5] {
        assert_eq!(node.say(&room, ann.id, stale, "hello").await, Err(RoomError::StaleN.into()), "{stale}");
    }
    assert!(node.say(&room, ann.id, 4, "hello").await.unwrap().repeated);
}

async fn counters_are_exact_up_to_the_last_number<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    for (seq, n) in [0, 9, 10, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, u64::MAX - 1, u64::MAX].into_iter().enumerate() {
        let said = node.say(&room, ann.id, n, "hello").await.unwrap();
        assert_eq!((said.seq, said.repeated), (seq as u64 + 1, false), "{n}");
    }
    assert_eq!(node.say(&room, ann.id, (1 << 53) + 1, "hello").await.unwrap().seq, 6);
    assert_eq!(node.say(&room, ann.id, u64::MAX - 2, "hello").await, Err(RoomError::StaleN.into()));
    assert_eq!(node.join_as(&room, ann.id, "Ann").await.unwrap().joined.last_n, u64::MAX);
}

async fn sends_without_a_counter_get_the_next_one_wherever_they_are_said<W: World>() {
    const EACH: u64 = 25;
    let world = W::new().await;
    let (mut here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await.id;
    assert_eq!(here.store.publish_next(&room, ann, &text("first")).await.unwrap().n, 1);
    assert_eq!(here.say(&room, ann, 5, "counted").await.unwrap().n, 5);
    let mut speaking = Vec::new();
    for node in [&here, &there, &here, &there] {
        let (store, room) = (Arc::clone(&node.store), room.clone());
        speaking.push(tokio::spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..EACH {
                let said = store.publish_next(&room, ann, &text("uncounted")).await.unwrap();
                assert!(!said.repeated);
                numbers.push(said.n);
            }
            numbers
        }));
    }
    let mut numbers = vec![1, 5];
    for speaker in speaking {
        numbers.extend(speaker.await.unwrap());
    }
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq([1].into_iter().chain(5..6 + 4 * EACH)), "{numbers:?}");
    let said = here.say(&room, ann, 5, "counted").await.unwrap();
    assert_eq!((said.n, said.seq, said.repeated), (5, 2, true));
    for n in &numbers {
        assert_eq!(here.heard.entry().await.n, *n, "in the order of the log");
    }
    let last = 6 + 4 * EACH - 1;
    assert_eq!(there.join_as(&room, ann, "Ann").await.unwrap().joined.last_n, last);
    // What was said without a counter is known by the one it got.
    assert!(here.say(&room, ann, last, "uncounted").await.unwrap().repeated);
    here.say(&room, ann, (1 << 53) - 2, "hello").await.unwrap();
    assert_eq!(here.store.publish_next(&room, ann, &text("hello")).await.unwrap().n, (1 << 53) - 1);
    let refused = Err(StoreError::Refused(RoomError::StaleN));
    assert_eq!(here.store.publish_next(&room, ann, &text("hello")).await, refused, "none follows");
}

async fn strangers_may_neither_speak_nor_type<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let (room, stranger) = (a_room(), MemberId::random());
    let refused = Err(StoreError::Refused(RoomError::NotMember));
    for _ in 0..2 {
        assert_eq!(node.say(&room, stranger, 1, "hello").await.map(drop), refused);
        assert_eq!(node.store.publish_next(&room, stranger, &text("hello")).await.map(drop), refused);
        assert_eq!(node.store.typing(&room, stranger, &name("Eve"), true, Instant::now()).await, refused);
        // Once without the room, once with it.
        node.join(&room, "Ann").await;
    }
    let ann = node.join(&room, "Ann").await;
    node.leave(&room, &ann).await;
    assert_eq!(node.say(&room, ann.id, 1, "hello").await.map(drop), refused);
    assert_eq!(node.look(&room).await.unwrap().seq, 0);
}

async fn reader_gets_exactly_what_it_missed<W: World>() {
    let world = W::with(Limits { history_len: 5, ..Limits::default() }).await;
    let node = world.node().await;
    let room = a_room();
    let elsewhere = Cursor { epoch: Epoch(1), seq: 0 };
    assert_eq!(node.since(&room, elsewhere).await, None);
    let ann = node.join(&room, "Ann").await;
    let at = |seq| Cursor { epoch: ann.room.epoch, seq };
    assert_eq!(node.since(&room, at(0)).await, Some(Vec::new()));
    for n in 1..=8 {
        node.say(&room, ann.id, n, &format!("message {n}")).await.unwrap();
    }
    for (seq, missed) in [(8, Some(vec![])), (7, Some(vec![8])), (3, Some(vec![4, 5, 6, 7, 8])), (2, None), (0, None), (9, None)]
    {
        let got = node.since(&room, at(seq)).await;
        assert_eq!(got.map(|entries| entries.iter().map(|entry| entry.seq).collect::<Vec<_>>()), missed, "{seq}");
    }
    assert_eq!(node.since(&room, Cursor { epoch: Epoch(ann.room.epoch.0 ^ 1), seq: 8 }).await, None);
}

/// What a link that takes a member's seat over is shown, having read up to `after`.
async fn resume(node: &Node, room: &RoomId, id: MemberId, after: Cursor) -> (u64, Snapshot) {
    let resumed = node.store.join(room, id, &name("Ann"), tag(), Instant::now(), Some(after)).await;
    resumed.map(|(joined, room)| (joined.last_n, room)).unwrap()
}

async fn who_comes_back_is_shown_what_they_missed_and_no_more<W: World>() {
    let world = W::with(Limits { history_len: 5, ..Limits::default() }).await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, here.join(&room, "Bob").await);
    for n in 1..=8 {
        here.say(&room, if n == 5 { bob.id } else { ann.id }, n, &format!("message {n}")).await.unwrap();
    }
    let (at, all) = (|seq| Cursor { epoch: ann.room.epoch, seq }, vec![4, 5, 6, 7, 8]);
    for node in [&here, &there, &here] {
        // In another life, beyond the end or before what is kept there is no answer, so they get all.
        let elsewhere = Cursor { epoch: Epoch(ann.room.epoch.0 ^ 1), seq: 7 };
        for (after, missed) in [
            (at(8), Some(vec![])),
            (at(6), Some(vec![7, 8])),
            (at(3), Some(all.clone())),
            (at(2), None),
            (at(9), None),
            (elsewhere, None),
        ] {
            let (last_n, shown) = resume(node, &room, ann.id, after).await;
            let seqs = |entries: &[Entry]| entries.iter().map(|entry| entry.seq).collect::<Vec<_>>();
            assert_eq!((last_n, shown.since(after).map(seqs)), (8, missed.clone()), "{after}");
            let most = missed.map_or(all.len(), |missed| (missed.len() + 1).min(all.len()));
            assert!(shown.history.len() <= most, "{after}: {:?}", seqs(&shown.history));
            assert_eq!((shown.seq, shown.version, shown.key, shown.count()), (8, 2, ann.room.key, 2));
            assert_eq!(shown.members.iter().map(|member| member.id).collect::<HashSet<_>>(), [ann.id, bob.id].into());
        }
    }
    // A member that was gone goes on counting after words that they have read.
    let bob = here.join_as(&room, bob.id, "Bob").await.unwrap();
    here.leave(&room, &bob).await;
    let resumed = there.store.join(&room, bob.id, &name("Bob"), tag(), Instant::now(), Some(at(8))).await.unwrap();
    assert_eq!((resumed.0.new, resumed.0.last_n), (true, 5));
    assert_eq!(resumed.1.since(at(8)), Some(&[][..]));
}

async fn of_a_room_of_many_those_are_shown_who_came_first_and_who_is_in_the_call<W: World>() {
    let world = W::with(Limits { listed: 3, ..Limits::default() }).await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let mut guests = Vec::new();
    for n in 0..7 {
        guests.push([&here, &there][n % 2].join(&room, &format!("Guest number {n}")).await);
        // Who joined first is told by the millisecond.
        sleep(Duration::from_millis(2)).await;
    }
    here.store.call(&room, guests[4].id, CallMark::since(8)).await.unwrap();
    let mine = |who: usize| guests[who].id;
    for node in [&here, &there] {
        until("the call is known here", async || {
            let shown = node.join_as(&room, mine(6), "Guest number 6").await.unwrap().room;
            assert_eq!(shown.count(), 7);
            let ids: Vec<_> = shown.members.iter().map(|member| member.id).collect();
            assert!([0, 1, 2, 6].iter().all(|who| ids.contains(&mine(*who))), "{ids:?}");
            ids == [0, 1, 2, 4, 6].map(mine)
        })
        .await;
    }
    here.store.leave(&room, mine(0), guests[0].tag, LeaveReason::Left).await.unwrap();
    let shown = here.join_as(&room, mine(1), "Guest number 1").await.unwrap().room;
    assert_eq!((shown.count(), shown.members.iter().map(|member| member.id).collect()), (6, [1, 2, 3, 4].map(mine).to_vec()));
}

async fn one_member_is_found_among_many<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    assert_eq!(here.store.find(&room, None).await, Ok(None));
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
    here.say(&room, ann.id, 1, "hello").await.unwrap();
    here.store.call(&room, bob.id, CallMark::since(8)).await.unwrap();
    let all = there.look(&room).await.unwrap();
    for id in [Some(bob.id), Some(MemberId::random()), None] {
        let listed: Vec<_> = all.members.iter().filter(|member| Some(member.id) == id).cloned().collect();
        let unlisted = 2 - listed.len();
        assert_eq!(listed.len(), usize::from(id == Some(bob.id)));
        let found = here.store.find(&room, id).await.unwrap().unwrap();
        assert_eq!(found, Snapshot { members: listed, unlisted, history: vec![], ..all.clone() });
    }
}

async fn log_is_kept_to_its_length<W: World>() {
    for history_len in [0_u64, 1, 3] {
        let world = W::with(Limits { history_len: history_len as usize, ..Limits::default() }).await;
        let node = world.node().await;
        let room = a_room();
        let ann = node.join(&room, "Ann").await;
        for n in 1..=5 {
            assert_eq!(node.say(&room, ann.id, n, "hello").await.unwrap().seq, n);
            let kept: Vec<u64> = node.look(&room).await.unwrap().history.iter().map(|entry| entry.seq).collect();
            assert_eq!(kept, ((n + 1).saturating_sub(history_len).max(1)..=n).collect::<Vec<_>>());
        }
        node.leave(&room, &ann).await;
        assert!(world.is_empty());
    }
}

async fn log_is_kept_to_its_bytes<W: World>() {
    let world = W::with(Limits { history_bytes: 10, history_len: 6, ..Limits::default() }).await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    let mut n = 0;
    let mut say = async |words: &str| {
        n += 1;
        node.say(&room, ann.id, n, words).await.unwrap();
    };
    let kept = async || node.look(&room).await.unwrap().history.iter().map(|entry| entry.seq).collect::<Vec<_>>();
    for (words, left) in [
        ("four", vec![1]),
        ("ж\nж\n", vec![1, 2]),
        ("x", vec![2, 3]),
        ("more than may be kept", vec![4]),
        ("1234567", vec![5]),
        ("123", vec![5, 6]),
        ("y", vec![6, 7]),
        ("y", vec![6, 7, 8]),
        ("y", vec![6, 7, 8, 9]),
        ("y", vec![6, 7, 8, 9, 10]),
        ("y", vec![6, 7, 8, 9, 10, 11]),
        ("y", vec![7, 8, 9, 10, 11, 12]),
        ("12345", vec![8, 9, 10, 11, 12, 13]),
    ] {
        say(words).await;
        assert_eq!(kept().await, left);
    }
}

async fn typing_is_told_and_not_kept<W: World>() {
    let world = W::new().await;
    let (here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    for typing in [true, false] {
        here.store.typing(&room, ann.id, &name("Ann of Here"), typing, Instant::now()).await.unwrap();
        let heard = there.heard.find(|event| matches!(event, Event::Typing { .. }).then_some(event)).await;
        assert_eq!(heard, Event::Typing { from: ann.id, user: name("Ann of Here"), typing });
    }
    assert_eq!(there.look(&room).await, Some(bob.room));
}

async fn page_that_unloads_is_told_to_the_node_that_holds_its_seat<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    let unloading = |event| if let Event::Unloading { member } = event { Some(member) } else { None };
    // Whatever node hears of it, and wherever the seat has gone.
    for store in [Arc::clone(&there.store), Arc::clone(&here.store)] {
        store.unload(&room, ann.id).await.unwrap();
        assert_eq!(here.heard.find(unloading).await, ann.id);
    }
    let moved = there.join_as(&room, ann.id, "Ann").await.unwrap();
    assert_eq!(here.heard.moved().await, (ann.id, ann.tag));
    assert!(there.heard.rest().into_iter().all(|event| unloading(event).is_none()), "Bob's node is told nothing");
    there.store.unload(&room, ann.id).await.unwrap();
    assert_eq!(there.heard.find(unloading).await, ann.id);
    let refused = Err(StoreError::Refused(RoomError::NotMember));
    there.leave(&room, &moved).await;
    assert_eq!(there.store.unload(&room, ann.id).await, refused, "who has left has no seat");
    assert_eq!(there.store.unload(&a_room(), bob.id).await, refused, "nor is there one where there is no room");
    assert!(here.heard.rest().into_iter().all(|event| unloading(event).is_none()));
}

async fn the_call_is_told_and_kept_whatever_order_news_of_it_come_in<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
    let (first, second) = (CallMark::since(1_700_000_000_000), CallMark::since(1_700_000_000_001));
    for call in [first, first, first.over(), first, second, first.over(), second.over(), second, second.over()] {
        there.store.call(&room, ann.id, call).await.unwrap();
    }
    for node in [&mut here, &mut there] {
        for expected in [first, first.over(), second, second.over()] {
            let heard = node.heard.find(|event| matches!(event, Event::Call { .. }).then_some(event)).await;
            let Event::Call { from, user, call, .. } = heard else { panic!("{heard:?}") };
            assert_eq!((from, user, call), (ann.id, name("Ann"), expected));
        }
    }
    let third = CallMark::since(1_700_000_000_002);
    here.store.call(&room, bob.id, third).await.unwrap();
    let cid = here.join(&room, "Cid").await;
    let calls: HashMap<_, _> = cid.room.members.iter().map(|member| (member.id, member.call)).collect();
    assert_eq!(calls, HashMap::from([(ann.id, second.over()), (bob.id, third), (cid.id, CallMark::default())]));
    assert_eq!(here.look(&room).await, Some(cid.room));
    let refused = Err(StoreError::Refused(RoomError::NotMember));
    there.leave(&room, &bob).await;
    assert_eq!(here.store.call(&room, bob.id, third.over()).await, refused);
    assert_eq!(here.store.call(&a_room(), ann.id, third).await, refused);
    let back = there.join_as(&room, bob.id, "Bob").await.unwrap();
    assert!(!back.room.members.iter().any(|member| member.call.is_on()), "who left took the mark along");
}

async fn takeover_is_told_to_nobody_and_voids_the_old_link<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    let moved = there.join_as(&room, ann.id, "Another Name").await.unwrap();
    assert!(!moved.joined.new);
    assert_eq!(moved.room, bob.room, "neither name nor time nor version change");
    here.leave(&room, &ann).await;
    assert_eq!(there.look(&room).await.unwrap().members.len(), 2);
    // The same at one node.
    let again = there.join_as(&room, ann.id, "Ann").await.unwrap();
    there.leave(&room, &moved).await;
    assert_eq!(there.say(&room, ann.id, 1, "still here").await.unwrap().seq, 1);
    there.heard.entry().await;
    there.leave(&room, &again).await;
    let (member, reason, version, count) = there.heard.left().await;
    assert_eq!((member.id, reason, version, count), (ann.id, LeaveReason::Left, 3, 1));
    assert!(here.heard.rest().iter().all(|event| !matches!(event, Event::Left { .. })));
    there.leave(&room, &bob).await;
    assert!(world.is_empty());
}

async fn of_two_links_of_a_node_the_newer_one_has_the_seat<W: World>() {
    let world = W::new().await;
    let (mut here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, cid) = (here.join(&room, "Ann").await, there.join(&room, "Cid").await);
    let (older, newer) = (tag(), tag());
    for tag in [newer, older] {
        let (joined, _) = here.store.join(&room, ann.id, &name("Ann"), tag, Instant::now(), None).await.unwrap();
        assert!(!joined.new);
    }
    here.store.leave(&room, ann.id, older, LeaveReason::Left).await.unwrap();
    assert_eq!(here.look(&room).await.unwrap().members.len(), 2, "the older link's goodbye is void");
    here.store.leave(&room, ann.id, newer, LeaveReason::Left).await.unwrap();
    assert_eq!(there.look(&room).await.unwrap().members.len(), 1);
    there.leave(&room, &cid).await;
    assert!(world.is_empty());
    here.heard.rest();
}

async fn seat_that_moves_is_told_to_the_node_that_held_it_and_to_nobody_else<W: World>() {
    let world = W::new().await;
    let (mut here, mut there, mut third) = (world.node().await, world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = here.join(&room, "Bob").await;
    let cid = third.join(&room, "Cid").await;
    let away = there.join_as(&room, ann.id, "Ann").await.unwrap();
    assert_eq!(here.heard.moved().await, (ann.id, ann.tag));
    // Back again: now it is the other node that loses it. Whatever is said in between is heard once.
    let back = here.join_as(&room, ann.id, "Ann").await.unwrap();
    assert_eq!(there.heard.moved().await, (ann.id, away.tag));
    third.say(&room, cid.id, 1, "where are you?").await.unwrap();
    assert_eq!(here.heard.entry().await.seq, 1);
    let away = there.join_as(&room, ann.id, "Ann").await.unwrap();
    assert_eq!(here.heard.moved().await, (ann.id, back.tag));
    // The older link may still speak, because it is the same person; but not free the seat.
    assert_eq!(here.say(&room, ann.id, 1, "here").await.unwrap().seq, 2);
    here.leave(&room, &back).await;
    // The last one: nothing more is told there.
    let gone = there.join_as(&room, bob.id, "Bob").await.unwrap();
    assert_eq!(here.heard.moved().await, (bob.id, bob.tag));
    third.say(&room, cid.id, 2, "all there now").await.unwrap();
    while there.heard.entry().await.seq < 3 {}
    third.leave(&room, &cid).await;
    there.heard.left().await;
    there.leave(&room, &away).await;
    there.leave(&room, &gone).await;
    assert!(world.is_empty());
    let late: Vec<_> =
        here.heard.rest().into_iter().filter(|event| !matches!(event, Event::Said { entry, .. } if entry.seq < 3)).collect();
    assert_eq!(late, []);
    third.heard.rest().iter().for_each(|event| assert!(!matches!(event, Event::Moved { .. } | Event::Reset(_)), "{event:?}"));
}

async fn of_two_nodes_links_the_one_that_began_later_has_the_seat<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    // Both nodes listen, wherever she sits.
    let bob = here.join(&room, "Bob").await;
    there.join(&room, "Cid").await;
    let come = async |node: &Node, began| {
        let link = tag();
        node.store.join(&room, ann.id, &name("Ann"), link, began, None).await.map(|(joined, _)| (joined.new, link))
    };
    // Nodes know the time only as well as answers are quick: on a busy machine there may have to be more of it between.
    let mut refused = None;
    for pause in [50, 200, 1000, 5000] {
        let late = Instant::now();
        sleep(Duration::from_millis(pause)).await;
        let newer = come(&there, Instant::now()).await.unwrap();
        if come(&here, late).await == Err(StoreError::Refused(RoomError::Overtaken)) {
            refused = Some((late, newer));
            break;
        }
    }
    let (late, (_, newer)) = refused.expect("a join that comes late is refused");
    // Signals are not kept while a node reads the room anew, as it may when somebody moves: this comes after that.
    here.say(&room, bob.id, 1, "who is there?").await.unwrap();
    for node in [&mut here, &mut there] {
        node.heard.entry().await;
    }
    // Nor does it say that somebody types, though it may say that they have stopped.
    for (node, typing, began) in [(&here, true, late), (&here, false, late), (&there, true, Instant::now())] {
        node.store.typing(&room, ann.id, &name("Ann"), typing, began).await.unwrap();
    }
    for node in [&mut here, &mut there] {
        for expected in [false, true] {
            let typing =
                node.heard.find(|event| if let Event::Typing { typing, .. } = event { Some(typing) } else { None }).await;
            assert_eq!(typing, expected);
        }
    }
    // The seat is where it was, and whoever comes later has it, at any node and at once.
    let mut holder = (&there, newer);
    for node in [&here, &there, &here, &here, &there] {
        let (new, link) = come(node, Instant::now()).await.unwrap();
        assert!(!new);
        holder.0.store.leave(&room, ann.id, holder.1, LeaveReason::Lost).await.unwrap();
        assert_eq!(node.look(&room).await.unwrap().members.len(), 3, "the older link's goodbye is void");
        holder = (node, link);
    }
    holder.0.store.leave(&room, ann.id, holder.1, LeaveReason::Left).await.unwrap();
    assert_eq!(here.look(&room).await.unwrap().members.len(), 2);
    // Nobody has the seat: the late one gets it.
    assert!(come(&here, late).await.unwrap().0);
}

async fn takeover_knows_the_last_n<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    here.say(&room, ann.id, 41, "hello").await.unwrap();
    let first = here.say(&room, ann.id, 42, "hello").await.unwrap();
    let moved = there.join_as(&room, ann.id, "Ann").await.unwrap();
    assert_eq!((moved.joined.new, moved.joined.last_n), (false, 42));
    let again = there.say(&room, ann.id, 42, "hello").await.unwrap();
    assert_eq!((again.seq, again.at, again.repeated), (first.seq, first.at, true));
}

async fn leave_is_told_with_its_reason<W: World>() {
    let world = W::new().await;
    let (here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    there.join(&room, "Bob").await;
    for (round, reason) in [LeaveReason::Left, LeaveReason::Lost, LeaveReason::Shutdown].into_iter().enumerate() {
        let ann = here.join(&room, "Ann").await;
        here.store.leave(&room, ann.id, ann.tag, reason).await.unwrap();
        let (member, told, version, count) = there.heard.left().await;
        assert_eq!((member.id, member.name, told, count), (ann.id, name("Ann"), reason, 1));
        assert_eq!(version, 3 + 2 * round as u64);
        assert_eq!(member.joined_at, ann.room.members.iter().find(|member| member.id == ann.id).unwrap().joined_at);
    }
}

async fn leave_may_be_repeated<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let room = a_room();
    let (ann, bob) = (node.join(&room, "Ann").await, node.join(&room, "Bob").await);
    for _ in 0..3 {
        node.leave(&room, &ann).await;
    }
    assert_eq!(node.look(&room).await.unwrap().version, 3);
    for _ in 0..3 {
        node.leave(&room, &bob).await;
    }
    assert_eq!(node.look(&room).await, None);
}

async fn room_is_forgotten_when_the_last_member_leaves<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
    here.say(&room, ann.id, 1, "a secret").await.unwrap();
    there.leave(&room, &bob).await;
    assert!(!world.is_empty());
    here.leave(&room, &ann).await;
    assert!(world.is_empty());
    assert_eq!(there.look(&room).await, None);
    assert_eq!(there.since(&room, ann.room.cursor()).await, None);
}

async fn reborn_room_is_another_life<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    node.say(&room, ann.id, 5, "a secret").await.unwrap();
    let cursor = node.look(&room).await.unwrap().cursor();
    node.leave(&room, &ann).await;
    let again = node.join_as(&room, ann.id, "Ann").await.unwrap();
    assert!(again.joined.new);
    assert_eq!((again.joined.last_n, again.room.seq, again.room.version), (0, 0, 1));
    assert_eq!(again.room.history, []);
    assert_ne!(again.room.epoch, ann.room.epoch);
    assert_ne!(again.room.key, ann.room.key);
    assert_eq!(node.since(&room, cursor).await, None);
    assert_eq!(node.say(&room, ann.id, 5, "anew").await.unwrap().seq, 1);
}

async fn key_is_the_same_for_a_whole_life<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    assert_eq!(bob.room.key, ann.room.key);
    here.leave(&room, &ann).await;
    assert_eq!(there.look(&room).await.unwrap().key, ann.room.key);
    assert_eq!(here.join(&room, "Cid").await.room.key, ann.room.key);
}

async fn full_room_refuses_and_stays_as_it_was<W: World>() {
    let world = W::with(Limits { members: 2, ..Limits::default() }).await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    here.join(&room, "Ann").await;
    let bob = here.join(&room, "Bob").await;
    let refused = there.join_as(&room, MemberId::random(), "Cid").await.map(drop);
    assert_eq!(refused, Err(RoomError::RoomFull.into()));
    assert_eq!(there.look(&room).await, Some(bob.room.clone()));
    here.leave(&room, &bob).await;
    assert!(there.join(&room, "Cid").await.joined.new);
}

async fn seated_member_may_take_over_in_a_full_room<W: World>() {
    let world = W::with(Limits { members: 1, ..Limits::default() }).await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    assert!(!there.join_as(&room, ann.id, "Ann").await.unwrap().joined.new);
}

async fn counter_is_known_after_leaving_and_coming_back<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let room = a_room();
    node.join(&room, "Bob").await;
    let ann = node.join(&room, "Ann").await;
    node.say(&room, ann.id, 3, "one").await.unwrap();
    let last = node.say(&room, ann.id, 4, "two").await.unwrap();
    node.leave(&room, &ann).await;
    let back = node.join_as(&room, ann.id, "Ann").await.unwrap();
    assert_eq!((back.joined.new, back.joined.last_n), (true, 4));
    for (n, seq) in [(4, last.seq), (3, last.seq - 1)] {
        let again = node.say(&room, ann.id, n, "again").await.unwrap();
        assert_eq!((again.seq, again.repeated), (seq, true));
    }
    assert_eq!(node.say(&room, ann.id, 2, "again").await, Err(RoomError::StaleN.into()));
}

async fn any_text_name_and_room_survives<W: World>() {
    let world = W::new().await;
    let mut node = world.node().await;
    let long = "ж".repeat(4000);
    let texts = ["two\nlines", " leading and trailing ", "\r\n x \u{0} y", "{\"json\":[1]}", "emoji 👩‍🚀", "%s \\ ' \" $1", &long];
    for (id, who) in [("a.b_c-d~e", "A  B"), ("комната-7", "Анна Сергеевна"), ("部屋", "👩‍🚀 x"), ("x", "1 2 3")]
    {
        let room: RoomId = id.parse().unwrap();
        let guest = node.join(&room, who).await;
        assert_eq!(node.heard.joined().await.0.name, name(who));
        for (n, words) in (1..).zip(texts) {
            node.say(&room, guest.id, n, words).await.unwrap();
            let entry = node.heard.entry().await;
            assert_eq!((entry.seq, entry.text.as_str(), entry.user.as_str(), entry.from), (n, words, who, guest.id));
            assert_eq!(node.look(&room).await.unwrap().history.last(), Some(&entry));
        }
    }
}

async fn forty_joins_under_fire_miss_nothing<W: World>() {
    let world = W::new().await;
    let (here, speaker) = (world.node().await, Arc::new(world.node().await));
    let room = a_room();
    let ann = speaker.join(&room, "Ann").await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let fire = tokio::spawn({
        let (speaker, room) = (Arc::clone(&speaker), room.clone());
        async move {
            let mut n = 0;
            while !*stopped.borrow() {
                n += 1;
                speaker.say(&room, ann.id, n, "bang").await.unwrap();
            }
            n
        }
    });
    let Node { store, mut heard } = here;
    for _ in 0..40 {
        let (id, tag) = (MemberId::random(), tag());
        let (_, snapshot) = store.join(&room, id, &name("Bob"), tag, Instant::now(), None).await.unwrap();
        let mut next = snapshot.seq + 1;
        while next < snapshot.seq + 20 {
            let entry = heard.entry().await;
            // What lies before the snapshot may be told too.
            if entry.seq >= next {
                assert_eq!(entry.seq, next);
                next += 1;
            }
        }
        store.leave(&room, id, tag, LeaveReason::Left).await.unwrap();
        heard.rest();
    }
    stop.send(true).unwrap();
    let said = fire.await.unwrap();
    assert_eq!(speaker.look(&room).await.unwrap().seq, said);
}

async fn leave_against_join_is_whole_or_gone<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    for _ in 0..300 {
        let room = a_room();
        let ann = here.join(&room, "Ann").await;
        here.say(&room, ann.id, 1, "hello").await.unwrap();
        let ((), bob) = tokio::join!(here.leave(&room, &ann), there.join(&room, "Bob"));
        let seen = there.look(&room).await.unwrap();
        assert_eq!(seen.members.iter().map(|member| member.id).collect::<Vec<_>>(), [bob.id]);
        assert_eq!(seen.epoch, bob.room.epoch);
        if seen.epoch == ann.room.epoch {
            assert_eq!((seen.seq, seen.version, seen.history.len(), seen.key), (1, 3, 1, ann.room.key));
        } else {
            assert_eq!((seen.seq, seen.version, seen.history.len()), (0, 1, 0));
        }
        assert_eq!(there.say(&room, bob.id, 1, "alone").await.unwrap().seq, seen.seq + 1);
        there.leave(&room, &bob).await;
    }
    assert!(world.is_empty());
}

async fn a_thousand_messages_at_once_are_dense_and_the_same_everywhere<W: World>() {
    let world = W::with(Limits { history_len: 1000, ..Limits::default() }).await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let mut guests = Vec::new();
    for i in 0..10 {
        let node = if i % 2 == 0 { &here } else { &there };
        guests.push((Arc::clone(&node.store), node.join(&room, "Ann").await));
    }
    let mut speaking = Vec::new();
    for (store, guest) in guests {
        let room = room.clone();
        speaking.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 1..=100 {
                acknowledged.push((store.say(&room, guest.id, n, &text("hello")).await.unwrap().seq, guest.id, n));
            }
            acknowledged
        }));
    }
    let mut ledger = Vec::new();
    for speaker in speaking {
        ledger.extend(speaker.await.unwrap());
    }
    ledger.sort_unstable();
    assert!(ledger.iter().map(|(seq, ..)| *seq).eq(1..=1000));
    for node in [&mut here, &mut there] {
        for said in &ledger {
            let entry = node.heard.entry().await;
            assert_eq!((entry.seq, entry.from, entry.n), *said);
        }
    }
    let history = there.look(&room).await.unwrap().history;
    assert!(history.iter().map(|entry| (entry.seq, entry.from, entry.n)).eq(ledger));
}

async fn closing_node_takes_its_members_along<W: World>() {
    let world = W::new().await;
    let (here, mut there) = (world.node().await, world.node().await);
    let (room, lonely) = (a_room(), a_room());
    let bob = there.join(&room, "Bob").await;
    let ann = here.join(&room, "Ann").await;
    let cid = here.join(&room, "Cid").await;
    let moved = here.join(&room, "Dan").await;
    there.join_as(&room, moved.id, "Dan").await.unwrap();
    here.join(&lonely, "Eve").await;
    here.store.close().await;
    let mut gone = HashSet::new();
    for count in [3, 2] {
        let (member, reason, _, heads) = there.heard.left().await;
        assert_eq!((reason, heads), (LeaveReason::Shutdown, count));
        gone.insert(member.id);
    }
    assert_eq!(gone, HashSet::from([ann.id, cid.id]));
    let stayed: HashSet<_> = there.look(&room).await.unwrap().members.iter().map(|member| member.id).collect();
    assert_eq!(stayed, HashSet::from([bob.id, moved.id]));
    assert_eq!(there.look(&lonely).await, None);
}

async fn silent_node_loses_its_members_exactly_once<W: World>() {
    let world = W::with(Limits { lease: 900, ..Limits::default() }).await;
    let (here, mut there, mut third) = (world.node().await, world.node().await, world.node().await);
    let room = a_room();
    let bob = there.join(&room, "Bob").await;
    let cid = third.join(&room, "Cid").await;
    let lost = [here.join(&room, "Ann").await.id, here.join(&room, "Dan").await.id];
    there.say(&room, bob.id, 1, "hello").await.unwrap();
    drop(here);
    for node in [&mut there, &mut third] {
        let mut gone = HashSet::new();
        for (version, heads) in [(5, 3), (6, 2)] {
            let (member, reason, at, count) = node.heard.left().await;
            assert_eq!((reason, at, count), (LeaveReason::NodeLost, version, heads));
            gone.insert(member.id);
        }
        assert_eq!(gone, HashSet::from(lost));
    }
    // The survivors stay for longer than a lease, and hear nothing more of it.
    let begun = tokio::time::Instant::now();
    until("two leases pass", async || begun.elapsed() > Duration::from_millis(1800)).await;
    for node in [&mut there, &mut third] {
        assert_eq!(
            node.heard.rest().into_iter().filter(|event| matches!(event, Event::Left { .. } | Event::Reset(_))).count(),
            0
        );
    }
    let seen = there.look(&room).await.unwrap();
    assert_eq!(seen.members.iter().map(|member| member.id).collect::<HashSet<_>>(), HashSet::from([bob.id, cid.id]));
    assert_eq!((seen.seq, seen.version), (1, 6));
}

async fn lonely_room_of_a_dead_node_is_gone<W: World>() {
    let world = W::with(Limits { lease: 600, ..Limits::default() }).await;
    let (here, there) = (world.node().await, world.node().await);
    let (room, forgotten) = (a_room(), a_room());
    let ann = here.join(&room, "Ann").await;
    here.say(&room, ann.id, 1, "a secret").await.unwrap();
    here.join(&forgotten, "Ann").await;
    drop(here);
    until("the room is gone", async || there.look(&room).await.is_none()).await;
    let bob = there.join(&room, "Bob").await;
    assert_ne!(bob.room.epoch, ann.room.epoch);
    assert_ne!(bob.room.key, ann.room.key);
    assert_eq!((bob.room.seq, bob.room.version, bob.room.members.len()), (0, 1, 1));
    there.leave(&room, &bob).await;
    until("nothing is left of the other room either", async || world.is_empty()).await;
}

async fn old_entries_are_nowhere_to_be_found<W: World>() {
    const AGE: u64 = 400;
    let world = W::with(Limits { history_age: AGE, ..Limits::default() }).await;
    let node = world.node().await;
    let mut attempts = 0..100;
    let (room, ann) = loop {
        attempts.next().expect("a look in time at what is still kept");
        let room = a_room();
        let ann = node.join(&room, "Ann").await;
        let begun = tokio::time::Instant::now();
        for n in 1..=3 {
            node.say(&room, ann.id, n, "a secret").await.unwrap();
        }
        let kept = node.look(&room).await.unwrap().history.len();
        // On a slow machine they may have grown old already. Stores count whole milliseconds, by clocks of their own.
        if begun.elapsed() < Duration::from_millis(AGE - 20) {
            assert_eq!(kept, 3);
            break (room, ann);
        }
    };
    until("the entries grow old", async || node.look(&room).await.unwrap().history.is_empty()).await;
    let now = node.look(&room).await.unwrap();
    assert_eq!((now.seq, now.epoch), (3, ann.room.epoch));
    assert_eq!(node.since(&room, Cursor { seq: 1, ..now.cursor() }).await, None);
    assert_eq!(node.since(&room, now.cursor()).await, Some(Vec::new()));
    assert_eq!(node.join(&room, "Bob").await.room.history, []);
    // What is remembered about a seat is the answer to its last message, and nothing else.
    assert!(node.say(&room, ann.id, 3, "again").await.unwrap().repeated);
    assert_eq!(node.say(&room, ann.id, 2, "again").await, Err(RoomError::StaleN.into()));
    node.leave(&room, &ann).await;
    assert_eq!(node.join_as(&room, ann.id, "Ann").await.unwrap().joined.last_n, 0);
    assert_eq!(node.say(&room, ann.id, 1, "anew").await.unwrap().seq, 4);
}

async fn node_is_told_nothing_after_its_last_member_left<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    here.heard.joined().await;
    here.heard.joined().await;
    here.leave(&room, &ann).await;
    for n in 1..=20 {
        there.say(&room, bob.id, n, "alone").await.unwrap();
        there.heard.entry().await;
    }
    assert_eq!(here.heard.rest(), []);
    // And is told everything again after the next join.
    let back = here.join(&room, "Cid").await;
    assert_eq!(here.heard.joined().await.0.id, back.id);
    there.say(&room, bob.id, 21, "hello").await.unwrap();
    assert_eq!(here.heard.entry().await.seq, 21);
}

async fn rooms_do_not_hear_each_other<W: World>() {
    let world = W::new().await;
    let mut node = world.node().await;
    let (room, other) = (a_room(), a_room());
    let ann = node.join(&room, "Ann").await;
    let bob = node.join(&other, "Bob").await;
    assert_ne!(ann.room.key, bob.room.key);
    assert_ne!(ann.room.epoch, bob.room.epoch);
    node.say(&room, ann.id, 1, "here").await.unwrap();
    assert_eq!(node.say(&other, ann.id, 1, "there").await, Err(RoomError::NotMember.into()));
    assert_eq!(node.say(&other, bob.id, 1, "there").await.unwrap().seq, 1);
    node.heard.entry().await;
    node.heard.entry().await;
    assert_eq!(node.look(&other).await.unwrap().history.len(), 1);
}

/// What somebody does in [`scripts_repeat_the_rules`]; members and nodes by number.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Join { node: usize, who: usize },
    Leave { who: usize },
    LeaveByAnOldLink { who: usize },
    Say { node: usize, who: usize, n: u64 },
    Typing { node: usize, who: usize },
    Look { node: usize },
    Since { node: usize, seq: u64 },
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let (node, who) = (0..2_usize, 0..3_usize);
    let deed = prop_oneof![
        4 => (node.clone(), who.clone()).prop_map(|(node, who)| Deed::Join { node, who }),
        2 => who.clone().prop_map(|who| Deed::Leave { who }),
        1 => who.clone().prop_map(|who| Deed::LeaveByAnOldLink { who }),
        6 => (node.clone(), who.clone(), 0..12_u64).prop_map(|(node, who, n)| Deed::Say { node, who, n }),
        1 => (node.clone(), who).prop_map(|(node, who)| Deed::Typing { node, who }),
        1 => node.clone().prop_map(|node| Deed::Look { node }),
        2 => (node, 0..10_u64).prop_map(|(node, seq)| Deed::Since { node, seq }),
    ];
    prop::collection::vec(deed, 1..40)
}

/// Two nodes of one store, and who sits where by which link.
struct Stage<'a> {
    nodes: &'a mut [Node; 2],
    room: RoomId,
    ids: [MemberId; 3],
    seats: [Option<(usize, u64)>; 3],
    old: [Option<(usize, u64)>; 3],
    epoch: Epoch,
}

impl<'a> Stage<'a> {
    fn new(nodes: &'a mut [Node; 2], room: &RoomId, ids: [MemberId; 3]) -> Self {
        Self { nodes, room: room.clone(), ids, seats: [None; 3], old: [None; 3], epoch: Epoch(0) }
    }

    async fn leave(&self, who: usize, link: Option<(usize, u64)>) {
        if let Some((node, tag)) = link {
            self.nodes[node].store.leave(&self.room, self.ids[who], tag, LeaveReason::Lost).await.unwrap();
        }
    }

    /// Does a deed. Gives what came of it, without what may differ: times, epochs and keys.
    async fn play(&mut self, deed: Deed) -> String {
        let (room, ids) = (self.room.clone(), self.ids);
        match deed {
            Deed::Join { node, who } => {
                let tag = tag();
                let joined = self.nodes[node]
                    .store
                    .join(&room, ids[who], &name(["Ann", "Bob", "Cid"][who]), tag, Instant::now(), None)
                    .await;
                if let Ok((_, snapshot)) = &joined {
                    self.epoch = snapshot.epoch;
                    self.old[who] = self.seats[who].replace((node, tag));
                    // The link that was taken over notices, too late. At another node it is told, as will be compared.
                    if self.old[who].is_some_and(|(before, _)| before == node) {
                        self.leave(who, self.old[who]).await;
                    }
                }
                format!("{:?}", joined.map(|(joined, snapshot)| (joined, bare(&snapshot))))
            }
            Deed::Leave { who } => {
                let link = self.seats[who].take();
                self.leave(who, link).await;
                String::new()
            }
            Deed::LeaveByAnOldLink { who } => {
                self.leave(who, self.old[who]).await;
                String::new()
            }
            Deed::Say { node, who, n } => {
                let said = self.nodes[node].store.say(&room, ids[who], n, &text(&format!("text {n}"))).await;
                format!("{:?}", said.map(|said| (said.seq, said.repeated)))
            }
            Deed::Typing { node, who } => {
                format!("{:?}", self.nodes[node].store.typing(&room, ids[who], &name("Somebody"), who == 1, Instant::now()).await)
            }
            Deed::Look { node } => format!("{:?}", self.nodes[node].look(&room).await.as_ref().map(bare)),
            Deed::Since { node, seq } => {
                let missed = self.nodes[node].since(&room, Cursor { epoch: self.epoch, seq }).await;
                format!("{:?}", missed.map(|entries| entries.iter().map(plain).collect::<Vec<_>>()))
            }
        }
    }
}

fn plain(entry: &Entry) -> String {
    format!("{} {} {} {} {}", entry.seq, entry.from, entry.n, entry.user, entry.text.as_str())
}

/// A snapshot without times, epoch and key. Who joined within one millisecond is in no order.
fn bare(room: &Snapshot) -> String {
    let mut members: Vec<_> = room.members.iter().map(|member| format!("{} {}", member.id, member.name)).collect();
    members.sort_unstable();
    format!("{} {} {members:?} {:?}", room.seq, room.version, room.history.iter().map(plain).collect::<Vec<_>>())
}

fn told(event: &Event) -> String {
    match event {
        Event::Said { entry, .. } => plain(entry),
        Event::Joined { member, version, count, .. } => format!("joined {} {} {version} {count}", member.id, member.name),
        Event::Left { member, reason, version, count, .. } => {
            format!("left {} {} {version} {count} {}", member.id, member.name, reason.as_str())
        }
        Event::Unchanged { version, count, .. } => format!("unchanged {version} {count}"),
        Event::Typing { from, user, typing } => format!("typing {from} {user} {typing}"),
        Event::Moved { member, .. } => format!("moved {member}"),
        Event::Unloading { member } => format!("unloading {member}"),
        Event::Call { from, call, .. } => format!("call {from} {}", call.0),
        Event::Reset(room) => format!("reset {}", bare(room)),
    }
}

/// Whatever is done in whatever order, the scripts answer what [`parlor::room::Room`] answers and tell what it makes memory tell.
#[test]
fn scripts_repeat_the_rules() {
    let limits = Limits { members: 2, history_len: 4, history_bytes: 24, ..Limits::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (memory, redis) = runtime.block_on(async { (InMemory::with(limits).await, InRedis::with(limits).await) });
    let nodes =
        runtime.block_on(async { ([memory.node().await, memory.node().await], [redis.node().await, redis.node().await]) });
    let nodes = std::cell::RefCell::new(nodes);
    proptest!(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() }, |(deeds in deeds())| {
        let (in_memory, in_redis) = &mut *nodes.borrow_mut();
        let (room, ids) = (a_room(), std::array::from_fn(|_| MemberId::random()));
        let (mut rule, mut script) = (Stage::new(in_memory, &room, ids), Stage::new(in_redis, &room, ids));
        let farewell = (0..3).map(|who| Deed::Leave { who });
        for deed in deeds.into_iter().chain(farewell) {
            let (expected, got) = runtime.block_on(async { (rule.play(deed).await, script.play(deed).await) });
            prop_assert_eq!(got, expected, "{:?}", deed);
            for (rule, script) in rule.nodes.iter_mut().zip(script.nodes.iter_mut()) {
                for expected in rule.heard.rest() {
                    prop_assert_eq!(told(&runtime.block_on(script.heard.next())), told(&expected), "{:?}", deed);
                }
                prop_assert_eq!(script.heard.rest(), vec![], "{:?}", deed);
            }
        }
        prop_assert!(memory.is_empty() && redis.is_empty());
    });
}
