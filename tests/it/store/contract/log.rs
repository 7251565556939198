//! The log: how long it is kept, and what a reader finds in it.

use std::time::Duration;

use parlor::room::{Cursor, Entry, Epoch, Joiner, Limits, RoomError};
use tokio::time::Instant;

use super::world::World;
use crate::support::{a_room, name, tag, until};

pub(super) async fn reader_gets_exactly_what_it_missed<W: World>() {
    let world = W::with(Limits { history_len: 5, ..Limits::default() }).await;
    let node = world.node().await;
    let room = a_room();
    let elsewhere = Cursor { epoch: Epoch(1), seq: 0 };
    assert_eq!(node.since(&room, elsewhere).await, None);
    let ann = node.join(&room, "Ann").await;
    let at = |seq| Cursor { epoch: ann.room.epoch, seq };
    assert_eq!(node.since(&room, at(0)).await, Some(Vec::new()));
    for n in 1..=8 {
        node.publish(&room, ann.id, n, &format!("message {n}")).await.unwrap();
    }
    for (seq, missed) in [
        (8, Some(vec![])),
        (7, Some(vec![8])),
        (3, Some(vec![4, 5, 6, 7, 8])),
        (2, None),
        (0, None),
        (9, None),
    ] {
        let got = node.since(&room, at(seq)).await;
        let seqs = |entries: &[Entry]| entries.iter().map(|entry| entry.seq).collect::<Vec<_>>();
        assert_eq!(got.as_deref().map(seqs), missed, "{seq}");
        // Who comes back gets the same, or all there is.
        let (user, began) = (name("Ann"), Instant::now());
        let ann = Joiner::new(ann.id, &user);
        let back = node.store.join(&room, &ann, tag(), began, Some(at(seq)));
        let back = back.await.unwrap().1;
        let got = back.since(at(seq)).unwrap_or(&back.history);
        assert_eq!(seqs(got), missed.unwrap_or(vec![4, 5, 6, 7, 8]), "{seq}");
    }
    assert_eq!(
        node.since(&room, Cursor { epoch: Epoch(ann.room.epoch.0 ^ 1), seq: 8 }).await,
        None
    );
}

pub(super) async fn log_is_kept_to_its_length<W: World>() {
    for history_len in [0_u64, 1, 3] {
        let world =
            W::with(Limits { history_len: history_len as usize, ..Limits::default() }).await;
        let node = world.node().await;
        let room = a_room();
        let ann = node.join(&room, "Ann").await;
        for n in 1..=5 {
            assert_eq!(node.publish(&room, ann.id, n, "hello").await.unwrap().seq, n);
            let kept: Vec<u64> =
                node.snapshot(&room).await.unwrap().history.iter().map(|entry| entry.seq).collect();
            assert_eq!(kept, ((n + 1).saturating_sub(history_len).max(1)..=n).collect::<Vec<_>>());
        }
        node.leave(&room, &ann).await;
        assert!(world.is_empty());
    }
}

pub(super) async fn log_is_kept_to_its_bytes<W: World>() {
    let world = W::with(Limits { history_bytes: 10, history_len: 6, ..Limits::default() }).await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    let mut n = 0;
    let mut publish = async |words: &str| {
        n += 1;
        node.publish(&room, ann.id, n, words).await.unwrap();
    };
    let kept = async || {
        node.snapshot(&room)
            .await
            .unwrap()
            .history
            .iter()
            .map(|entry| entry.seq)
            .collect::<Vec<_>>()
    };
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
        publish(words).await;
        assert_eq!(kept().await, left);
    }
}

pub(super) async fn old_entries_are_nowhere_to_be_found<W: World>() {
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
            node.publish(&room, ann.id, n, "a secret").await.unwrap();
        }
        let kept = node.snapshot(&room).await.unwrap().history.len();
        // On a slow machine they may have grown old already. Stores count whole milliseconds, by clocks of their own.
        if begun.elapsed() < Duration::from_millis(AGE - 20) {
            assert_eq!(kept, 3);
            break (room, ann);
        }
    };
    until("the entries grow old", async || node.snapshot(&room).await.unwrap().history.is_empty())
        .await;
    let now = node.snapshot(&room).await.unwrap();
    assert_eq!((now.seq, now.epoch), (3, ann.room.epoch));
    assert_eq!(node.since(&room, Cursor { seq: 1, ..now.cursor() }).await, None);
    assert_eq!(node.since(&room, now.cursor()).await, Some(Vec::new()));
    assert_eq!(node.join(&room, "Bob").await.room.history, []);
    // What is remembered about a seat is the answer to its last message, and nothing else.
    assert!(node.publish(&room, ann.id, 3, "again").await.unwrap().repeated);
    assert_eq!(node.publish(&room, ann.id, 2, "again").await, Err(RoomError::StaleN.into()));
    node.leave(&room, &ann).await;
    assert_eq!(node.join_as(&room, ann.id, "Ann").await.unwrap().joined.last_n, 0);
    assert_eq!(node.publish(&room, ann.id, 1, "anew").await.unwrap().seq, 4);
}
