//! Replies, reactions, edits and deletes: what everybody is told of them, and what is refused.

use serde_json::{Value, json};

use crate::wire::{Client, TestServer, poller::Poller};

pub(super) fn react(target: u64, emoji: &str, on: bool, n: u64) -> Value {
    json!({"type": "react", "target": target, "emoji": emoji, "on": on, "n": n})
}

pub(super) fn edit(target: u64, text: &str, n: u64) -> Value {
    json!({"type": "edit", "target": target, "text": text, "n": n})
}

pub(super) fn delete(target: u64, n: u64) -> Value {
    json!({"type": "delete", "target": target, "n": n})
}

pub(super) fn reply(to: u64, text: &str, n: u64) -> Value {
    json!({"type": "chat", "text": text, "replyTo": to, "n": n})
}

/// Sends a frame, whose ack must come next.
pub(super) async fn act(client: &mut Client, frame: Value) -> Value {
    let ack = client.send(frame.clone()).expect("ack").await;
    assert_eq!(ack["n"], frame["n"], "{ack}");
    ack
}

#[tokio::test]
async fn a_reply_a_reaction_an_edit_and_a_delete_reach_everybody() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    ann.publish("first", 1).await;
    assert_eq!(bob.expect("chat").await["replyTo"], Value::Null);
    for (number, frame) in [
        reply(1, "second", 2),
        react(1, "👍", true, 3),
        react(1, "👍", false, 4),
        edit(2, "changed", 5),
        delete(2, 6),
        reply(2, "to what is gone", 7),
    ]
    .into_iter()
    .enumerate()
    {
        let ack = act(&mut ann, frame.clone()).await;
        assert_eq!(ack["seq"], number as u64 + 2);
        let mut told = frame;
        told["from"] = json!(ann.id());
        for (field, value) in [("user", json!("Ann")), ("room", json!("general"))] {
            told[field] = value;
        }
        for field in ["seq", "timestamp", "cursor"] {
            told[field] = ack[field].clone();
        }
        told.as_object_mut().unwrap().remove("n");
        assert_eq!(bob.expect(told["type"].as_str().unwrap()).await, told);
    }
}

#[tokio::test]
async fn each_refusal_has_its_code_and_its_message_and_changes_nothing() {
    let server = TestServer::start(&["--rate", "1000"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    ann.publish("hers", 1).await;
    act(&mut ann, react(1, "👍", true, 2)).await;
    ann.publish("deleted", 3).await;
    act(&mut ann, delete(3, 4)).await;
    bob.until("delete").await;
    bob.publish("his", 1).await;
    let long = "x".repeat(4001);
    for (frame, code) in [
        (edit(1, "mine", 2), "not_yours"),
        (delete(1, 2), "not_yours"),
        // There is no such entry yet.
        (react(6, "👍", true, 2), "no_target"),
        (edit(6, "new", 2), "no_target"),
        (delete(6, 2), "no_target"),
        (reply(6, "new", 2), "no_target"),
        (reply(9_007_199_254_740_991, "new", 2), "no_target"),
        // No message.
        (react(2, "👍", true, 2), "no_target"),
        (edit(2, "new", 2), "no_target"),
        (delete(2, 2), "no_target"),
        (reply(2, "new", 2), "no_target"),
        // Deleted.
        (react(3, "👍", true, 2), "no_target"),
        (react(3, "👍", false, 2), "no_target"),
        (edit(3, "new", 2), "no_target"),
        (delete(3, 2), "no_target"),
        (react(1, "well said", true, 2), "bad_emoji"),
        (react(1, "👍👍", true, 2), "bad_emoji"),
        (edit(5, " \n", 2), "empty_text"),
        (edit(5, &long, 2), "too_long"),
        (reply(1, " ", 2), "empty_text"),
        (json!({"type": "edit", "text": "new", "n": 2}), "bad_frame"),
        (json!({"type": "edit", "target": 5, "n": 2}), "empty_text"),
        (json!({"type": "delete", "target": "5", "n": 2}), "bad_frame"),
        (json!({"type": "chat", "text": "new", "replyTo": 0, "n": 2}), "bad_frame"),
    ] {
        let error = bob.send(frame.clone()).expect_error(code).await;
        assert_eq!(error["n"], 2, "{frame}: {error}");
    }
    // The number is free, and the next entry follows the last.
    assert_eq!(act(&mut bob, edit(5, "still his", 2)).await["seq"], 6);
    ann.until("chat").await;
    assert_eq!(ann.expect("edit").await["text"], "still his");
}

#[tokio::test]
async fn a_message_has_two_thousand_reactions_and_no_more() {
    let server = TestServer::start(&["--rate", "100000", "--address-rate", "0"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    ann.publish("well?", 1).await;
    let emoji = |number: u64| format!("sealed2.{number}");
    for number in 0..2000 {
        ann.send(react(1, &emoji(number), true, number + 2));
        if number % 100 == 99 {
            for _ in 0..100 {
                ann.expect("ack").await;
            }
        }
    }
    assert_eq!(
        ann.send(react(1, "👍", true, 2002)).expect_error("reactions_full").await["n"],
        2002
    );
    let cy = Poller::join(&server, "general", "Cy").await;
    let refused = cy.post("messages", react(1, "👍", true, 1).to_string()).send().await.unwrap();
    assert_eq!(refused.status(), 409);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "reactions_full");
    ann.expect("joined").await;
    // What is there already changes nothing, and what is taken away makes room.
    act(&mut ann, react(1, &emoji(7), true, 2002)).await;
    act(&mut ann, react(1, &emoji(7), false, 2003)).await;
    act(&mut ann, react(1, "👍", true, 2004)).await;
    let late = Client::join(&server, "general", "Late").await;
    let reactions = late.welcome["history"][0]["reactions"].as_array().unwrap();
    assert_eq!((reactions.len(), &reactions[1999]["emoji"]), (2000, &json!("👍")));
}

#[tokio::test]
async fn what_is_sent_again_is_done_once() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    ann.publish("first", 1).await;
    let frames =
        [reply(1, "second", 2), react(1, "👍", true, 3), edit(2, "changed", 4), delete(2, 5)];
    let mut acks = Vec::new();
    for frame in &frames {
        acks.push(act(&mut ann, frame.clone()).await);
        let again = act(&mut ann, frame.clone()).await;
        assert_eq!((&again["duplicate"], &again["cursor"]), (&json!(true), &Value::Null));
        assert_eq!(again["seq"], acks.last().unwrap()["seq"]);
    }
    // Also after later ones, when what they change is gone, and whatever they say now.
    for (frame, ack) in frames.iter().zip(&acks) {
        let again = act(&mut ann, frame.clone()).await;
        assert_eq!((&again["duplicate"], &again["seq"]), (&json!(true), &ack["seq"]), "{frame}");
    }
    let other = act(&mut ann, json!({"type": "chat", "text": "something else", "n": 3})).await;
    assert_eq!((&other["duplicate"], &other["seq"]), (&json!(true), &json!(3)));
    ann.publish("the end", 6).await;
    for kind in ["chat", "chat", "react", "edit", "delete"] {
        bob.expect(kind).await;
    }
    assert_eq!(bob.expect("chat").await["text"], "the end", "each was told once");
}

#[tokio::test]
async fn where_nothing_is_kept_nothing_can_be_changed() {
    let server = TestServer::start(&["--history-len", "0"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    assert_eq!(ann.welcome["limits"]["historyLength"], 0);
    ann.publish("fleeting", 1).await;
    for frame in [react(1, "👍", true, 2), edit(1, "changed", 2), delete(1, 2)] {
        assert_eq!(ann.send(frame).expect_error("no_target").await["n"], 2);
    }
    // An answer names what others may still see.
    assert_eq!(act(&mut ann, reply(1, "so it is", 2)).await["seq"], 2);
}
