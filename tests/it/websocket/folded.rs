//! What they see of amendments who come later, or come back.

use serde_json::{Value, json};

use super::{
    amendments::{act, delete, edit, react, reply},
    fields,
};
use crate::wire::{Client, TestServer, listener::Listener, poller::Poller};

/// What is to be said of each item: number and what is beside its head.
fn told(history: &Value) -> Vec<Value> {
    let body = |item: &Value| {
        let mut body = item.clone();
        for field in ["from", "user", "room", "cursor", "timestamp", "n"] {
            body.as_object_mut().unwrap().remove(field);
        }
        if let Some(edited) = body.get_mut("edited") {
            assert!(edited.as_str() >= item["timestamp"].as_str(), "{item}");
            *edited = json!(true);
        }
        body
    };
    history.as_array().unwrap().iter().map(body).collect()
}

#[tokio::test]
async fn a_newcomer_sees_what_is_left_by_every_door() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    ann.publish("a secret", 1).await;
    bob.until("chat").await;
    act(&mut bob, reply(1, "yes", 1)).await;
    ann.expect("chat").await;
    act(&mut ann, react(2, "👍", true, 2)).await;
    act(&mut ann, react(2, "🎉", true, 3)).await;
    ann.publish("third with a slip", 4).await;
    act(&mut ann, edit(5, "third", 5)).await;
    act(&mut ann, delete(1, 6)).await;
    bob.until("delete").await;
    act(&mut bob, react(2, "🎉", true, 2)).await;
    act(&mut bob, react(2, "👍", true, 3)).await;
    ann.until("react").await;
    ann.expect("react").await;
    act(&mut ann, react(2, "👍", false, 7)).await;
    let expected = json!([
        {"type": "chat", "seq": 1, "deleted": true},
        {"type": "chat", "seq": 2, "replyTo": 1, "text": "yes", "reactions": [
            {"emoji": "👍", "from": [bob.id()]},
            {"emoji": "🎉", "from": [ann.id(), bob.id()]},
        ]},
        {"type": "chat", "seq": 5, "text": "third", "edited": true},
    ]);
    let socket = Client::join(&server, "general", "Late").await;
    let stream = Listener::open(&server.url(""), "general", "?name=Late", None, None).await;
    let poller = Poller::join(&server, "general", "Late").await;
    for welcome in [&socket.welcome, &stream.welcome, &poller.welcome] {
        assert_eq!(json!(told(&welcome["history"])), expected);
        assert_eq!(welcome["cursor"].as_str(), Some(ann.cursor.as_str()), "nothing is missing");
        let deleted = &welcome["history"][0];
        assert_eq!(
            fields(deleted),
            ["cursor", "deleted", "from", "room", "seq", "timestamp", "type", "user"]
        );
        assert!(!welcome.to_string().contains("secret") && !welcome.to_string().contains("slip"));
    }
    let whole = poller.http.get(poller.url("messages")).bearer_auth(&poller.ticket);
    let whole: Value = whole.send().await.unwrap().json().await.unwrap();
    assert_eq!((json!(told(&whole["messages"])), &whole["reset"]), (expected, &Value::Null));
}

#[tokio::test]
async fn who_comes_back_gets_the_amendments_that_were_missed() {
    let server = TestServer::start(&["--grace", "10m"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let bob = Client::join(&server, "general", "Bob").await;
    for n in 1..=3 {
        ann.until(if n == 1 { "joined" } else { "ack" }).await;
        ann.send(json!({"text": format!("m{n}"), "n": n}));
    }
    let cursor = ann.until("ack").await["cursor"].as_str().unwrap().to_owned();
    let ticket = bob.ticket().to_owned();
    bob.drop_link();
    act(&mut ann, edit(1, "changed", 4)).await;
    ann.publish("m5", 5).await;
    act(&mut ann, edit(5, "m5 changed", 6)).await;
    act(&mut ann, react(5, "👍", true, 7)).await;
    act(&mut ann, react(2, "👍", true, 8)).await;
    act(&mut ann, react(2, "👍", false, 9)).await;
    act(&mut ann, edit(3, "not for long", 10)).await;
    act(&mut ann, delete(3, 11)).await;
    act(&mut ann, edit(1, "changed again", 12)).await;
    ann.publish("m13", 13).await;
    act(&mut ann, delete(13, 14)).await;
    let expected = json!([
        {"type": "edit", "seq": 4, "target": 1, "text": "changed again"},
        {"type": "chat", "seq": 5, "text": "m5 changed", "edited": true, "reactions": [
            {"emoji": "👍", "from": [ann.id()]},
        ]},
        {"type": "react", "seq": 8, "target": 2, "emoji": "👍", "on": true},
        {"type": "react", "seq": 9, "target": 2, "emoji": "👍", "on": false},
        {"type": "delete", "seq": 10, "target": 3},
        {"type": "delete", "seq": 11, "target": 3},
        {"type": "edit", "seq": 12, "target": 1, "text": "changed again"},
        {"type": "chat", "seq": 13, "deleted": true},
    ]);
    for round in 0..3 {
        let socket = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
        let stream =
            Listener::open(&server.url(""), "general", "", Some(&ticket), Some(&cursor)).await;
        for welcome in [&socket.welcome, &stream.welcome] {
            assert_eq!((&welcome["resumed"], &welcome["reset"]), (&json!(true), &json!(false)));
            assert_eq!(json!(told(&welcome["history"])), expected, "{round}");
            assert_eq!(welcome["cursor"].as_str(), Some(ann.cursor.as_str()));
        }
        let wish = json!({ "cursor": cursor });
        let poller = Poller::join_at(&server.url(""), "general", wish, Some(&ticket)).await;
        assert_eq!(json!(told(&poller.welcome["history"])), expected, "{round}");
        let polled: Value = poller.ask(&cursor, 0).send().await.unwrap().json().await.unwrap();
        assert_eq!(
            (json!(told(&polled["messages"])), &polled["reset"]),
            (expected.clone(), &Value::Null)
        );
    }
    // From a message on, only what lies behind it: the newest text is not told twice.
    let after = |n: usize| ann.cursor.replace("-14", &format!("-{n}"));
    for (cursor, count) in [(after(5), 8), (after(12), 1), (after(13), 1), (after(14), 0)] {
        let back = Client::resume(&server, "general", &ticket, Some(&cursor)).await;
        assert_eq!(back.welcome["history"].as_array().unwrap().len(), count, "{cursor}");
    }
}

#[tokio::test]
async fn a_storm_of_reactions_pushes_no_message_out_and_makes_no_welcome_long() {
    const MESSAGES: u64 = 50;
    const TOGGLES: usize = 1000;
    let server = TestServer::start(&["--rate", "100000", "--address-rate", "0"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    for n in 1..=MESSAGES {
        ann.send(json!({"text": format!("m{n}"), "n": n})).until("ack").await;
    }
    let mut cursors = vec![ann.cursor.clone()];
    ann.leave().await;
    let late = async || Client::join(&server, "general", "Late").await.welcome;
    let calm = late().await.to_string().len();
    while cursors.len() <= TOGGLES {
        let first = cursors.len();
        for n in first..first + 100 {
            // On and off again, all over the log; only the last stay.
            let (target, on) = ((n as u64 / 2) % MESSAGES + 1, n % 2 == 0 || n + 1 >= TOGGLES);
            bob.send(react(target, "👍", on, n as u64));
        }
        for n in first..first + 100 {
            let ack = bob.until("ack").await;
            assert_eq!(ack["n"], n);
            cursors.push(ack["cursor"].as_str().unwrap().to_owned());
        }
    }
    let storm = late().await;
    let history = storm["history"].as_array().unwrap();
    assert_eq!(history.len() as u64, MESSAGES);
    assert!(history.iter().all(|chat| chat["type"] == "chat"), "{storm}");
    assert_eq!(history.iter().filter(|chat| chat["reactions"].is_array()).count(), 2);
    let length = storm.to_string().len();
    assert!(length < calm + 500, "{length}, and {calm} before");
    // Who missed a few gets them; who missed more than are kept gets the messages as they are.
    let ticket = bob.ticket().to_owned();
    for (missed, reset) in [(200, false), (201, true), (1000, true)] {
        let cursor = &cursors[TOGGLES - missed];
        let back = Client::resume(&server, "general", &ticket, Some(cursor)).await.welcome;
        let history = back["history"].as_array().unwrap();
        assert_eq!((&back["resumed"], &back["reset"]), (&json!(true), &json!(reset)), "{missed}");
        let (kind, count) = if reset { ("chat", MESSAGES as usize) } else { ("react", missed) };
        assert_eq!(history.len(), count, "{missed}");
        assert!(history.iter().all(|item| item["type"] == kind), "{missed}");
    }
}
