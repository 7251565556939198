//! What an answer holds.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::wire::{
    Client, TestServer,
    poller::{Poller, events, texts},
};

#[tokio::test]
async fn who_polls_and_who_has_a_socket_are_in_one_room() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "комната", "Ann").await;
    let mut bob = Poller::join(&server, "комната", "Bob").await;
    assert_eq!(bob.welcome["members"].as_array().unwrap().len(), 2);
    assert_eq!(bob.welcome["limits"]["poll"], 15);
    assert_eq!(ann.expect("joined").await["user"], "Bob");
    assert_eq!(server.heads("комната").await, 2);
    assert!(bob.poll(0).await.is_none(), "nothing yet");

    ann.publish("hello", 1).await;
    let heard = bob.hear().await;
    assert_eq!((texts(&heard), events(&heard)), (vec!["hello"], vec![]));
    assert_eq!(
        (&heard["messages"][0]["user"], &heard["messages"][0]["type"]),
        (&json!("Ann"), &json!("chat"))
    );
    assert_eq!(
        (&heard["members"], &heard["ticket"], &heard["reset"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );

    let ack = bob.publish("hi", 1).await;
    assert_eq!(
        (&ack["seq"], &ack["cursor"], &ack["duplicate"]),
        (&json!(2), &Value::Null, &Value::Null)
    );
    let chat = ann.expect("chat").await;
    assert_eq!(
        (&chat["text"], &chat["from"], &chat["n"]),
        (&json!("hi"), &json!(bob.id()), &Value::Null)
    );
    let own = bob.hear().await;
    assert_eq!(
        (texts(&own), &own["messages"][0]["n"]),
        (vec!["hi"], &json!(1)),
        "one's own words come whole"
    );
    assert_eq!(bob.publish("hi", 1).await["duplicate"], true);

    ann.send(json!({"typing": true})).flush().await;
    assert_eq!(bob.until("typing").await["user"], "Ann");
    assert_eq!(
        bob.post("typing", r#"{"typing":true}"#).send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(ann.expect("typing").await["user"], "Bob");

    // A long poll is answered when it happens, not when the time is over.
    let waiting = tokio::spawn(async move {
        let left = bob.until("left").await;
        (bob, left)
    });
    ann.leave().await;
    let (bob, left) = waiting.await.unwrap();
    assert_eq!((&left["reason"], &left["count"]), (&json!("left"), &json!(1)));
    bob.leave().await;
    server.is_deserted().await;
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again_with_what_has_come_since() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let mut bob = Poller::join(&server, "r", "Bob").await;
    ann.expect("joined").await;
    for round in 0..3 {
        ann.publish("same", 3 * round + 1).await;
        ann.publish("same", 3 * round + 2).await;
        let ask = || async {
            bob.ask(&bob.cursor, 60).send().await.unwrap().json::<Value>().await.unwrap()
        };
        let mut first = ask().await;
        while texts(&first).len() < 2 {
            first = ask().await;
        }
        assert_eq!(ask().await, first, "nothing has happened");
        ann.publish("meanwhile", 3 * round + 3).await;
        ann.send(json!({"typing": true})).flush().await;
        let mut second = ask().await;
        while events(&second) != ["typing"] {
            second = ask().await;
        }
        assert_eq!(texts(&first), ["same", "same"]);
        assert_eq!(
            texts(&second),
            ["same", "same", "meanwhile"],
            "everything after the cursor, and once"
        );
        assert!(first["members"].is_null() && second["members"].is_null(), "{second}");
        // The log is read anew for who goes on from an answer that has been overtaken, and nothing is missing.
        let stale: Value = bob
            .ask(first["cursor"].as_str().unwrap(), 0)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(
            (texts(&stale), stale["members"].as_array().map(Vec::len)),
            (vec!["meanwhile"], Some(2))
        );
        bob.take(&stale);
        ann.send(json!({"typing": false})).flush().await;
        assert_eq!(bob.until("typing").await["typing"], false);
    }
    assert!(bob.poll(0).await.is_none());
}

#[tokio::test]
async fn any_cursor_of_any_transport_will_do() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let mut bob = Poller::join(&server, "r", "Bob").await;
    ann.expect("joined").await;
    for n in 1..=4 {
        ann.publish(&n.to_string(), n).await;
    }
    let all = bob.poll(0).await.unwrap();
    assert_eq!(texts(&all), ["1", "2", "3", "4"]);
    // From a message in the middle, as a socket would have it: the seat is looked up anew.
    let middle = all["messages"][1]["cursor"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let again: Value = bob.ask(&middle, 0).send().await.unwrap().json().await.unwrap();
        assert_eq!(
            (texts(&again), again["members"].as_array().unwrap().len()),
            (vec!["3", "4"], 2),
            "{again}"
        );
        assert_eq!((&again["reset"], &again["lastN"]), (&Value::Null, &json!(0)));
    }
    // From nowhere: everything that is kept.
    let whole: Value = bob
        .http
        .get(bob.url("messages"))
        .bearer_auth(&bob.ticket)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!((texts(&whole).len(), &whole["reset"]), (4, &Value::Null));
    // From another life, and from the future.
    for cursor in ["1-1".to_owned(), format!("{}0", all["messages"][3]["cursor"].as_str().unwrap())]
    {
        let reset: Value = bob.ask(&cursor, 0).send().await.unwrap().json().await.unwrap();
        assert_eq!((texts(&reset).len(), &reset["reset"]), (4, &json!(true)), "{cursor}");
        bob.take(&reset);
    }
    // A socket goes on from a poll's cursor, and a poll from the socket's; the seat is the same.
    ann.publish("5", 5).await;
    let mut socket = Client::resume(&server, "r", &bob.ticket, Some(&bob.cursor)).await;
    assert_eq!(
        (&socket.welcome["clientId"], &socket.welcome["resumed"]),
        (&bob.welcome["clientId"], &json!(true))
    );
    assert_eq!(socket.welcome["history"].as_array().unwrap().len(), 1);
    ann.publish("6", 6).await;
    assert_eq!(socket.expect("chat").await["text"], "6");
    ann.publish("7", 7).await;
    bob.cursor.clone_from(&socket.cursor);
    let back = bob.poll(0).await.unwrap();
    assert_eq!((texts(&back), back["members"].as_array().unwrap().len()), (vec!["7"], 2));
    assert_eq!(socket.until("closing").await["code"], "replaced");
    assert_eq!(
        ann.seen.iter().filter(|line| line.contains("joined") || line.contains("left")).count(),
        1,
        "{:?}",
        ann.seen
    );
}

#[tokio::test]
async fn of_two_polls_the_newer_is_answered_and_a_seat_opened_elsewhere_is_said() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let bob = Poller::join(&server, "r", "Bob").await;
    let ask = || tokio::spawn(bob.ask(&bob.cursor, 60).send());
    let older = ask();
    // The older must be waiting before the newer comes.
    let mut newer = ask();
    let older = tokio::select! {
        answer = older => answer.unwrap().unwrap(),
        answer = &mut newer => { newer = tokio::spawn(bob.ask(&bob.cursor, 60).send()); answer.unwrap().unwrap() }
    };
    assert_eq!(older.status(), StatusCode::NO_CONTENT);
    ann.expect("joined").await;
    ann.publish("hello", 1).await;
    let newer: Value = newer.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(texts(&newer), ["hello"]);

    let mut bob = bob;
    bob.take(&newer);
    let waiting = tokio::spawn(bob.ask(&bob.cursor, 60).send());
    let twice = Poller::join_at(&server.url(""), "r", json!({}), Some(&bob.ticket)).await;
    assert_eq!(twice.welcome["clientId"], bob.welcome["clientId"]);
    let refused = waiting.await.unwrap().unwrap();
    // It may have come only after the other had been let in: then it is just another poll.
    if refused.status() != StatusCode::OK {
        assert_eq!(
            (refused.status(), refused.json::<Value>().await.unwrap()["code"].as_str()),
            (StatusCode::CONFLICT, Some("replaced"))
        );
    }
    assert_eq!(server.heads("r").await, 2);
}

#[tokio::test]
async fn what_does_not_fit_a_mailbox_is_taken_from_the_log() {
    let server = TestServer::start(&[
        "--rate",
        "10000",
        "--address-rate",
        "0",
        "--address-joins",
        "0",
        "--history-bytes",
        "10000000",
        "--address-text",
        "0",
    ])
    .await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let mut bob = Poller::join(&server, "r", "Bob").await;
    let long = "x".repeat(4000);
    ann.expect("joined").await;
    for (n, expect_reset) in [(100_u64, false), (250, true)] {
        let first = ann.welcome["lastN"].as_u64().unwrap() + if expect_reset { 101 } else { 1 };
        for i in first..first + n {
            ann.publish(&format!("{i} {long}").chars().take(4000).collect::<String>(), i).await;
        }
        let answer = bob.poll(0).await.unwrap();
        let numbers: Vec<u64> = answer["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["seq"].as_u64().unwrap())
            .collect();
        let kept = if expect_reset { 200 } else { n };
        assert!(numbers.iter().copied().eq(first + n - kept..first + n), "{numbers:?}");
        assert_eq!((answer["reset"] == true, answer["members"].is_array()), (expect_reset, true));
    }
}

#[tokio::test]
async fn the_predecessors_shapes_are_understood_and_equal_messages_both_arrive() {
    let server = TestServer::start(&[]).await;
    let mut bob = Poller::join(&server, "r", "Bob").await;
    let mut last = 0;
    for shape in [
        r#"{"text":"hi","typing":false}"#,
        r#"{"type":"chat","message":"hi"}"#,
        r#"{"content":"hi"}"#,
        r#"{"text":"hi","n":77}"#,
        r#"{"text":"hi"}"#,
    ] {
        let ack: Value = bob.post("messages", shape).send().await.unwrap().json().await.unwrap();
        assert!(ack["n"].as_u64().unwrap() > last && ack["duplicate"].is_null(), "{ack}");
        last = ack["n"].as_u64().unwrap();
    }
    assert_eq!(last, 78, "the next one");
    assert_eq!(texts(&bob.poll(0).await.unwrap()), ["hi"; 5]);
}
