//! Coming back with a ticket.

use std::time::Duration;

use serde_json::json;

use super::{known, texts};
use crate::wire::{Client, TestServer};

#[tokio::test]
async fn a_resume_inside_the_grace_brings_exactly_what_was_missed_and_tells_nobody() {
    let server = TestServer::start(&["--grace", "1h"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    ann.publish("seen", 1).await;
    bob.expect("chat").await;
    bob.publish("seen too", 1).await;
    ann.expect("chat").await;
    for (round, by_header) in [(2, false), (4, true), (6, false)] {
        let (id, ticket, cursor) =
            (bob.id().to_owned(), bob.ticket().to_owned(), bob.cursor.clone());
        bob.drop_link();
        ann.publish(&format!("missed {round}"), round).await;
        ann.publish(&format!("missed {}", round + 1), round + 1).await;
        bob = match by_header {
            true => Client::resume_by_header(&server, "general", &ticket, Some(&cursor)).await,
            false => Client::resume(&server, "general", &ticket, Some(&cursor)).await,
        };
        assert_eq!((bob.id(), &bob.welcome["user"]), (id.as_str(), &json!("Bob")));
        assert_eq!((known(&bob.welcome), &bob.welcome["lastN"]), ((true, false), &json!(1)));
        assert_eq!(
            texts(&bob.welcome),
            [format!("missed {round}"), format!("missed {}", round + 1)]
        );
        assert_eq!(bob.welcome["members"].as_array().unwrap().len(), 2);
    }
    let (ticket, cursor) = (bob.ticket().to_owned(), bob.cursor.clone());
    bob.drop_link();
    let mut bob = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
    assert_eq!(
        (known(&bob.welcome), texts(&bob.welcome).len()),
        ((true, false), 0),
        "nothing was missed"
    );
    bob.publish("back", 2).await;
    assert_eq!(ann.expect("chat").await["text"], "back", "and nothing was told before");
}

#[tokio::test]
async fn a_resume_without_a_cursor_brings_all_there_is() {
    let server = TestServer::start(&["--grace", "1h"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    ann.publish("one", 1).await;
    ann.publish("two", 2).await;
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
    ann.publish("missed", 1).await;
    let back = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
    assert_eq!(texts(&back.welcome), ["missed"]);
    let joined = ann.expect("joined").await;
    assert_eq!(
        (&joined["user"], &joined["count"]),
        (&json!("Back"), &json!(2)),
        "everybody is told, and of the name that it wants now"
    );
    assert_eq!((joined["clientId"].as_str(), back.id()), (Some(back.id()), id.as_str()));
}

#[tokio::test]
async fn tickets_that_are_no_good_make_a_fresh_member_and_never_somebody_else() {
    let server = TestServer::start(&["--grace", "1h"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let foreign = Client::join(&server, "elsewhere", "Ann").await;
    let (body, signature) =
        ann.ticket().split_once('.').map(|(b, s)| (b.to_owned(), s.to_owned())).unwrap();
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
        assert_eq!(
            (known(&fresh.welcome), &fresh.welcome["user"]),
            ((false, false), &json!("Back")),
            "{ticket}"
        );
        assert!(fresh.id() != ann.id() && fresh.id() != foreign.id(), "{ticket}");
        let fresh_too = Client::resume(&server, "general", &ticket, Some(&ann.cursor)).await;
        assert_eq!(known(&fresh_too.welcome), (false, true), "a cursor was given: {ticket}");
        fresh.leave().await;
        fresh_too.leave().await;
    }
    ann.send(json!({"text": "still me"})).until("ack").await;
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
    third.publish("one seat all along", 1).await;
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
        ann.publish(&format!("m{n}"), n).await;
    }
    let back = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
    assert_eq!(
        known(&back.welcome),
        (true, true),
        "the same member, but what was missed cannot be told"
    );
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
