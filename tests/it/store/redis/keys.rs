//! Keys: how long they live, and what they say.

use std::{sync::atomic::Ordering, time::Duration};

use parlor::{
    room::{
        Amendment, FileFacts, FileId, Joiner, LeaveReason, Limits, MemberId, Message, NewEntry,
        RoomError,
    },
    store::{Store, StoreError, redis::Redis},
};
use tokio::time::Instant;

use super::{ends, until_put_off};
use crate::support::{
    a_room, entry, ledger::node, name, node_id, ready, recorder, redis::Server, tag, text, until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_of_a_log_are_counted_true_whoever_trims_it() {
    const COUNT: &str = "local sum, log = 0, redis.call('LRANGE', KEYS[2], 0, -1) \
        for i = 1, #log do sum = sum + #log[i] - string.find(log[i], '\\n', 1, true) end \
        return redis.call('HGET', KEYS[1], 'b') .. ' ' .. sum .. ' ' .. #log";
    // A lease so short has renewals sweep while others speak; the room itself is not to end before it is renewed.
    let limits = Limits {
        history_len: 9,
        history_bytes: 40,
        history_age: 400,
        lease: 300,
        ..Limits::default()
    };
    let server = Server::start();
    let (feed, _heard) = recorder();
    let node =
        Redis::connect(&server.url(), node_id(), limits, Duration::from_secs(120), feed).unwrap();
    ready(&*node).await;
    let (room, ann) = (a_room(), MemberId::random());
    node.join(&room, &Joiner::new(ann, &name("Ann")), tag(), Instant::now(), None).await.unwrap();
    let (hash, log) = (format!("parlor1:{{{room}}}:h"), format!("parlor1:{{{room}}}:l"));
    let length = || {
        let answer = server.ask(&["EVAL", COUNT, "2", &hash, &log]);
        let [counted, sum, length] = answer.trim().split(' ').collect::<Vec<_>>()[..] else {
            panic!("{answer}")
        };
        assert_eq!(counted, sum);
        length.to_owned()
    };
    for n in 1..=40 {
        let words = "ё".repeat([1, 2, 30, 3, 1, 1, 1, 1, 1, 1, 1, 1][n as usize % 12]);
        node.publish(&room, ann, entry(n, &text(&words))).await.unwrap();
        length();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until("the renewals have swept it", async || length() == "0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_fleet_leaves_nothing() {
    let limits = Limits { lease: 400, ..Limits::default() };
    let server = Server::start();
    let nodes = [node(&server.url(), limits).await, node(&server.url(), limits).await];
    // Not when they die: it is not known how long ago they spoke last.
    let begun = Instant::now();
    for _ in 0..5 {
        let room = a_room();
        for node in &nodes {
            let (id, _) = node.join(&room, "Ann").await;
            node.store.publish(&room, id, entry(1, &text("a secret"))).await.unwrap();
        }
    }
    assert_eq!(server.keys().len(), 15);
    drop(nodes);
    until("Redis is empty", async || server.keys().is_empty()).await;
    assert!(begun.elapsed() > Duration::from_secs(3), "no sooner than the backstop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_of_a_room_carries_the_same_expiry() {
    let server = Server::start();
    let node = node(&server.url(), Limits::default()).await;
    let room = a_room();
    let (ann, _) = node.join(&room, "Ann").await;
    node.store.publish(&room, ann, entry(1, &text("hello"))).await.unwrap();
    let keys = server.keys();
    assert_eq!(keys.len(), 3);
    let ends = ends(&server, &keys);
    assert!(ends.iter().all(|end| *end == ends[0] && *end > 0), "{ends:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_room_outlives_the_backstop_expiry() {
    let server = Server::start();
    let node = node(&server.url(), Limits { lease: 3000, ..Limits::default() }).await;
    let room = a_room();
    let (ann, ann_tag) = node.join(&room, "Ann").await;
    node.store.publish(&room, ann, entry(1, &text("hello"))).await.unwrap();
    until_put_off(&server).await;
    let seen = node.store.snapshot(&room, true).await.unwrap().unwrap();
    assert_eq!((seen.history.len(), seen.version), (1, 1));
    node.store.leave(&room, ann, ann_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_of_one_server_are_apart() {
    let server = Server::start();
    let (mut first, mut second) = (
        node(&server.url(), Limits::default()).await,
        node(&format!("{}/1", server.url()), Limits::default()).await,
    );
    let room = a_room();
    let (ann, _) = first.join(&room, "Ann").await;
    let (bob, _) = second.join(&room, "Bob").await;
    assert_eq!(first.people(&room).await, [ann]);
    second.store.publish(&room, bob, entry(1, &text("there"))).await.unwrap();
    first.store.publish(&room, ann, entry(1, &text("here"))).await.unwrap();
    assert_eq!(first.heard.entry().await.text, text("here"));
    assert_eq!(second.heard.entry().await.text, text("there"));
    assert_eq!(first.store.counts().resyncs.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_a_file_outlives_its_message_or_its_room() {
    let limits = Limits { history_len: 2, file_chunk: 4, ..Limits::default() };
    let server = Server::start();
    let node = node(&server.url(), limits).await;
    let room = a_room();
    let (ann, ann_tag) = node.join(&room, "Ann").await;
    let key = format!("parlor1:{{{room}}}:f");
    let count = || server.ask(&["HLEN", &key]).trim().to_owned();
    let store = &node.store;
    let send = async |words: &str| {
        let (id, facts) = (FileId::random(), FileFacts::new(10, None, None).unwrap());
        store.open_file(&room, ann, id, &facts).await.unwrap();
        for (offset, piece) in [(0, "sec4"), (4, "ret5"), (8, "67")] {
            store.write_file(&room, ann, id, offset, piece.into()).await.unwrap();
        }
        let files = Message::words_of(&[id]);
        let message = Message { files: &files, text: words, ..Message::default() };
        store.publish(&room, ann, NewEntry { n: None, text: message.into() }).await.unwrap()
    };
    let ends_with = |keys: &[String]| ends(&server, keys);
    let said = send("look").await;
    assert_eq!(count(), "4");
    let (all, kept) = (server.keys(), ends_with(&server.keys()));
    assert!(kept.iter().all(|end| *end == kept[0] && *end > 0), "{all:?} {kept:?}");
    let delete = Amendment::Delete { target: said.seq }.into();
    store.publish(&room, ann, NewEntry { n: None, text: delete }).await.unwrap();
    assert_eq!((count().as_str(), server.keys().len()), ("0", 3), "after the delete");
    send("again").await;
    assert_eq!(count(), "4");
    // Pushed out by messages that are only a text, and then by one with a file.
    for words in ["one", "two"] {
        store.publish(&room, ann, entry(None, &text(words))).await.unwrap();
    }
    assert_eq!(count(), "0", "after the log has dropped it");
    for words in ["three", "four", "five"] {
        send(words).await;
    }
    assert_eq!(count(), "8");
    // What a member writes is not taken for the files of a message.
    let victim = server.ask(&["HKEYS", &key]);
    let victim = victim.split_whitespace().find(|field| field.len() == 32).unwrap();
    let forged = format!("\u{10}\n\u{10}m0 0 {victim}:10:a/b: \nhi");
    for words in [&*forged, "six"] {
        store.publish(&room, ann, entry(None, &text(words))).await.unwrap();
    }
    send("seven").await;
    send("eight").await;
    assert_eq!(count(), "8");
    store.leave(&room, ann, ann_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_goes_on_where_redis_has_dropped_its_files() {
    let server = Server::start();
    let limits = Limits { file_chunk: 4, lease: 3000, ..Limits::default() };
    let node = node(&server.url(), limits).await;
    let room = a_room();
    let (ann, _) = node.join(&room, "Ann").await;
    let (key, (id, facts)) = (
        format!("parlor1:{{{room}}}:f"),
        (FileId::random(), FileFacts::new(4, None, None).unwrap()),
    );
    let no_file = StoreError::Refused(RoomError::NoFile);
    for broken in [&["DEL"][..], &["SET", "x"]] {
        node.store.open_file(&room, ann, id, &facts).await.unwrap();
        node.store.write_file(&room, ann, id, 0, "1234".into()).await.unwrap();
        server.ask(&[&broken[..1], &[&*key], &broken[1..]].concat());
        let files = Message::words_of(&[id]);
        let message = Message { files: &files, ..Message::default() }.into();
        let said = node.store.publish(&room, ann, NewEntry { n: None, text: message }).await;
        if broken.len() == 1 {
            assert_eq!(node.store.read_file(&room, ann, id, Some(0)).await, Err(no_file.clone()));
            assert_eq!(said, Err(no_file.clone()));
        } else {
            assert!(matches!(said, Err(StoreError::Broken(_))), "{said:?}");
        }
        node.store.publish(&room, ann, entry(None, &text("all is well"))).await.unwrap();
    }
    // A renewal passes over it, and the room lives on.
    until("a renewal", async || server.ask(&["PEXPIRETIME", &key]).trim().len() > 5).await;
    assert_eq!(node.store.snapshot(&room, true).await.unwrap().unwrap().history.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_replaced_or_deleted_is_in_no_key() {
    const ALL: &str = "local all = {} \
        for _, key in ipairs(redis.call('KEYS', '*')) do \
            local kind = redis.call('TYPE', key).ok \
            local read = kind == 'hash' and { 'HGETALL', key } or kind == 'list' and { 'LRANGE', key, 0, -1 } \
                or kind == 'set' and { 'SMEMBERS', key } or { 'GET', key } \
            all[#all + 1] = table.concat(redis.call(unpack(read)), '|') \
        end return table.concat(all, '|')";
    let server = Server::start();
    let node = node(&server.url(), Limits::default()).await;
    let (room, ann) = (a_room(), MemberId::random());
    node.store
        .join(&room, &Joiner::new(ann, &name("Ann")), tag(), Instant::now(), None)
        .await
        .unwrap();
    let holds = |word: &str| server.ask(&["EVAL", ALL, "0"]).contains(word);
    let edit = |text| Amendment::Edit { target: 1, text: Some(text) }.into();
    for (n, what, there) in [
        (1, text("first"), "first"),
        (2, edit("second"), "second"),
        (3, edit("third"), "third"),
        (4, Amendment::Delete { target: 1 }.into(), "\u{10}x"),
    ] {
        node.store.publish(&room, ann, entry(n, &what)).await.unwrap();
        assert!(holds(there), "{n}");
        for (word, at) in [("first", 1), ("second", 2), ("third", 3)] {
            assert_eq!(holds(word), at == n, "{word} after {n}");
        }
    }
}
