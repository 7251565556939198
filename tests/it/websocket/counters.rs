//! The counter `n` of a sender: repeated, stale, left out.

use serde_json::json;

use crate::wire::{Client, TestServer};

#[tokio::test]
async fn a_repeated_n_gets_the_first_answer_and_says_nothing_twice() {
    let server = TestServer::start(&["--grace", "60s"]).await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let (first, second) = (ann.publish("one", 1).await, ann.publish("two", 2).await);
    for (n, answer) in [(1, &first), (2, &second), (1, &first)] {
        let again = ann.publish("something else", n).await;
        assert_eq!((&again["seq"], &again["timestamp"]), (&answer["seq"], &answer["timestamp"]));
        assert_eq!(again["duplicate"], true, "{again}");
    }
    let (ticket, cursor) = (ann.ticket().to_owned(), ann.cursor.clone());
    ann.drop_link();
    let mut ann = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
    assert_eq!((&ann.welcome["resumed"], &ann.welcome["lastN"]), (&json!(true), &json!(2)));
    assert_eq!(ann.publish("one", 1).await["seq"], first["seq"], "also after a resume");
    assert_eq!(ann.publish("two", 2).await["seq"], second["seq"], "also after a resume");
    assert_eq!(ann.publish("three", 3).await["seq"], 3);
    bob.expect("joined").await;
    for text in ["one", "two", "three"] {
        assert_eq!(bob.expect("chat").await["text"], text);
    }
}

#[tokio::test]
async fn a_repeated_n_is_known_even_after_the_seat_has_lapsed() {
    let server = TestServer::start(&["--grace", "200ms"]).await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let ack = ann.publish("once only", 8).await;
    let (ticket, cursor) = (ann.ticket().to_owned(), ann.cursor.clone());
    ann.drop_link();
    assert_eq!(bob.until("left").await["reason"], "lost");
    let mut ann = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
    assert_eq!(ann.welcome["lastN"], 8);
    assert_eq!(ann.publish("once only", 8).await["seq"], ack["seq"]);
    ann.publish("and on", 9).await;
    bob.expect("joined").await;
    assert_eq!(bob.expect("chat").await["text"], "and on");
}

#[tokio::test]
async fn an_n_below_the_last_whose_entry_is_gone_is_stale() {
    let server = TestServer::start(&["--history-len", "1"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    ann.publish("five", 5).await;
    ann.publish("six", 6).await;
    ann.send(json!({"type": "chat", "text": "five", "n": 5}));
    assert_eq!(ann.expect_error("stale_n").await["n"], 5);
    ann.publish("six", 6).await;
    assert_eq!(ann.publish("ten", 10).await["seq"], 3, "n may jump");
}

#[tokio::test]
async fn a_send_without_n_goes_on_counting() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    ann.publish("four", 4).await;
    let ack = ann.send(json!({"text": "five"})).expect("ack").await;
    assert_eq!(ack["seq"], 2);
    let next = ack["n"].as_u64().unwrap() + 1;
    assert_eq!(ann.publish("six", next).await["seq"], 3);
}
