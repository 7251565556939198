//! A page that unloads, and may only be reloading: its seat is held for a grace of its own.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::{
    support::{line::Line, redis},
    wire::{Client, TestServer, poller::Poller},
};

/// A lost link is held for ever, as far as a test is concerned; an unloaded page hardly at all.
const SHORT: &[&str] = &["--grace", "1h", "--lease", "10m", "--reload-grace", "20ms"];
/// The other way round is no setting: this one holds both.
const LONG: &[&str] = &["--grace", "1h", "--lease", "10m", "--reload-grace", "1h"];

/// What a page says with `keepalive` or as a beacon.
fn unload(server: &TestServer, room: &str) -> RequestBuilder {
    crate::support::http::client().post(server.url(&format!("/api/rooms/{room}/leave")))
}

async fn is_lost(ann: &mut Client, name: &str) {
    let left = ann.expect("left").await;
    assert_eq!((&left["user"], &left["reason"]), (&json!(name), &json!("lost")));
}

#[tokio::test]
async fn closed_tab_is_heard_after_the_reload_grace_and_any_other_loss_after_the_grace() {
    let server = TestServer::start(SHORT).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    for code in [None, Some(1011), Some(3000), Some(4000), Some(1006)] {
        let bob = Client::join(&server, "r", "Bob").await;
        ann.expect("joined").await;
        match code {
            None | Some(1006) => bob.drop_link(),
            Some(_) => drop(bob.close(code).await),
        }
    }
    for _ in 0..3 {
        let cid = Client::join(&server, "r", "Cid").await;
        ann.expect("joined").await;
        drop(cid.close(Some(1001)).await);
        is_lost(&mut ann, "Cid").await;
    }
    assert_eq!(server.heads("r").await, 6, "Ann, and five whose links were lost");
}

#[tokio::test]
async fn reload_within_the_reload_grace_is_heard_by_nobody() {
    let server = TestServer::start(LONG).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let mut bob = Client::join(&server, "r", "Bob").await;
    ann.expect("joined").await;
    for _ in 0..3 {
        let (ticket, cursor, id) =
            (bob.ticket().to_owned(), bob.cursor.clone(), bob.id().to_owned());
        drop(bob.close(Some(1001)).await);
        bob = Client::resume(&server, "r", &ticket, Some(&cursor)).await;
        assert_eq!((bob.welcome["resumed"].as_bool(), bob.id()), (Some(true), &*id));
    }
    bob.publish("back", 1).await;
    assert_eq!(ann.expect("chat").await["text"], "back", "and nothing before it");
}

#[tokio::test]
async fn page_on_a_stream_or_on_polls_says_by_a_request_that_it_unloads() {
    let server = TestServer::start(SHORT).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    for (streams, by_header) in [(true, true), (true, false), (false, true), (false, false)] {
        let bob = Poller::join(&server, "r", "Bob").await;
        ann.expect("joined").await;
        let mut stream = match streams {
            true => {
                Some(bob.http.get(bob.url("events")).bearer_auth(&bob.ticket).send().await.unwrap())
            }
            false => None,
        };
        if let Some(stream) = &mut stream {
            assert!(!stream.chunk().await.unwrap().unwrap().is_empty());
        }
        let request = match by_header {
            true => unload(&server, "r").bearer_auth(&bob.ticket).body(r#"{"unload":true}"#),
            false => {
                unload(&server, "r").body(json!({"ticket": bob.ticket, "unload": true}).to_string())
            }
        };
        assert_eq!(request.send().await.unwrap().status(), StatusCode::NO_CONTENT);
        if let Some(stream) = &mut stream {
            // A page that lives on loses nothing: the news may be of the page before.
            ann.publish("still there?", 1).await;
            let mut text = String::new();
            while !text.contains("still there?") {
                text.push_str(
                    std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap(),
                );
            }
        }
        drop(stream);
        is_lost(&mut ann, "Bob").await;
    }
}

#[tokio::test]
async fn news_after_the_link_was_lost_shortens_what_is_left_of_the_grace() {
    let server = TestServer::start(SHORT).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let bob = Client::join(&server, "r", "Bob").await;
    ann.expect("joined").await;
    let ticket = bob.ticket().to_owned();
    drop(bob.close(Some(3000)).await);
    ann.publish("a moment later", 1).await;
    assert_eq!(server.heads("r").await, 2);
    assert_eq!(
        unload(&server, "r")
            .bearer_auth(ticket)
            .body(r#"{"unload":true}"#)
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::NO_CONTENT
    );
    is_lost(&mut ann, "Bob").await;
}

#[tokio::test]
async fn only_the_ticket_of_a_seat_shortens_it() {
    let server = TestServer::start(SHORT).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let bob = Poller::join(&server, "r", "Bob").await;
    ann.expect("joined").await;
    let elsewhere = Poller::join(&server, "other", "Bob").await;
    let id = bob.id().to_owned();
    for (room, ticket, status) in [
        ("r", None, StatusCode::UNAUTHORIZED),
        ("r", Some(id), StatusCode::UNAUTHORIZED),
        ("r", Some(elsewhere.ticket.clone()), StatusCode::UNAUTHORIZED),
        ("other", Some(bob.ticket.clone()), StatusCode::UNAUTHORIZED),
        // Their own, and no other.
        ("r", Some(ann.ticket().to_owned()), StatusCode::NO_CONTENT),
        // Who has left has left.
        ("gone", Some(bob.ticket.clone()), StatusCode::UNAUTHORIZED),
    ] {
        let body = json!({"ticket": ticket, "unload": true}).to_string();
        assert_eq!(
            unload(&server, room).body(body).send().await.unwrap().status(),
            status,
            "{room} {ticket:?}"
        );
    }
    let wrong = unload(&server, "r")
        .body(json!({"ticket": bob.ticket, "unload": "yes"}).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.json::<Value>().await.unwrap()["code"], "bad_frame");
    bob.publish("still here", 1).await;
    assert_eq!(ann.expect("chat").await["text"], "still here");
    let (ticket, room) = (bob.ticket.clone(), bob.room.clone());
    bob.leave().await;
    ann.expect("left").await;
    let late = unload(&server, &room).body(json!({"ticket": ticket, "unload": true}).to_string());
    assert_eq!(late.send().await.unwrap().status(), StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_node_passes_the_news_on_to_the_one_that_has_the_seat() {
    let redis = redis::Server::start();
    let (here, there) = (
        TestServer::with_redis(&redis.url(), SHORT).await,
        TestServer::with_redis(&redis.url(), SHORT).await,
    );
    let mut ann = Client::join(&here, "r", "Ann").await;
    for polls in [true, false] {
        let ticket = match polls {
            true => Poller::join(&there, "r", "Bob").await.ticket,
            false => {
                let bob = Client::join(&there, "r", "Bob").await;
                let ticket = bob.ticket().to_owned();
                bob.drop_link();
                ticket
            }
        };
        ann.expect("joined").await;
        let news = unload(&here, "r").bearer_auth(ticket).body(r#"{"unload":true}"#);
        assert_eq!(news.send().await.unwrap().status(), StatusCode::NO_CONTENT);
        is_lost(&mut ann, "Bob").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_that_unloads_while_it_comes_back_is_no_longer_waited_for() {
    let redis = redis::Server::start();
    let line = Line::to(redis.port()).await;
    let (here, there) = (
        TestServer::with_redis(&line.url(), SHORT).await,
        TestServer::with_redis(&redis.url(), SHORT).await,
    );
    let mut ann = Client::join(&there, "r", "Ann").await;
    let bob = Client::join(&here, "r", "Bob").await;
    ann.expect("joined").await;
    let ticket = bob.ticket().to_owned();
    bob.drop_link();
    // Its join waits for Redis, and it does not wait for its join.
    line.hold(true);
    let mut back = Client::open(&here, "room=r&name=Bob&resume=1").await;
    back.send(json!({"type": "resume", "ticket": ticket})).flush().await;
    drop(back.close(Some(1001)).await);
    line.hold(false);
    is_lost(&mut ann, "Bob").await;
}
