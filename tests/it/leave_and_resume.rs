//! Life and death of a room: leaving, losing a link, coming back, and the end of the server.

use std::time::{Duration, Instant};

use crate::wire::{Client, Heard, PATIENCE, TestServer, encoded, eventually};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

fn texts(welcome: &Value) -> Vec<&str> {
    welcome["history"].as_array().unwrap().iter().map(|chat| chat["text"].as_str().unwrap()).collect()
}

/// (resumed, reset)
fn known(welcome: &Value) -> (bool, bool) {
    (welcome["resumed"].as_bool().unwrap(), welcome["reset"].as_bool().unwrap())
}

#[tokio::test]
async fn a_room_is_forgotten_when_the_last_member_leaves() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    ann.say("soon gone", 1).await;
    let (ticket, cursor) = (ann.ticket().to_owned(), ann.cursor.clone());
    bob.leave().await;
    assert_eq!(server.heads("general").await, 1);
    ann.leave().await;
    assert_eq!((server.heads("general").await, server.hub.counts()), (0, (0, 0)));

    let newcomer = Client::join(&server, "general", "New").await;
    assert_eq!((texts(&newcomer.welcome).len(), newcomer.welcome["members"].as_array().unwrap().len()), (0, 1));
    assert_ne!(newcomer.cursor, cursor);
    let back = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
    assert_eq!((known(&back.welcome), texts(&back.welcome).len()), ((false, true), 0), "the old life is over");
    newcomer.leave().await;
    back.leave().await;
    server.is_deserted().await;
}

#[tokio::test]
async fn a_goodbye_frees_the_seat_at_once() {
    let server = TestServer::start(&["--grace", "1h"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    for code in [Some(1000), None] {
        let bob = Client::join(&server, "general", "Bob").await;
        ann.expect("joined").await;
        let answer = bob.close(code).await;
        assert!(matches!(answer, Heard::Closed(1000 | 1005, _)), "close {code:?} is answered in kind: {answer:?}");
        let left = ann.expect("left").await;
        assert_eq!((&left["reason"], &left["count"]), (&json!("left"), &json!(1)), "close {code:?}");
    }
}

#[tokio::test]
async fn a_lost_link_holds_the_seat_for_the_grace() {
    let server = TestServer::start(&["--grace", "300ms"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    // 1001 is a page that unloads, 4000 a client that gives a stale link up.
    for code in [None, Some(1001), Some(1011), Some(3000), Some(4000)] {
        let lost_at = Instant::now();
        let bob = Client::join(&server, "general", "Bob").await;
        ann.expect("joined").await;
        match code {
            None => bob.drop_link(),
            Some(_) => drop(bob.close(code).await),
        }
        let left = ann.expect("left").await;
        assert_eq!((&left["reason"], &left["count"]), (&json!("lost"), &json!(1)), "{code:?}");
        assert!(lost_at.elapsed() >= Duration::from_millis(300), "{code:?}: not before the grace is over");
    }
    ann.drop_link();
    server.is_deserted().await;
    assert_eq!(server.heads("general").await, 0);
}

#[tokio::test]
async fn a_resume_inside_the_grace_brings_exactly_what_was_missed_and_tells_nobody() {
    let server = TestServer::start(&["--grace", "1h"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    ann.say("seen", 1).await;
    bob.expect("chat").await;
    bob.say("seen too", 1).await;
    ann.expect("chat").await;
    for (round, by_header) in [(2, false), (4, true), (6, false)] {
        let (id, ticket, cursor) = (bob.id().to_owned(), bob.ticket().to_owned(), bob.cursor.clone());
        bob.drop_link();
        ann.say(&format!("missed {round}"), round).await;
        ann.say(&format!("missed {}", round + 1), round + 1).await;
        bob = match by_header {
            true => Client::resume_by_header(&server, "general", &ticket, Some(&cursor)).await,
            false => Client::resume(&server, "general", &ticket, Some(&cursor)).await,
        };
        assert_eq!((bob.id(), &bob.welcome["user"]), (id.as_str(), &json!("Bob")));
        assert_eq!((known(&bob.welcome), &bob.welcome["lastN"]), ((true, false), &json!(1)));
        assert_eq!(texts(&bob.welcome), [format!("missed {round}"), format!("missed {}", round + 1)]);
        assert_eq!(bob.welcome["members"].as_array().unwrap().len(), 2);
    }
    let (ticket, cursor) = (bob.ticket().to_owned(), bob.cursor.clone());
    bob.drop_link();
    let mut bob = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
    assert_eq!((known(&bob.welcome), texts(&bob.welcome).len()), ((true, false), 0), "nothing was missed");
    bob.say("back", 2).await;
    assert_eq!(ann.expect("chat").await["text"], "back", "and nothing was told before");
}

#[tokio::test]
async fn a_resume_without_a_cursor_brings_all_there_is() {
    let server = TestServer::start(&["--grace", "1h"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    ann.say("one", 1).await;
    ann.say("two", 2).await;
    let (id, ticket) = (ann.id().to_owned(), ann.ticket().to_owned());
    ann.drop_link();
    for by_header in [true, false] {
        let back = match by_header {
            true => Client::resume_by_header(&server, "general", &ticket, None).await,
            false => Client::resume(&server, "general", &ticket, None).await,
        };
        assert_eq!((back.id(), &back.welcome["resumed"]), (id.as_str(), &json!(true)));
        assert_eq!(texts(&back.welcome), ["one", "two"]);
    }
}

#[tokio::test]
async fn a_resume_after_the_grace_joins_the_living_room_again() {
    let server = TestServer::start(&["--grace", "200ms"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let bob = Client::join(&server, "general", "Bob").await;
    let (id, ticket, cursor) = (bob.id().to_owned(), bob.ticket().to_owned(), bob.cursor.clone());
    bob.drop_link();
    ann.until("left").await;
    ann.say("missed", 1).await;
    let back = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
    assert_eq!(texts(&back.welcome), ["missed"]);
    let joined = ann.expect("joined").await;
    assert_eq!((&joined["user"], &joined["count"]), (&json!("Bob"), &json!(2)), "everybody is told");
    assert_eq!((joined["clientId"].as_str(), back.id()), (Some(back.id()), id.as_str()));
}

#[tokio::test]
async fn tickets_that_are_no_good_make_a_fresh_member_and_never_somebody_else() {
    let server = TestServer::start(&["--grace", "1h"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let foreign = Client::join(&server, "elsewhere", "Ann").await;
    let (body, signature) = ann.ticket().split_once('.').map(|(b, s)| (b.to_owned(), s.to_owned())).unwrap();
    let forged = [
        foreign.ticket().to_owned(),
        format!("{body}."),
        body.clone(),
        format!("{body}.{}", signature.chars().rev().collect::<String>()),
        format!("{body}.{}", foreign.ticket().split_once('.').unwrap().1),
        ann.id().to_owned(),
        "garbage".into(),
        "x".repeat(5000),
        ".".into(),
        String::new(),
        "Ünïcode\u{0}".into(),
    ];
    for ticket in forged {
        let fresh = Client::resume(&server, "general", &ticket, None).await;
        assert_eq!((known(&fresh.welcome), &fresh.welcome["user"]), ((false, false), &json!("Back")), "{ticket}");
        assert!(fresh.id() != ann.id() && fresh.id() != foreign.id(), "{ticket}");
        let fresh_too = Client::resume(&server, "general", &ticket, Some(&ann.cursor)).await;
        assert_eq!(known(&fresh_too.welcome), (false, true), "a cursor was given: {ticket}");
        fresh.leave().await;
        fresh_too.leave().await;
    }
    ann.send(json!({"text": "still me"})).until("ack").await;
}

#[tokio::test]
async fn who_left_and_comes_back_is_told_as_coming_again() {
    let server = TestServer::start(&["--grace", "1h"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    for by_close in [false, true] {
        let bob = Client::join(&server, "general", "Bob").await;
        ann.expect("joined").await;
        let (ticket, cursor) = (bob.ticket().to_owned(), bob.cursor.clone());
        if by_close {
            bob.close(Some(1000)).await;
        } else {
            bob.leave().await;
        }
        assert_eq!(ann.expect("left").await["reason"], "left", "by close: {by_close}");
        let back = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
        assert_eq!(ann.expect("joined").await["clientId"], back.id());
        back.leave().await;
        assert_eq!(ann.expect("left").await["count"], 1);
    }
}

#[tokio::test]
async fn a_second_link_with_the_same_ticket_replaces_the_first() {
    let server = TestServer::start(&["--grace", "300ms"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut first = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    let mut second = Client::resume(&server, "general", first.ticket(), Some(&first.cursor)).await;
    assert_eq!(first.expect_closing("replaced", 4001).await["type"], "closing");
    assert_eq!(second.id(), first.id());
    first.drop_link();
    let mut third = Client::resume_by_header(&server, "general", second.ticket(), None).await;
    second.expect_closing("replaced", 4001).await;
    drop(second);
    // The graces of the links that were replaced run out meanwhile, and mean nothing.
    tokio::time::sleep(Duration::from_millis(600)).await;
    third.say("one seat all along", 1).await;
    assert_eq!(ann.expect("chat").await["text"], "one seat all along");
    assert_eq!(server.heads("general").await, 2);
}

#[tokio::test]
async fn a_resume_that_the_log_no_longer_reaches_is_a_reset() {
    let server = TestServer::start(&["--grace", "1h", "--history-len", "2"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    let (id, ticket, cursor) = (bob.id().to_owned(), bob.ticket().to_owned(), bob.cursor.clone());
    bob.drop_link();
    for n in 1..=3 {
        ann.say(&format!("m{n}"), n).await;
    }
    let back = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
    assert_eq!(known(&back.welcome), (true, true), "the same member, but what was missed cannot be told");
    assert_eq!((texts(&back.welcome), back.id()), (vec!["m2", "m3"], id.as_str()));
    assert_eq!(back.welcome["cursor"], json!(ann.cursor));
    for strange in ["0-0", "ffffffffffffffff-18446744073709551615"] {
        let back = Client::resume(&server, "general", &ticket, Some(strange)).await;
        assert_eq!(known(&back.welcome), (true, true), "{strange}");
    }
    let ahead = format!("{}-999", cursor.split_once('-').unwrap().0);
    let back = Client::resume(&server, "general", &ticket, Some(&ahead)).await;
    assert_eq!(known(&back.welcome), (true, true), "a cursor from the future");
}

#[tokio::test]
async fn joins_and_leaves_in_a_storm_lose_nobody_and_leave_no_husk() {
    const TASKS: usize = 50;
    const ROUNDS: usize = 40;
    let server = std::sync::Arc::new(
        TestServer::start(&["--grace", "50ms", "--rate", "1000000", "--address-rate", "0", "--address-joins", "0"]).await,
    );
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let server = std::sync::Arc::clone(&server);
            tokio::spawn(async move {
                for round in 0..ROUNDS {
                    let dice = task * 31 + round * 17;
                    let room = format!("storm-{}", dice % 3);
                    let mut client = Client::join(&server, &room, "Leaf").await;
                    let members = client.welcome["members"].as_array().unwrap();
                    assert!(members.iter().any(|member| member["clientId"] == client.id()), "joined, but not there");
                    if dice % 2 == 0 {
                        client.send(json!({"text": "hello", "n": 1})).until("ack").await;
                    }
                    match dice % 5 {
                        0 => client.drop_link(),
                        1 => drop(client.close(Some(1001)).await),
                        2 => drop(client.close(Some(1000)).await),
                        3 => {
                            let back = Client::resume(&server, &room, client.ticket(), Some(&client.cursor)).await;
                            assert_eq!((back.id(), &back.welcome["resumed"]), (client.id(), &json!(true)));
                            back.leave().await;
                        }
                        _ => client.leave().await,
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    server.is_deserted().await;
    for room in 0..3 {
        assert_eq!(server.heads(&format!("storm-{room}")).await, 0);
        assert!(texts(&Client::join(&server, &format!("storm-{room}"), "After").await.welcome).is_empty());
    }
}

#[tokio::test]
async fn a_full_room_refuses_newcomers_but_not_those_who_come_back() {
    let server = TestServer::start(&["--grace", "1h", "--room-members", "2"]).await;
    let ann = Client::join(&server, "general", "Ann").await;
    let bob = Client::join(&server, "general", "Bob").await;
    let mut cy = Client::open(&server, "room=general&name=Cy").await;
    cy.expect_error("room_full").await;
    cy.expect_closing("room_full", 4409).await;
    let ticket = ann.ticket().to_owned();
    ann.drop_link();
    let back = Client::resume(&server, "general", &ticket, None).await;
    bob.leave().await;
    let cy = Client::join(&server, "general", "Cy").await;
    back.leave().await;
    cy.leave().await;
    server.is_deserted().await;
}

#[tokio::test]
async fn a_reader_that_stalls_is_sent_away_while_others_lose_nothing() {
    const FAREWELL: Duration = Duration::from_secs(5);
    let server = TestServer::start(&[
        "--grace",
        "1h",
        "--rate",
        "1000000",
        "--address-rate",
        "0",
        "--address-joins",
        "0",
        "--history-bytes",
        "10000000",
    ])
    .await;
    // How much the kernels keep for who does not read, they alone know.
    let mut messages = 40;
    for attempt in 0.. {
        assert!(attempt < 20, "never sent away, or never heard why in a farewell's time");
        let room = format!("room-{attempt}");
        let mut stalled = Client::join_shallow(&server, &room, "Stalled").await;
        let mut witness = Client::join(&server, &room, "Witness").await;
        let mut talker = Client::join(&server, &room, "Talker").await;
        witness.expect("joined").await;
        let text = "🦜".repeat(4000);
        let begun = Instant::now();
        let talking = tokio::spawn(async move {
            for n in 1..=messages {
                talker.say(&text, n).await;
            }
            talker
        });
        for seq in 1..=messages {
            assert_eq!(witness.expect("chat").await["seq"], seq);
        }
        let _talker = talking.await.unwrap();
        stalled.put(Message::Ping("still here?".into()));
        let (mut read, mut end) = (0, Vec::new());
        while !matches!(end.last(), Some(Heard::Pong(_) | Heard::Closed(..) | Heard::Gone)) {
            match stalled.next().await {
                Heard::Frame(frame) if frame["type"] == "chat" => {
                    read += 1;
                    assert_eq!(frame["seq"], read, "never a hole");
                }
                Heard::Frame(frame) if frame["type"] == "joined" => {}
                other => end.push(other),
            }
        }
        if let [Heard::Pong(_)] = end[..] {
            assert_eq!(read, messages, "who was not sent away has lost nothing either");
            messages += messages / 2;
            continue;
        }
        // On a slow machine the server may rightly have hung up before all was read.
        if end.last() == Some(&Heard::Gone) && begun.elapsed() >= FAREWELL {
            continue;
        }
        let [Heard::Frame(closing), Heard::Closed(1013, _)] = &end[..] else { panic!("{end:?}") };
        assert_eq!((&closing["type"], &closing["code"]), (&json!("closing"), &json!("too_slow")), "{closing}");
        assert!(read < messages, "what did not fit was not kept");
        let back = Client::resume(&server, &room, stalled.ticket(), Some(&stalled.cursor)).await;
        assert_eq!((known(&back.welcome), back.id()), ((true, false), stalled.id()));
        let history = back.welcome["history"].as_array().unwrap();
        let missed: Vec<u64> = history.iter().map(|chat| chat["seq"].as_u64().unwrap()).collect();
        assert_eq!(missed, (read + 1..=messages).collect::<Vec<_>>());
        return;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_server_stops_everybody_is_told_when_to_come_back() {
    let mut server =
        TestServer::start(&["--grace", "1h", "--rate", "1000000", "--address-rate", "0", "--address-joins", "0"]).await;
    let mut clients = Vec::new();
    for i in 0..20 {
        clients.push(Client::join(&server, &format!("room-{}", i % 3), "Guest").await);
    }
    let stalled = Client::join_narrow(&server, "room-0", "Stalled").await;
    // As much as a socket and its queue hold for those who do not read yet.
    let text = "🦜".repeat(4000);
    for n in 1..=20 {
        clients[0].send(json!({"text": text, "n": n})).until("ack").await;
    }
    let mut undecided = Client::open(&server, "room=room-0&name=Undecided&resume=1").await;
    let stopped_at = Instant::now();
    let stopped = server.stop();
    // Timed by itself: to read what the clients were sent may take longer than the server does.
    let stopping = tokio::spawn(async move {
        stopped.await.unwrap();
        stopped_at.elapsed()
    });
    for client in &mut clients {
        let closing = client.until("closing").await;
        assert_eq!((&closing["code"], closing["retryAfter"].as_u64().is_some()), (&json!("restarting"), true), "{closing}");
        let Heard::Closed(code, reason) = client.next().await else { panic!("no close:\n{}", client.seen.join("\n")) };
        assert!(code == 1012 && reason.contains(&closing["retryAfter"].to_string()), "{code} {reason}");
    }
    assert_eq!(undecided.until("closing").await["code"], "restarting", "also who has not taken a seat yet");
    undecided.expect_close(1012).await;
    let took = timeout(PATIENCE, stopping).await.expect("run returns").unwrap();
    assert!(took < Duration::from_secs(10), "well within the time that process managers give: {took:?}");
    assert_eq!(server.hub.counts().1, 0, "every seat is freed");
    drop(stalled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_in_while_the_server_stops_is_told_so_too() {
    let mut server = TestServer::start(&["--grace", "1h"]).await;
    let requests: Vec<_> =
        (0..150).map(|i| Client::request(&server, &format!("room={}&name=Late", encoded(&format!("r{}", i % 5))))).collect();
    let address = server.address;
    let late: Vec<_> = requests
        .into_iter()
        .map(|request| {
            tokio::spawn(async move {
                // Whoever finds the port shut, or the upgrade cut off, has been told by that.
                let Ok(mut client) = Client::knock(address, request).await else { return false };
                loop {
                    match client.next().await {
                        Heard::Frame(frame) if frame["type"] == "closing" => {
                            assert_eq!(frame["code"], "restarting");
                            client.expect_close(1012).await;
                            return true;
                        }
                        Heard::Frame(_) => {}
                        other => panic!("{other:?} without a word; seen:\n{}", client.seen.join("\n")),
                    }
                }
            })
        })
        .collect();
    eventually("somebody inside", || server.hub.counts().1 > 40).await;
    let stopped = server.stop();
    timeout(PATIENCE, stopped).await.expect("run returns").unwrap();
    let mut told = 0;
    for client in late {
        told += usize::from(client.await.unwrap());
    }
    assert!(told > 40, "{told}");
}
