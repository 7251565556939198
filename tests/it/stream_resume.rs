//! An event stream that comes back: whatever is wrong for the moment, it is told by an event, because any status but 200
//! ends an `EventSource` for good. And a stream that only tries whether events come through.

use std::{net::Ipv4Addr, sync::Arc};

use crate::support::hub_config::config;
use crate::wire::{Client, TestServer, eventually, listener::Listener, poller::Poller};
use futures_util::StreamExt;
use parlor::{
    hub::{Hub, RoomRegistry},
    room::{Limits, NodeId},
    store::memory::{Memory, World, wall_clock},
    transport::{BodyFraming, sse},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

/// The id of an event of another life: any will do for coming back.
const LAST: &str = "1-5";

async fn knock(
    server: &TestServer,
    query: &str,
    ticket: Option<&str>,
    last: Option<&str>,
) -> Listener {
    Listener::knock(&server.url(""), "r", query, ticket, last).await
}

/// Who comes for the first time is refused by a status; who comes back is told by an event, and when to come again.
async fn is_put_off(server: &TestServer, ticket: Option<&str>, (status, code): (u16, &str)) {
    let first = knock(server, "?name=Eve", ticket, None).await.response;
    assert_eq!(
        (first.status().as_u16(), first.json::<Value>().await.unwrap()["code"].as_str()),
        (status, Some(code))
    );
    // An EventSource whose first answer was one of these has no id to send.
    let empty = knock(server, "?name=Eve", ticket, Some("")).await.response;
    assert_eq!(empty.status().as_u16(), status);
    let mut back = knock(server, "?name=Eve", ticket, Some(LAST)).await;
    let head = |name: &str| {
        back.response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(back.response.status(), 200, "{code}");
    assert_eq!(head("content-type").as_deref(), Some("text/event-stream"));
    assert_eq!(head("cache-control").as_deref(), Some("no-store, no-transform"));
    let closing = back.expect("closing").await;
    assert_eq!(closing["code"], code, "{closing}");
    assert!(back.retry >= 200, "{}", back.retry);
    assert_eq!(back.cursor, LAST, "it goes on from where it was");
    assert!(back.next().await.is_none());
}

#[tokio::test]
async fn stopping_node_tells_a_returning_stream_when_to_come_again() {
    let server = TestServer::start(&[]).await;
    server.hub.shutdown().await;
    is_put_off(&server, None, (503, "restarting")).await;
    let refused = knock(&server, "?probe=1", None, None).await.response;
    assert_eq!(refused.status(), 503, "a node that stops is nothing to climb to");
}

#[tokio::test]
async fn store_that_is_away_ends_no_returning_stream() {
    // Nothing answers there.
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("redis://{}", closed.local_addr().unwrap());
    drop(closed);
    let server = TestServer::start(&["--redis-url", &url]).await;
    is_put_off(&server, None, (503, "store_unavailable")).await;
}

#[tokio::test]
async fn what_is_too_much_for_the_moment_ends_no_returning_stream() {
    for (args, refusal) in [
        (["--address-seats", "1"], (429, "address_limit")),
        (["--max-seats", "1"], (503, "server_full")),
        (["--room-members", "1"], (409, "room_full")),
    ] {
        let server = TestServer::start(&args).await;
        let _ann = Client::join(&server, "r", "Ann").await;
        is_put_off(&server, None, refusal).await;
    }
    // A connection above a limit is refused before it gets to any address.
    let server = TestServer::start(&["--address-connections", "1"]).await;
    let ann = Client::join(&server, "r", "Ann").await;
    is_put_off(&server, None, (429, "address_limit")).await;
    drop(ann);
    // And a pace, which the first ones use up.
    let server = TestServer::start(&["--address-joins", "1"]).await;
    let mut back = loop {
        let mut back = knock(&server, "?name=Eve", None, Some(LAST)).await;
        assert_eq!(back.response.status(), 200);
        let frame = back.next().await.unwrap();
        if frame["type"] == "closing" {
            assert_eq!(frame["code"], "address_limit");
            break back;
        }
    };
    assert!(back.next().await.is_none() && back.retry >= 200);
}

#[tokio::test]
async fn ticket_that_is_good_no_more_is_a_new_seat_and_no_refusal() {
    // A stream that came with a ticket, good or not, is given one to come back with: its seat is held.
    let server = TestServer::start(&["--grace", "20ms"]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let bob = Poller::join(&server, "r", "Bob").await;
    ann.expect("joined").await;
    let elsewhere = Poller::join(&server, "other", "Bob").await;
    let (id, ticket, cursor) = (bob.id().to_owned(), bob.ticket.clone(), bob.cursor.clone());
    bob.leave().await;
    ann.expect("left").await;
    for bad in ["nonsense", "a.b", &elsewhere.ticket] {
        let stream = Listener::open(&server.url(""), "r", "?name=Eve", Some(bad), Some(LAST)).await;
        assert_eq!(
            (&stream.welcome["resumed"], &stream.welcome["reset"]),
            (&json!(false), &json!(true)),
            "{bad}"
        );
        drop(stream);
        ann.expect("joined").await;
        assert_eq!(ann.until("left").await["user"], "Eve");
    }
    // Who has left comes back as the same member.
    let stream =
        Listener::open(&server.url(""), "r", "?name=Bob", Some(&ticket), Some(&cursor)).await;
    assert_eq!(stream.welcome["clientId"], json!(id));
}

#[tokio::test]
async fn what_will_never_be_granted_ends_a_returning_stream() {
    let server = TestServer::start(&[]).await;
    for (query, last, status, code) in
        [("?name=%07", LAST, 400, "bad_name"), ("", "x", 400, "bad_cursor")]
    {
        let refused = knock(&server, query, None, Some(last)).await.response;
        assert_eq!(
            (refused.status().as_u16(), refused.json::<Value>().await.unwrap()["code"].as_str()),
            (status, Some(code))
        );
    }
    let evil = crate::support::http::client()
        .get(server.url("/api/rooms/r/events"))
        .header("origin", "http://evil.example");
    assert_eq!(evil.header("last-event-id", LAST).send().await.unwrap().status(), 403);
    // Other addresses know of no streams.
    let poll = crate::support::http::client()
        .get(server.url("/api/rooms/r/messages"))
        .header("last-event-id", LAST);
    assert_eq!(poll.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn stream_that_only_tries_takes_no_seat_and_ends_with_its_client() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    for ticket in [None, Some(ann.ticket().to_owned())] {
        let mut stream = knock(&server, "?probe=1&name=Eve", ticket.as_deref(), None).await;
        let head = |name: &str| {
            stream.response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(
            (stream.response.status().as_u16(), head("content-type").as_deref()),
            (200, Some("text/event-stream"))
        );
        assert_eq!(
            (head("x-accel-buffering").as_deref(), head("content-length")),
            (Some("no"), None)
        );
        // The first event is there while the stream goes on: that is what its client wants to know.
        assert_eq!(stream.expect("pong").await, json!({"type": "pong"}));
        assert_eq!(server.heads("r").await, 1);
    }
    ann.publish("nobody came, and this link is as it was", 1).await;
    let nowhere = knock(&server, "?probe=1", None, None).await;
    drop(nowhere);
    let none =
        Listener::knock(&server.url(""), "no room at all!", "?probe=1", None, None).await.response;
    assert_eq!(none.status(), 400);
    let evil = crate::support::http::client()
        .get(server.url("/api/rooms/r/events?probe=1"))
        .header("origin", "http://evil.example");
    assert_eq!(evil.send().await.unwrap().status(), 403);
    drop(ann);
    // Streams that are read no more hold no connection.
    eventually("no connection", || server.budgets.held(parlor::budget::Resource::Connections) == 0)
        .await;
}

#[tokio::test(start_paused = true)]
async fn stream_that_only_tries_ends_by_itself_and_at_once_where_the_node_stops() {
    for stops in [false, true] {
        let rooms = RoomRegistry::new(config());
        let world = World::new(Limits::default(), wall_clock);
        let hub =
            Hub::new(Arc::clone(&rooms), Memory::new(world, NodeId(1), Arc::clone(&rooms) as _));
        let mut stream = Box::pin(sse::probe(&hub, BodyFraming::CloseDelimited));
        assert_eq!(stream.next().await.unwrap(), "data: {\"type\":\"pong\"}\n\n");
        let begun = Instant::now();
        let ending = tokio::spawn(async move { stream.next().await });
        tokio::task::yield_now().await;
        if stops {
            hub.shutdown().await;
        }
        assert_eq!(ending.await.unwrap(), None);
        assert_eq!(begun.elapsed().as_secs(), if stops { 0 } else { 10 });
    }
}
