//! What was edited or deleted while it waited for a poll is in no answer.

use serde_json::{Value, json};

use crate::wire::{Client, TestServer, poller::Poller};

/// Ann has a socket, and Bob polls.
async fn room(server: &TestServer) -> (Client, Poller) {
    let mut ann = Client::join(server, "r", "Ann").await;
    let bob = Poller::join(server, "r", "Bob").await;
    ann.expect("joined").await;
    (ann, bob)
}

fn edit(target: u64, text: &str, n: u64) -> Value {
    json!({"type": "edit", "target": target, "text": text, "n": n})
}

fn delete(target: u64, n: u64) -> Value {
    json!({"type": "delete", "target": target, "n": n})
}

/// Sends an entry and waits for its ack.
async fn act(ann: &mut Client, entry: Value) {
    assert_eq!(ann.send(entry.clone()).until("ack").await["n"], entry["n"]);
}

/// Type, number and text of each message.
fn messages(answer: &Value) -> Vec<(&str, u64, &str)> {
    let messages = answer["messages"].as_array().unwrap().iter();
    messages
        .map(|item| {
            let word = |field: &str| item[field].as_str().unwrap_or_default();
            (word("type"), item["seq"].as_u64().unwrap(), word("text"))
        })
        .collect()
}

async fn ask(bob: &Poller, after: &str) -> Value {
    bob.ask(after, 60).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn what_waits_for_a_poll_is_told_as_it_is_now() {
    let server = TestServer::start(&[]).await;
    let (mut ann, mut bob) = room(&server).await;
    for (n, text) in [(1, "one secret"), (2, "two"), (3, "three with a secret slip")] {
        ann.publish(text, n).await;
    }
    act(&mut ann, delete(1, 4)).await;
    act(&mut ann, edit(3, "three", 5)).await;
    act(&mut ann, json!({"type": "react", "target": 2, "emoji": "👍", "on": true, "n": 6})).await;
    let answer = bob.hear().await;
    assert!(!answer.to_string().contains("secret"), "{answer}");
    assert_eq!(answer["reset"], Value::Null);
    // The reaction may be told beside its message.
    let told = messages(&answer);
    assert_eq!(told[..3], [("chat", 1, ""), ("chat", 2, "two"), ("chat", 3, "three")]);
    let first = &answer["messages"][0];
    assert_eq!((&first["deleted"], &first["text"]), (&json!(true), &Value::Null));
    assert!(answer["messages"][2]["edited"].is_string(), "{answer}");
    let after = bob.poll(0).await;
    assert!(after.is_none(), "and all of it: {after:?}");
    // An edit that waits is told with the newest text, and not at all once its message is gone.
    act(&mut ann, edit(2, "another secret", 7)).await;
    act(&mut ann, edit(2, "two again", 8)).await;
    act(&mut ann, edit(3, "the last secret", 9)).await;
    act(&mut ann, delete(3, 10)).await;
    let answer = bob.hear().await;
    assert!(!answer.to_string().contains("secret"), "{answer}");
    let texts: Vec<&str> = messages(&answer).iter().map(|(.., text)| *text).collect();
    assert!(texts.iter().all(|text| ["two again", ""].contains(text)), "{answer}");
    let last = answer["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["type"], &last["target"], &last["seq"]),
        (&json!("delete"), &json!(3), &json!(10))
    );
}

#[tokio::test]
async fn the_last_answer_is_given_again_without_what_is_gone() {
    let server = TestServer::start(&[]).await;
    let (mut ann, mut bob) = room(&server).await;
    for round in 0..4 {
        let first = 4 * round + 1;
        ann.publish("a secret", first).await;
        ann.publish("words", first + 1).await;
        let asked = bob.cursor.clone();
        let mut answer = ask(&bob, &asked).await;
        while messages(&answer).len() < 2 {
            answer = ask(&bob, &asked).await;
        }
        assert_eq!(messages(&answer), [("chat", first, "a secret"), ("chat", first + 1, "words")]);
        let gone = if round % 2 == 0 {
            delete(first, first + 2)
        } else {
            edit(first, "better", first + 2)
        };
        act(&mut ann, gone.clone()).await;
        let text = gone["text"].as_str().unwrap_or_default();
        if round >= 2 {
            // The answer arrived: what follows is what was done.
            bob.take(&answer);
            let next = bob.hear().await;
            assert_eq!(messages(&next), [(gone["type"].as_str().unwrap(), first + 2, text)]);
        } else {
            // It was lost.
            let again = ask(&bob, &asked).await;
            assert!(!again.to_string().contains("secret"), "{again}");
            assert_eq!(again["reset"], Value::Null);
            assert_eq!(
                messages(&again)[..2],
                [("chat", first, text), ("chat", first + 1, "words")]
            );
            bob.take(&again);
        }
        act(&mut ann, json!({"text": "the end", "n": first + 3})).await;
        let end = bob.hear().await;
        assert_eq!(messages(&end), [("chat", first + 3, "the end")], "each once");
    }
}

#[tokio::test]
async fn a_poll_that_waits_is_told_of_what_is_done() {
    let server = TestServer::start(&[]).await;
    let (mut ann, mut bob) = room(&server).await;
    ann.publish("words", 1).await;
    assert_eq!(messages(&bob.hear().await), [("chat", 1, "words")]);
    for (entry, told) in [
        (edit(1, "other words", 2), ("edit", 2, "other words")),
        (
            json!({"type": "react", "target": 1, "emoji": "👍", "on": true, "n": 3}),
            ("react", 3, ""),
        ),
        (delete(1, 4), ("delete", 4, "")),
        (json!({"text": "yes", "replyTo": 1, "n": 5}), ("chat", 5, "yes")),
    ] {
        let waiting = tokio::spawn(async move {
            let answer = bob.hear().await;
            (bob, answer)
        });
        act(&mut ann, entry.clone()).await;
        let (back, answer) = waiting.await.unwrap();
        bob = back;
        assert_eq!(messages(&answer), [told]);
        for field in ["target", "emoji", "on", "replyTo"] {
            assert_eq!(answer["messages"][0][field], entry[field], "{answer}");
        }
    }
    // Sent together, they come together.
    for entry in [json!({"text": "a secret", "n": 6}), edit(6, "no more", 7)] {
        ann.send(entry);
    }
    ann.until("ack").await;
    ann.until("ack").await;
    let mut told = Vec::new();
    while told.last() != Some(&"no more".to_owned()) {
        let answer = bob.hear().await;
        told.extend(messages(&answer).into_iter().map(|(.., text)| text.to_owned()));
    }
    let own = bob.post("messages", json!({"type": "delete", "target": 6}).to_string());
    assert_eq!(own.send().await.unwrap().status(), 403, "not his");
}

#[tokio::test]
async fn who_polls_may_change_what_is_theirs() {
    let server = TestServer::start(&[]).await;
    let (mut ann, mut bob) = room(&server).await;
    bob.publish("words", 1).await;
    ann.expect("chat").await;
    for (body, kind) in [
        (json!({"type": "react", "target": 1, "emoji": "🎉", "on": true, "n": 2}), "react"),
        (edit(1, "better words", 3), "edit"),
        (delete(1, 4), "delete"),
    ] {
        for again in [false, true] {
            let response = bob.post("messages", body.to_string()).send().await.unwrap();
            assert_eq!(response.status(), 200);
            let ack: Value = response.json().await.unwrap();
            assert_eq!((&ack["n"], ack["duplicate"] == true), (&body["n"], again), "{ack}");
        }
        assert_eq!(ann.expect(kind).await["from"], bob.id());
    }
    for (body, status, code) in [
        (delete(1, 5), 404, "no_target"),
        (edit(9, "new", 5), 404, "no_target"),
        (json!({"text": "new", "replyTo": 9, "n": 5}), 404, "no_target"),
        (
            json!({"type": "react", "target": 1, "emoji": "ok", "on": true, "n": 5}),
            400,
            "bad_emoji",
        ),
    ] {
        let response = bob.post("messages", body.to_string()).send().await.unwrap();
        assert_eq!(response.status(), status, "{body}");
        let refusal: Value = response.json().await.unwrap();
        assert_eq!((&refusal["code"], &refusal["n"]), (&json!(code), &json!(5)), "{refusal}");
    }
    let answer = bob.hear().await;
    assert!(!answer.to_string().contains("words"), "{answer}");
    let own: Vec<&Value> =
        answer["messages"].as_array().unwrap().iter().map(|item| &item["n"]).collect();
    assert_eq!(own[0], 1, "one's own carry their counter: {answer}");
}
