//! Leaving, and losing a link.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{known, texts};
use crate::wire::{Client, Heard, TestServer};

#[tokio::test]
async fn a_room_is_forgotten_when_the_last_member_leaves() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    ann.publish("soon gone", 1).await;
    let (ticket, cursor) = (ann.ticket().to_owned(), ann.cursor.clone());
    bob.leave().await;
    assert_eq!(server.heads("general").await, 1);
    ann.leave().await;
    assert_eq!((server.heads("general").await, server.hub.counts()), (0, (0, 0)));

    let newcomer = Client::join(&server, "general", "New").await;
    assert_eq!(
        (texts(&newcomer.welcome).len(), newcomer.welcome["members"].as_array().unwrap().len()),
        (0, 1)
    );
    assert_ne!(newcomer.cursor, cursor);
    let back = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
    assert_eq!(
        (known(&back.welcome), texts(&back.welcome).len()),
        ((false, true), 0),
        "the old life is over"
    );
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
        assert!(
            matches!(answer, Heard::Closed(1000 | 1005, _)),
            "close {code:?} is answered in kind: {answer:?}"
        );
        let left = ann.expect("left").await;
        assert_eq!(
            (&left["reason"], &left["count"]),
            (&json!("left"), &json!(1)),
            "close {code:?}"
        );
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
        assert!(
            lost_at.elapsed() >= Duration::from_millis(300),
            "{code:?}: not before the grace is over"
        );
    }
    ann.drop_link();
    server.is_deserted().await;
    assert_eq!(server.heads("general").await, 0);
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
async fn joins_and_leaves_in_a_storm_lose_nobody_and_leave_no_husk() {
    const TASKS: usize = 50;
    const ROUNDS: usize = 40;
    let server = std::sync::Arc::new(
        TestServer::start(&[
            "--grace",
            "50ms",
            "--rate",
            "1000000",
            "--address-rate",
            "0",
            "--address-joins",
            "0",
        ])
        .await,
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
                    assert!(
                        members.iter().any(|member| member["clientId"] == client.id()),
                        "joined, but not there"
                    );
                    if dice % 2 == 0 {
                        client.send(json!({"text": "hello", "n": 1})).until("ack").await;
                    }
                    match dice % 5 {
                        0 => client.drop_link(),
                        1 => drop(client.close(Some(1001)).await),
                        2 => drop(client.close(Some(1000)).await),
                        3 => {
                            let back = Client::resume(
                                &server,
                                &room,
                                client.ticket(),
                                Some(&client.cursor),
                            )
                            .await;
                            assert_eq!(
                                (back.id(), &back.welcome["resumed"]),
                                (client.id(), &json!(true))
                            );
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
        assert!(
            texts(&Client::join(&server, &format!("storm-{room}"), "After").await.welcome)
                .is_empty()
        );
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
