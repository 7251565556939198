//! What one address may hold and do, and what all together may: the right refusal, and nothing lost beside it.

use std::net::{IpAddr, Ipv4Addr};

use crate::wire::{Client, Heard, PATIENCE, TestServer};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

/// A stranger's machine: all its requests come from 127.0.0.`last`.
struct Address {
    from: IpAddr,
    http: reqwest::Client,
    base: String,
}

/// A seat taken by request.
struct Seat {
    room: String,
    ticket: String,
}

impl Address {
    fn new(server: &TestServer, last: u8) -> Self {
        let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        let http =
            crate::support::http::builder().local_address(from).timeout(PATIENCE).build().unwrap();
        Self { from, http, base: server.url("") }
    }

    async fn ask(&self, method: Method, path: &str, ticket: Option<&str>, body: Value) -> Response {
        let request =
            self.http.request(method, format!("{}{path}", self.base)).body(body.to_string());
        let request = ticket.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        request.send().await.unwrap()
    }

    async fn try_join(&self, room: &str, ticket: Option<&str>) -> Result<Seat, Response> {
        let answer =
            self.ask(Method::POST, &format!("/api/rooms/{room}/join"), ticket, json!({})).await;
        if answer.status() != StatusCode::OK {
            return Err(answer);
        }
        let welcome: Value = answer.json().await.unwrap();
        Ok(Seat { room: room.to_owned(), ticket: welcome["ticket"].as_str().unwrap().to_owned() })
    }

    async fn join(&self, room: &str) -> Seat {
        self.try_join(room, None).await.unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    async fn publish(&self, seat: &Seat, text: &str) -> Response {
        let path = format!("/api/rooms/{}/messages", seat.room);
        self.ask(Method::POST, &path, Some(&seat.ticket), json!({ "text": text })).await
    }

    async fn leave(&self, seat: Seat) {
        let path = format!("/api/rooms/{}/leave", seat.room);
        assert_eq!(
            self.ask(Method::POST, &path, Some(&seat.ticket), json!({})).await.status(),
            StatusCode::NO_CONTENT
        );
    }

    async fn socket(&self, server: &TestServer, query: &str) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((self.from, 0).into()).unwrap();
        let stream = socket.connect(server.address).await.unwrap();
        Client::upgrade_over(stream, Client::request(server, query)).await.unwrap()
    }
}

/// The refusal of a limit: its code and status, when to come back, and what there is too much of.
async fn refused(answer: Response, status: u16, code: &str, what: &str) {
    assert_eq!(answer.status().as_u16(), status);
    assert!(answer.headers().contains_key("retry-after"));
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], code, "{problem}");
    assert!(problem["retryAfter"].as_u64().is_some_and(|wait| wait > 0), "{problem}");
    assert!(problem["message"].as_str().unwrap().contains(what), "{problem}");
}

async fn refused_join(joined: Result<Seat, Response>, status: u16, code: &str, what: &str) {
    match joined {
        Ok(_) => panic!("joined beyond the limit"),
        Err(answer) => refused(answer, status, code, what).await,
    }
}

async fn metric(server: &TestServer, line: &str) -> u64 {
    let text =
        crate::support::http::get(server.url("/metrics")).await.unwrap().text().await.unwrap();
    let value = text
        .lines()
        .find_map(|known| known.strip_prefix(line))
        .unwrap_or_else(|| panic!("no {line} in {text}"));
    value.trim().parse().unwrap()
}

#[tokio::test]
async fn an_address_holds_so_many_seats_and_another_one_its_own() {
    let server = TestServer::start(&["--address-seats", "3"]).await;
    let (greedy, other) = (Address::new(&server, 2), Address::new(&server, 3));
    let seats = [greedy.join("a").await, greedy.join("a").await, greedy.join("b").await];
    refused_join(greedy.try_join("a", None).await, 429, "address_limit", "seats").await;
    assert_eq!(metric(&server, r#"parlor_refused_total{budget="seats"}"#).await, 1);
    other.join("a").await;
    assert!(
        greedy.try_join("a", Some(&seats[0].ticket)).await.is_ok(),
        "a member that comes back holds no more"
    );
    let [first, ..] = seats;
    greedy.leave(first).await;
    greedy.join("c").await;
    refused_join(greedy.try_join("c", None).await, 429, "address_limit", "seats").await;
}

#[tokio::test]
async fn a_socket_beyond_the_limit_is_told_so_and_closed() {
    let server = TestServer::start(&["--address-seats", "1"]).await;
    let address = Address::new(&server, 2);
    let first = address.socket(&server, "room=r&name=Ann").await.welcomed().await;
    let mut second = address.socket(&server, "room=r&name=Bob").await;
    let error = second.expect_error("address_limit").await;
    assert!(error["retryAfter"].as_u64().is_some_and(|wait| wait > 0), "{error}");
    second.expect_closing("address_limit", 4429).await;
    let stream = address.ask(Method::GET, "/api/rooms/r/events", None, Value::Null).await;
    refused(stream, 429, "address_limit", "seats").await;
    assert_eq!(server.heads("r").await, 1, "a refused join leaves no trace");
    first.leave().await;
    address.socket(&server, "room=r&name=Bob").await.welcomed().await;
}

#[tokio::test]
async fn an_address_opens_so_many_rooms_and_may_join_those_of_others() {
    let server = TestServer::start(&["--address-rooms", "2"]).await;
    let (greedy, other) = (Address::new(&server, 2), Address::new(&server, 3));
    let first = greedy.join("a").await;
    greedy.join("b").await;
    refused_join(greedy.try_join("c", None).await, 429, "address_limit", "rooms").await;
    assert_eq!(server.hub.counts().0, 2, "a room that was refused is not there");
    other.join("c").await;
    greedy.join("c").await;
    greedy.leave(first).await;
    greedy.join("d").await;
}

#[tokio::test]
async fn an_address_joins_so_often_in_a_burst() {
    let server = TestServer::start(&["--address-joins", "1"]).await;
    let (greedy, other) = (Address::new(&server, 2), Address::new(&server, 3));
    let mut joined = 0;
    let refusal = loop {
        match greedy.try_join("r", None).await {
            Ok(_) => joined += 1,
            Err(refusal) => break refusal,
        }
        assert!(joined < 1000, "no limit");
    };
    refused(refusal, 429, "address_limit", "joins").await;
    // Ten seconds' worth at once, and what came back meanwhile.
    assert!(joined >= 10, "{joined}");
    other.join("r").await;
}

#[tokio::test]
async fn an_address_says_so_much_a_second_however_many_seats_it_has() {
    let server = TestServer::start(&["--address-rate", "1"]).await;
    let (greedy, other) = (Address::new(&server, 2), Address::new(&server, 3));
    let mut seats = Vec::new();
    for _ in 0..20 {
        seats.push(greedy.join("r").await);
    }
    let mut said = 0;
    let refusal = loop {
        let answer = greedy.publish(&seats[said % seats.len()], "hello").await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
        said += 1;
        assert!(said < 1000, "no limit");
    };
    refused(refusal, 429, "rate_limited", "too many frames").await;
    assert!(said >= 10, "{said}");
    let ann = other.join("r").await;
    assert_eq!(other.publish(&ann, "hello").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn frames_behind_a_refused_one_wait_for_it() {
    let server = TestServer::start(&["--address-rate", "1"]).await;
    let mut client =
        Address::new(&server, 2).socket(&server, "room=r&name=Ann").await.welcomed().await;
    for n in 1..=200 {
        client.send(json!({ "type": "chat", "text": "hello", "n": n }));
    }
    client.flush().await;
    let (mut acked, mut refused) = (Vec::new(), Vec::new());
    while acked.len() + refused.len() < 200 {
        let Heard::Frame(frame) = client.next().await else { panic!("the link ended") };
        let n = frame["n"].as_u64().unwrap();
        match frame["type"].as_str() {
            Some("ack") => acked.push(n),
            _ => {
                assert_eq!(frame["code"], "rate_limited", "{frame}");
                refused.push(n);
            }
        }
    }
    assert!(acked.len() >= 10 && !refused.is_empty(), "{acked:?} {refused:?}");
    acked.extend(refused);
    assert!(
        acked.into_iter().eq(1..=200),
        "what comes behind a refused frame is not said before it"
    );
}

#[tokio::test]
async fn an_address_fills_so_much_of_the_logs_until_its_rooms_are_gone() {
    let server = TestServer::start(&["--address-text", "10000"]).await;
    let (greedy, other) = (Address::new(&server, 2), Address::new(&server, 3));
    let (first, second) = (greedy.join("a").await, greedy.join("b").await);
    assert_eq!(greedy.publish(&first, &"x".repeat(4000)).await.status(), StatusCode::OK);
    assert_eq!(greedy.publish(&second, &"x".repeat(4000)).await.status(), StatusCode::OK);
    refused(greedy.publish(&second, &"x".repeat(4000)).await, 429, "address_limit", "text").await;
    let mut socket = greedy.socket(&server, "room=b&name=Ann").await.welcomed().await;
    socket.send(json!({ "type": "chat", "text": "x".repeat(4000), "n": 1 }));
    socket.expect_error("address_limit").await;
    let there = other.join("b").await;
    assert_eq!(other.publish(&there, &"x".repeat(4000)).await.status(), StatusCode::OK);
    greedy.leave(first).await;
    assert_eq!(
        greedy.publish(&second, &"x".repeat(4000)).await.status(),
        StatusCode::OK,
        "what is gone counts no more"
    );
}

#[tokio::test]
async fn what_is_not_said_counts_for_nothing() {
    let server = TestServer::start(&["--address-text", "10000"]).await;
    let address = Address::new(&server, 2);
    let seat = address.join("a").await;
    let publish = async |n: u64, size: usize| {
        let body = json!({ "text": "x".repeat(size), "n": n });
        address
            .ask(Method::POST, "/api/rooms/a/messages", Some(&seat.ticket), body)
            .await
            .status()
            .as_u16()
    };
    assert_eq!(publish(5, 1000).await, 200);
    let counted = metric(&server, "parlor_text_bytes ").await;
    for _ in 0..20 {
        assert_eq!(
            (publish(5, 1000).await, publish(4, 1000).await),
            (200, 409),
            "a repetition, and one that is too late"
        );
    }
    assert_eq!(metric(&server, "parlor_text_bytes ").await, counted);
    assert_eq!(publish(6, 1000).await, 200);
}

#[tokio::test]
async fn an_address_does_not_mute_the_terminals_of_another() {
    let server = TestServer::start(&["--rate", "1"]).await;
    let (loud, other) = (Address::new(&server, 2), Address::new(&server, 3));
    let _seat = other.join("a").await;
    let said = async |address: &Address| {
        address.ask(Method::POST, "/r/a", None, json!("word")).await.status().as_u16()
    };
    let mut last = 200;
    for _ in 0..100 {
        last = said(&loud).await;
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
    assert_eq!(said(&other).await, 200);
}

#[tokio::test]
async fn a_room_counts_for_no_more_than_its_log_keeps() {
    let server = TestServer::start(&[
        "--address-text",
        "30000",
        "--history-bytes",
        "8000",
        "--history-len",
        "20",
    ])
    .await;
    let address = Address::new(&server, 2);
    let seat = address.join("a").await;
    for _ in 0..20 {
        assert_eq!(address.publish(&seat, &"x".repeat(4000)).await.status(), StatusCode::OK);
    }
    assert!(metric(&server, "parlor_text_bytes ").await <= 8000 + 20 * 128);
}

#[tokio::test]
async fn the_node_has_limits_for_all_together() {
    let server =
        TestServer::start(&["--max-seats", "3", "--max-rooms", "2", "--max-text", "5000"]).await;
    let (one, two) = (Address::new(&server, 2), Address::new(&server, 3));
    let ann = one.join("a").await;
    two.join("b").await;
    refused_join(two.try_join("c", None).await, 503, "server_full", "rooms").await;
    two.join("a").await;
    refused_join(one.try_join("a", None).await, 503, "server_full", "seats").await;
    assert_eq!(one.publish(&ann, &"x".repeat(4000)).await.status(), StatusCode::OK);
    refused(one.publish(&ann, &"x".repeat(4000)).await, 503, "server_full", "text").await;
}

#[tokio::test]
async fn nothing_is_limited_by_zero() {
    let zero =
        ["seats", "rooms", "joins", "rate", "text"].map(|what| format!("--address-{what}=0"));
    let server = TestServer::start(&zero.each_ref().map(String::as_str)).await;
    let address = Address::new(&server, 2);
    for room in 0..300 {
        let seat = address.join(&format!("r{room}")).await;
        assert_eq!(address.publish(&seat, "hello").await.status(), StatusCode::OK);
    }
}
