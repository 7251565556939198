//! A member takes another name: over every transport, at every node, and what is refused.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    support::redis,
    wire::{Client, PATIENCE, TestServer, listener::Listener, livekit, poller::Poller},
};

fn rename(user: &str, n: u64) -> Value {
    json!({"type": "rename", "user": user, "n": n})
}

fn renamed(id: &str, previous: &str, user: &str) -> Value {
    json!({"type": "renamed", "clientId": id, "user": user, "previous": previous, "room": "general"})
}

/// Renames by a request with a ticket; gives status and answer.
async fn ask(member: &Poller, frame: Value) -> (StatusCode, Value) {
    let answer = member.post("messages", frame.to_string()).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

fn names(welcome: &Value) -> Vec<&str> {
    let members = welcome["members"].as_array().unwrap();
    members.iter().map(|member| member["user"].as_str().unwrap()).collect()
}

/// Whether a client has read of a new name.
fn was_told(client: &Client) -> bool {
    client.seen.iter().any(|line| line.starts_with('<') && line.contains(r#"String("renamed")"#))
}

async fn heard(stream: &mut Listener, kind: &str) -> Value {
    loop {
        let frame = stream.next().await.expect("the stream goes on");
        if frame["type"] == *kind {
            return frame;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_is_told_over_every_transport_and_may_come_over_each() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    ann.publish("as Ann", 1).await;
    let mut bob = Listener::open(&server.url(""), "general", "?name=Bob", None, None).await;
    let mut cid = Poller::join(&server, "general", "Cid").await;
    let mut terminal = crate::support::http::client()
        .get(server.url("/r/general?name=Zoe"))
        .header("accept", "text/plain")
        .send()
        .await
        .unwrap();
    let mut lines = String::new();
    while !lines.contains("You are Zoe") {
        let chunk = timeout(PATIENCE, terminal.chunk()).await.unwrap().unwrap().unwrap();
        lines.push_str(std::str::from_utf8(&chunk).unwrap());
    }

    // By the socket: the answer stands outside the log, and its number need not grow.
    let id = ann.id().to_owned();
    ann.send(rename("  Anna\u{30a} ", 1));
    let ack = ann.until("ack").await;
    let told = renamed(&id, "Ann", "Ann\u{e5}");
    assert_eq!((&ack["n"], &ack["seq"], &ack["cursor"]), (&json!(1), &Value::Null, &Value::Null));
    if !was_told(&ann) {
        assert_eq!(ann.until("renamed").await, told);
    }
    assert_eq!(heard(&mut bob, "renamed").await, told);
    assert_eq!(cid.until("renamed").await, told);
    while !lines.contains("* Ann is now called Ann\u{e5}\n") {
        let chunk = timeout(PATIENCE, terminal.chunk()).await.unwrap().unwrap().unwrap();
        lines.push_str(std::str::from_utf8(&chunk).unwrap());
    }

    // By requests: with the ticket of a stream, and of a poller.
    let bob_id = bob.welcome["clientId"].as_str().unwrap().to_owned();
    let by_stream =
        Poller { ticket: bob.ticket.clone(), ..Poller::join(&server, "general", "Dee").await };
    let (status, ack) = ask(&by_stream, rename("Robert", 1)).await;
    assert_eq!((status, &ack["type"], &ack["n"]), (StatusCode::OK, &json!("ack"), &json!(1)));
    assert_eq!(heard(&mut bob, "renamed").await, renamed(&bob_id, "Bob", "Robert"));
    let (status, ack) = ask(&cid, json!({"type": "rename", "user": "Sid"})).await;
    assert_eq!((status, &ack["type"], &ack["n"]), (StatusCode::OK, &json!("ack"), &Value::Null));
    assert_eq!(heard(&mut bob, "renamed").await, renamed(cid.id(), "Cid", "Sid"));

    // Whatever a member does from now on, it does under its new name, and the log keeps the old one.
    ann.send(json!({"text": "as Anna", "n": 2})).until("ack").await;
    assert_eq!(heard(&mut bob, "chat").await["user"], "Ann\u{e5}");
    let typed = cid.post("typing", r#"{"typing":true}"#).send().await.unwrap();
    assert_eq!(typed.status(), StatusCode::NO_CONTENT);
    assert_eq!(heard(&mut bob, "typing").await["user"], "Sid");
    let late = Client::join(&server, "general", "Late").await;
    assert_eq!(names(&late.welcome), ["Ann\u{e5}", "Robert", "Sid", "Zoe", "Dee", "Late"]);
    let history = late.welcome["history"].as_array().unwrap();
    assert_eq!((&history[0]["user"], &history[1]["user"]), (&json!("Ann"), &json!("Ann\u{e5}")));
    cid.leave().await;
    assert_eq!(heard(&mut bob, "left").await["user"], "Sid");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_name_is_told_to_no_member_and_a_bad_one_is_refused() {
    let server = TestServer::start(&["--rate", "1"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    assert_eq!(ann.send(rename(" Ann ", 7)).expect("ack").await["n"], 7);
    for (frame, code) in [
        (rename("\u{202e}", 8), "bad_name"),
        (rename(&"x".repeat(33), 8), "bad_name"),
        (json!({"type": "rename", "n": 8}), "bad_frame"),
        (json!({"type": "rename", "user": 7, "n": 8}), "bad_frame"),
        (json!({"type": "rename", "user": "Anna", "n": 0}), "bad_n"),
    ] {
        ann.send(frame);
        ann.expect_error(code).await;
    }
    // It counts for the rate as a message does.
    let mut limited = false;
    for n in 10..40 {
        ann.send(rename(&format!("Ann {n}"), n)).flush().await;
    }
    while !limited {
        let error = ann.until("error").await;
        assert!(error["n"].as_u64().unwrap() >= 10, "{error}");
        limited = error["code"] == "rate_limited";
    }
    assert_eq!(bob.expect("renamed").await["user"], "Ann 10", "the first that was another name");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_stays_with_the_session_at_every_node_and_over_every_transport() {
    let redis = redis::Server::start();
    let nodes = [
        TestServer::with_redis(&redis.url(), &[]).await,
        TestServer::with_redis(&redis.url(), &[]).await,
    ];
    let mut ann = Client::join(&nodes[0], "general", "Ann").await;
    let mut bob = Client::join(&nodes[1], "general", "Bob").await;
    let (id, ticket) = (ann.id().to_owned(), ann.ticket().to_owned());
    ann.send(rename("Anna", 1)).until("ack").await;
    assert_eq!(bob.expect("renamed").await, renamed(&id, "Ann", "Anna"));
    ann.drop_link();
    // The ticket says the older name.
    let mut ann = Client::resume(&nodes[1], "general", &ticket, None).await;
    assert_eq!((&ann.welcome["user"], &ann.welcome["resumed"]), (&json!("Anna"), &json!(true)));
    assert_eq!(names(&ann.welcome), ["Anna", "Bob"]);
    ann.publish("hello", 1).await;
    assert_eq!(bob.expect("chat").await["user"], "Anna");
    let mut stream = Listener::open(&nodes[0].url(""), "general", "", Some(&ticket), None).await;
    assert_eq!(stream.welcome["user"], "Anna");
    let mut poller = Poller::join_at(&nodes[1].url(""), "general", json!({}), Some(&ticket)).await;
    assert_eq!((poller.welcome["user"].as_str(), poller.id()), (Some("Anna"), &*id));
    while stream.next().await.is_some() {}
    // A poll that goes on at another node tells what has changed there meanwhile.
    bob.send(rename("Bo", 2)).until("ack").await;
    poller.base = nodes[0].url("");
    let answer = poller.hear().await;
    assert_eq!(names(&answer), ["Anna", "Bo"], "{answer}");
    assert!(poller.poll(0).await.is_none(), "and nothing more");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_too_late_has_the_name_that_it_wants() {
    let server = TestServer::start(&["--grace", "50ms", "--reload-grace", "50ms"]).await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let ticket = ann.ticket().to_owned();
    ann.send(rename("Anna", 1)).until("ack").await;
    ann.drop_link();
    assert_eq!(bob.until("left").await["user"], "Anna");
    // Tests come back as Back.
    let ann = Client::resume(&server, "general", &ticket, None).await;
    assert_eq!((&ann.welcome["user"], &ann.welcome["resumed"]), (&json!("Back"), &json!(true)));
    assert_eq!(bob.until("joined").await["user"], "Back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_not_told_and_shows_the_new_name_all_the_same() {
    let server = TestServer::start(&["--crowd", "2"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    let mut cid = Client::join(&server, "general", "Cid").await;
    ann.send(rename("Anna", 1)).until("ack").await;
    ann.send(json!({"text": "hello", "n": 1})).until("ack").await;
    assert_eq!(bob.until("chat").await["user"], "Anna");
    assert!(!was_told(&bob) && !was_told(&ann), "{:?}", bob.seen);
    cid.until("chat").await;
    cid.leave().await;
    bob.close(Some(1000)).await;
    // The list that ends the crowd has it.
    let listing = loop {
        let presence = ann.until("presence").await;
        if presence["members"].is_array() {
            break presence;
        }
    };
    assert_eq!(names(&listing), ["Anna"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_token_of_a_call_has_the_new_name() {
    let secret = "a secret that is long enough for HS256";
    let server = TestServer::start(&[
        "--livekit-url",
        "wss://video.example.org",
        "--livekit-api-url",
        "ws://127.0.0.1:1",
        "--livekit-api-key",
        livekit::KEY,
        "--livekit-api-secret",
        secret,
    ])
    .await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    for (user, n) in [("Ann", 1), ("Anna", 2)] {
        ann.send(rename(user, n)).until("ack").await;
        let token = ann.send(json!({"type": "livekit-token"})).until("livekit-token").await;
        let verifier = livekit_api::access_token::TokenVerifier::with_api_key(livekit::KEY, secret);
        let claims = verifier.verify(token["token"].as_str().unwrap()).unwrap();
        assert_eq!((claims.name.as_str(), claims.sub.as_str()), (user, ann.id()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_node_has_missed_is_told_when_it_reads_the_room_again() {
    let redis = redis::Server::start();
    let nodes = [
        TestServer::with_redis(&redis.url(), &[]).await,
        TestServer::with_redis(&redis.url(), &[]).await,
    ];
    let mut ann = Client::join(&nodes[0], "general", "Ann").await;
    let mut bob = Client::join(&nodes[1], "general", "Bob").await;
    ann.expect("joined").await;
    // As a node of another version would: the record changes, and the news cannot be read.
    let id = ann.id().replace('-', "");
    let change = format!(
        "local room = KEYS[1] local s = redis.call('HGET', room, 'u:{id}') \
         redis.call('HSET', room, 'u:{id}', (string.gsub(s, 'Ann$', 'Anna'))) \
         return redis.call('HINCRBY', room, 'v', 1)"
    );
    redis.ask(&["EVAL", &change, "1", "parlor1:{general}:h"]);
    // The next version shows that one is missing.
    let _cid = Client::join(&nodes[0], "general", "Cid").await;
    for person in [&mut ann, &mut bob] {
        let told = person.until("renamed").await;
        assert_eq!((&told["previous"], &told["user"]), (&json!("Ann"), &json!("Anna")));
    }
}
