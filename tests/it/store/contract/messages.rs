//! Messages: their order, their counters, and who may send them.

use std::sync::Arc;

use parlor::{
    room::{Limits, MemberId, RoomError, RoomId},
    store::{Event, StoreError},
};
use tokio::time::Instant;

use super::world::World;
use crate::support::{a_room, entry, name, text};

pub(super) async fn messages_of_two_nodes_arrive_everywhere_in_one_order<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
    for n in 1..=5 {
        let (node, guest) = if n % 2 == 0 { (&there, &bob) } else { (&here, &ann) };
        let said = node.publish(&room, guest.id, n, &format!("message {n}")).await.unwrap();
        assert_eq!((said.seq, said.repeated), (n, false));
    }
    let log = here.snapshot(&room).await.unwrap();
    assert_eq!(log.seq, 5);
    for node in [&mut here, &mut there] {
        for kept in &log.history {
            assert_eq!(node.heard.entry().await, *kept);
        }
    }
    assert_eq!(log.history[1].user, name("Bob"));
    assert_eq!(log.history[1].text, text("message 2"));
}

pub(super) async fn repeated_n_gets_the_first_answer_and_says_nothing_twice<W: World>() {
    let world = W::new().await;
    let mut node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    let first = node.publish(&room, ann.id, 7, "one").await.unwrap();
    let second = node.publish(&room, ann.id, 9, "two").await.unwrap();
    for (n, said) in [(9, second), (7, first), (9, second)] {
        let again = node.publish(&room, ann.id, n, "something else").await.unwrap();
        assert_eq!((again.seq, again.at, again.repeated), (said.seq, said.at, true));
    }
    node.publish(&room, ann.id, 10, "three").await.unwrap();
    for expected in ["one", "two", "three"] {
        assert_eq!(node.heard.entry().await.text, text(expected));
    }
    assert_eq!(node.snapshot(&room).await.unwrap().seq, 3);
}

pub(super) async fn older_n_whose_entry_is_gone_is_stale<W: World>() {
    let world = W::with(Limits { history_len: 2, ..Limits::default() }).await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    for n in [2, 4, 6] {
        node.publish(&room, ann.id, n, "hello").await.unwrap();
    }
    for stale in [1, 2, 3, 5] {
        assert_eq!(
            node.publish(&room, ann.id, stale, "hello").await,
            Err(RoomError::StaleN.into()),
            "{stale}"
        );
    }
    assert!(node.publish(&room, ann.id, 4, "hello").await.unwrap().repeated);
}

pub(super) async fn counters_are_exact_up_to_the_last_number<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    for (seq, n) in [0, 9, 10, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, u64::MAX - 1, u64::MAX]
        .into_iter()
        .enumerate()
    {
        let said = node.publish(&room, ann.id, n, "hello").await.unwrap();
        assert_eq!((said.seq, said.repeated), (seq as u64 + 1, false), "{n}");
    }
    assert_eq!(node.publish(&room, ann.id, (1 << 53) + 1, "hello").await.unwrap().seq, 6);
    assert_eq!(
        node.publish(&room, ann.id, u64::MAX - 2, "hello").await,
        Err(RoomError::StaleN.into())
    );
    assert_eq!(node.join_as(&room, ann.id, "Ann").await.unwrap().joined.last_n, u64::MAX);
}

pub(super) async fn sends_without_a_counter_get_the_next_one_wherever_they_are_said<W: World>() {
    const EACH: u64 = 25;
    let world = W::new().await;
    let (mut here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await.id;
    assert_eq!(here.store.publish(&room, ann, entry(None, &text("first"))).await.unwrap().n, 1);
    assert_eq!(here.publish(&room, ann, 5, "counted").await.unwrap().n, 5);
    let mut speaking = Vec::new();
    for node in [&here, &there, &here, &there] {
        let (store, room) = (Arc::clone(&node.store), room.clone());
        speaking.push(tokio::spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..EACH {
                let said =
                    store.publish(&room, ann, entry(None, &text("uncounted"))).await.unwrap();
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
    let said = here.publish(&room, ann, 5, "counted").await.unwrap();
    assert_eq!((said.n, said.seq, said.repeated), (5, 2, true));
    for n in &numbers {
        assert_eq!(here.heard.entry().await.n, *n, "in the order of the log");
    }
    let last = 6 + 4 * EACH - 1;
    assert_eq!(there.join_as(&room, ann, "Ann").await.unwrap().joined.last_n, last);
    // What was said without a counter is known by the one it got.
    assert!(here.publish(&room, ann, last, "uncounted").await.unwrap().repeated);
    here.publish(&room, ann, (1 << 53) - 2, "hello").await.unwrap();
    assert_eq!(
        here.store.publish(&room, ann, entry(None, &text("hello"))).await.unwrap().n,
        (1 << 53) - 1
    );
    let refused = Err(StoreError::Refused(RoomError::StaleN));
    assert_eq!(
        here.store.publish(&room, ann, entry(None, &text("hello"))).await,
        refused,
        "none follows"
    );
}

pub(super) async fn strangers_may_neither_speak_nor_type<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let (room, stranger) = (a_room(), MemberId::random());
    let refused = Err(StoreError::Refused(RoomError::NotMember));
    for _ in 0..2 {
        assert_eq!(node.publish(&room, stranger, 1, "hello").await.map(drop), refused);
        assert_eq!(
            node.store.publish(&room, stranger, entry(None, &text("hello"))).await.map(drop),
            refused
        );
        assert_eq!(node.store.typing(&room, stranger, true, Instant::now()).await, refused);
        assert_eq!(node.store.rename(&room, stranger, &name("Eve")).await, refused);
        // Once without the room, once with it.
        node.join(&room, "Ann").await;
    }
    let ann = node.join(&room, "Ann").await;
    node.leave(&room, &ann).await;
    assert_eq!(node.publish(&room, ann.id, 1, "hello").await.map(drop), refused);
    assert_eq!(node.store.rename(&room, ann.id, &name("Anna")).await, refused);
    assert_eq!(node.snapshot(&room).await.unwrap().seq, 0);
}

pub(super) async fn typing_is_told_and_not_kept<W: World>() {
    let world = W::new().await;
    let (here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    for typing in [true, false] {
        here.store.typing(&room, ann.id, typing, Instant::now()).await.unwrap();
        let heard =
            there.heard.find(|event| matches!(event, Event::Typing { .. }).then_some(event)).await;
        assert_eq!(heard, Event::Typing { from: ann.id, user: name("Ann"), typing });
    }
    assert_eq!(there.snapshot(&room).await, Some(bob.room));
}

pub(super) async fn counter_is_known_after_leaving_and_coming_back<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let room = a_room();
    node.join(&room, "Bob").await;
    let ann = node.join(&room, "Ann").await;
    node.publish(&room, ann.id, 3, "one").await.unwrap();
    let last = node.publish(&room, ann.id, 4, "two").await.unwrap();
    node.leave(&room, &ann).await;
    let back = node.join_as(&room, ann.id, "Ann").await.unwrap();
    assert_eq!((back.joined.new, back.joined.last_n), (true, 4));
    for (n, seq) in [(4, last.seq), (3, last.seq - 1)] {
        let again = node.publish(&room, ann.id, n, "again").await.unwrap();
        assert_eq!((again.seq, again.repeated), (seq, true));
    }
    assert_eq!(node.publish(&room, ann.id, 2, "again").await, Err(RoomError::StaleN.into()));
}

pub(super) async fn any_text_name_and_room_survives<W: World>() {
    let world = W::new().await;
    let mut node = world.node().await;
    let long = "ж".repeat(4000);
    let texts = [
        "two\nlines",
        " leading and trailing ",
        "\r\n x \u{0} y",
        "{\"json\":[1]}",
        "emoji 👩‍🚀",
        "%s \\ ' \" $1",
        &long,
    ];
    for (id, who) in
        [("a.b_c-d~e", "A  B"), ("комната-7", "Анна Сергеевна"), ("部屋", "👩‍🚀 x"), ("x", "1 2 3")]
    {
        let room: RoomId = id.parse().unwrap();
        let guest = node.join(&room, who).await;
        assert_eq!(node.heard.joined().await.0.name, name(who));
        for (n, words) in (1..).zip(texts) {
            node.publish(&room, guest.id, n, words).await.unwrap();
            let entry = node.heard.entry().await;
            assert_eq!(
                (entry.seq, entry.text.as_str(), entry.user.as_str(), entry.from),
                (n, words, who, guest.id)
            );
            assert_eq!(node.snapshot(&room).await.unwrap().history.last(), Some(&entry));
        }
    }
}

pub(super) async fn a_thousand_messages_at_once_are_dense_and_the_same_everywhere<W: World>() {
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
                acknowledged.push((
                    store.publish(&room, guest.id, entry(n, &text("hello"))).await.unwrap().seq,
                    guest.id,
                    n,
                ));
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
    let history = there.snapshot(&room).await.unwrap().history;
    assert!(history.iter().map(|entry| (entry.seq, entry.from, entry.n)).eq(ledger));
}
