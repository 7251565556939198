//! Keys of a room that an eviction took away, or into which a client of Redis wrote what no script of ours writes: what is
//! lost is told, what is spoiled is refused, and no other room notices.

use std::sync::LazyLock;

use parlor::{room::Limits, store::Store};
use serde_json::{Value, json};

use crate::{
    support::{ledger, redis::Server, told::LOG, until},
    wire::{Client, TestServer},
};

async fn node(server: &Server, more: &[&str]) -> TestServer {
    LazyLock::force(&LOG);
    TestServer::with_redis(&server.url(), more).await
}

async fn readiness(node: &TestServer) -> (u16, String) {
    let answer = crate::support::http::get(node.url("/readyz")).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Joins a room by a request.
async fn join(node: &TestServer, room: &str) -> (u16, Value) {
    let joining = crate::support::http::client().post(node.url(&format!("/api/rooms/{room}/join")));
    let answer =
        joining.header("content-type", "application/json").body("{}").send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Replaces `m`, `h` and `l` by the names of a room's keys.
fn plant(server: &Server, room: &str, command: &str) {
    let words = command.split(' ').map(|word| match word {
        "m" | "h" | "l" => format!("parlor1:{{{room}}}:{word}"),
        word => word.replace("\\n", "\n"),
    });
    let words: Vec<String> = words.collect();
    let answer = server.ask(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!answer.contains("ERR"), "{command}: {answer}");
}

/// What the log says of a room: by its hash, and never by its id.
fn complaints(room: &str) -> Vec<String> {
    assert_eq!(LOG.lines(&[room]), Vec::<String>::new(), "the id opens the door");
    let hash = fred::util::sha1_hash(room);
    LOG.lines(&["ERROR", &hash[..10]])
}

const HASH: &str = "HSET h e ab k AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA s 0 v 0 m 0 b 0 c 0 x 99999999999999";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_before_anybody_comes_is_refused_told_once_and_harms_nobody_else() {
    let server = Server::start();
    let node = node(&server, &[]).await;
    let mut bob = Client::join(&node, "well", "Bob").await;
    let planted = [
        "SET h x".to_owned(),
        "HSET h e ab".to_owned(),
        HASH.replace(" s 0", " s abc"),
        HASH.replace(" s 0", " s 18446744073709551615"),
        HASH.replace(" v 0", " v -1"),
        HASH.replace(" v 0", " v 1e300"),
        HASH.replace(" m 0", " m nan"),
        HASH.replace(" b 0", " b inf"),
        HASH.replace(" x 99999999999999", " x soon"),
        HASH.replace("e ab", "e xyz"),
        HASH.replace("k AAAA", "k ?"),
        format!("{HASH} u:someone nonsense"),
        format!("{HASH} n:ab never").replace("x 99999999999999", "x 1"),
    ];
    for (number, command) in planted.iter().enumerate() {
        let room = format!("spoiled-before-{number}");
        plant(&server, &room, command);
        for _ in 0..2 {
            let (status, body) = join(&node, &room).await;
            assert_eq!((status, &body["code"]), (503, &json!("store_unavailable")), "{command}");
        }
        assert_eq!(complaints(&room).len(), 1, "{command}: {:?}", complaints(&room));
        plant(&server, &room, "UNLINK m h l");
        assert_eq!(join(&node, &room).await.0, 200, "{command}: well again");
    }
    for (number, command) in
        ["SET l x", "SET m x", "RPUSH l garbage", "HSET l a b", "HSET h foo bar"].iter().enumerate()
    {
        let room = format!("left-over-{number}");
        plant(&server, &room, command);
        let (status, body) = join(&node, &room).await;
        assert_eq!(
            (status, &body["count"], &body["history"]),
            (200, &json!(1), &json!([])),
            "{command}"
        );
    }
    assert_eq!(readiness(&node).await, (200, "ready\n".to_owned()));
    bob.publish("well", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_in_a_living_room_is_its_own_trouble_and_is_over_when_it_is_gone() {
    let server = Server::start();
    let node = node(&server, &["--lease", "2s"]).await;
    let mut bob = Client::join(&node, "well", "Bob").await;
    let mut n = 0;
    for (number, command) in
        ["SET h x", "HSET h s abc v abc", "SET l x", "RPUSH l garbage", "RPUSH l 9\\n"]
            .iter()
            .enumerate()
    {
        let room = format!("spoiled-{number}");
        let mut ann = Client::join(&node, &room, "Ann").await;
        ann.publish("before", 1).await;
        plant(&server, &room, command);
        let (status, body) = join(&node, &room).await;
        assert_eq!((status, &body["code"]), (503, &json!("store_unavailable")), "{command}");
        let before = server.calls("evalsha");
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        let calls = server.calls("evalsha") - before;
        assert!(calls < 60, "{command}: {calls} calls: a hot loop");
        n += 1;
        bob.publish("well", n).await;
        assert_eq!(complaints(&room).len(), 1, "{command}: {:?}", complaints(&room));
        assert_eq!(readiness(&node).await, (200, "ready\n".to_owned()));
        plant(&server, &room, "UNLINK m h l");
        let reset = ann.until("reset").await;
        assert_eq!(
            (&reset["clientId"], &reset["count"]),
            (&ann.welcome["clientId"], &json!(1)),
            "{command}"
        );
        ann.send(json!({"type": "chat", "text": "after", "n": 2}));
        assert_eq!(ann.until("ack").await["n"], 2, "{command}");
        assert_eq!(join(&node, &room).await.0, 200, "{command}");
        ann.leave().await;
    }
    assert_eq!(crate::support::http::get(node.url("/healthz")).await.unwrap().status(), 200);
}

async fn talk(client: &mut Client, count: u64) {
    for n in 1..=count {
        client.publish(&format!("message {n}"), n).await;
    }
}

fn seqs(history: &Value) -> Vec<u64> {
    history.as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_lost_entries_is_told_as_a_reset() {
    let server = Server::start();
    let node = node(&server, &["--lease", "2s"]).await;
    // By the next message, by who comes next, and by the next lease.
    for (loss, noticed) in [
        ("UNLINK l", "say"),
        ("UNLINK l", "join"),
        ("LTRIM l 10 -1", "join"),
        ("LTRIM l 0 9", "join"),
        ("UNLINK l", "lease"),
        ("LTRIM l 0 9", "lease"),
    ] {
        let room = format!("{}-{noticed}", loss.replace(' ', "-"));
        let (mut ann, mut bob) =
            (Client::join(&node, &room, "Ann").await, Client::join(&node, &room, "Bob").await);
        ann.until("joined").await;
        talk(&mut ann, 20).await;
        while bob.until("chat").await["text"] != "message 20" {}
        plant(&server, &room, loss);
        let mut newcomer = None;
        match noticed {
            "say" => _ = ann.send(json!({"type": "chat", "text": "message 21", "n": 21})),
            "join" => newcomer = Some(Client::join(&node, &room, "Cid").await),
            _ => {}
        }
        let reset = bob.until("reset").await;
        let kept = seqs(&reset["history"]);
        assert!(
            kept.len() < 20 && kept.windows(2).all(|pair| pair[0] + 1 == pair[1]),
            "{loss}, {noticed}: {kept:?}"
        );
        if let Some(newcomer) = newcomer {
            assert_eq!(seqs(&newcomer.welcome["history"]), kept, "{loss}");
        }
        ann.until("reset").await;
        ann.leave().await;
        bob.leave().await;
    }
    assert!(LOG.lines(&["ERROR"]).iter().all(|line| !line.contains("UNLINK")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_is_born_anew_has_nothing_of_the_old_one() {
    let server = Server::start();
    let node = node(&server, &["--lease", "2s"]).await;
    let mut ann = Client::join(&node, "anew", "Ann").await;
    talk(&mut ann, 20).await;
    plant(&server, "anew", "UNLINK h");
    ann.send(json!({"type": "chat", "text": "message 21", "n": 21}));
    let reset = ann.until("reset").await;
    assert_eq!(&reset["members"][0]["clientId"], &ann.welcome["clientId"]);
    let cid = Client::join(&node, "anew", "Cid").await;
    let history = cid.welcome["history"].as_array().unwrap();
    assert!(history.len() <= 1 && history.iter().all(|entry| entry["seq"] == 1), "{history:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_of_members_that_was_dropped_is_made_again() {
    let server = Server::start();
    let node = node(&server, &[]).await;
    let mut ann = Client::join(&node, "listed", "Ann").await;
    let bob = Client::join(&node, "listed", "Bob").await;
    plant(&server, "listed", "UNLINK m");
    bob.leave().await;
    assert_eq!(ann.until("left").await["count"], 1);
    plant(&server, "listed", "UNLINK m");
    let cid = Client::join(&node, "listed", "Cid").await;
    assert_eq!(cid.welcome["count"], 2);
    assert_eq!(ann.until("joined").await["count"], 2);
    ann.publish("still the same room", 1).await;
    ann.leave().await;
    cid.leave().await;
    until("nothing is left", async || server.keys().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_drops_keys_when_it_is_full_is_warned_of() {
    let server = Server::start();
    let set =
        |name: &str, value: &str| assert_eq!(server.ask(&["CONFIG", "SET", name, value]), "OK");
    let place = format!("127.0.0.1:{}", server.port());
    let warnings = |policy: &str| LOG.lines(&["WARN", &place, policy]).len();
    let node = node(&server, &[]).await;
    let store = ledger::node(&server.url(), Limits::default()).await.store;
    assert_eq!((readiness(&node).await, store.capacity()), ((200, "ready\n".to_owned()), None));
    set("maxmemory", "100mb");
    until("it is bounded", async || store.capacity() == Some(100 << 20)).await;
    assert_eq!(readiness(&node).await.1, "ready\n");
    for policy in ["allkeys-lru", "volatile-ttl"] {
        set("maxmemory-policy", policy);
        until("it is said", async || readiness(&node).await.1.contains(policy)).await;
        let (status, body) = readiness(&node).await;
        assert!(
            status == 200 && body.starts_with("ready\nwarning: ") && body.lines().count() == 2,
            "{body}"
        );
    }
    set("maxmemory-policy", "noeviction");
    until("all is well", async || readiness(&node).await.1 == "ready\n").await;
    drop(store);
    assert!(warnings("allkeys-lru") >= 1 && warnings("volatile-ttl") >= 1);
    let late = Server::start();
    assert_eq!(late.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"]), "OK");
    assert_eq!(late.ask(&["CONFIG", "SET", "maxmemory", "64mb"]), "OK");
    let warned = self::node(&late, &[]).await;
    assert!(readiness(&warned).await.1.contains("allkeys-lfu"), "from the start");
    assert_eq!(LOG.lines(&["WARN", &format!("127.0.0.1:{}", late.port()), "allkeys-lfu"]).len(), 1);
}
