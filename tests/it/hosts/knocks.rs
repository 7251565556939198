//! People who wait until the host admits them: how many, what they see, and when they are forgotten.

use serde_json::{Value, json};

use super::{
    Nodes, decide, door, host_of, join, lock, refused, rest, say,
    visitor::{Refusal, Visitor, answer},
};
use crate::wire::Client;

/// The most that wait at once.
const MOST: usize = 20;

fn refusal(status: u16, code: &str) -> Refusal {
    Refusal { status, code: code.into() }
}

fn admit(id: &str) -> Value {
    json!({"type": "admit", "clientId": id})
}

fn refuse(id: &str) -> Value {
    json!({"type": "refuse", "clientId": id})
}

fn id(welcome: &Value) -> String {
    welcome["clientId"].as_str().unwrap().to_owned()
}

/// A host that has a room with a title, a message and another member, at which people must knock.
async fn room(nodes: &Nodes) -> (Client, Client) {
    let mut ann = join(nodes.here(), "r", "Annabel", "192.0.2.1").await;
    let bob = join(nodes.there(), "r", "Barnaby", "192.0.2.2").await;
    ann.until("joined").await;
    say(&mut ann, "the secret", 1).await;
    decide(&mut ann, json!({"type": "topic", "title": "the heading"})).await;
    decide(&mut ann, lock("knock")).await;
    (ann, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_alone_hears_of_who_waits_and_admits_over_each_transport() {
    for nodes in Nodes::both(&[]).await {
        let (mut ann, mut bob) = room(&nodes).await;
        let there = nodes.there();
        let from = |name: &str| Visitor::new(name).from("192.0.2.9");
        let mut socket = from("Sid").by_socket(there, "r").await.waits();
        let told = ann.until("knock").await;
        let expected = json!({"type": "knock", "clientId": socket.welcome["clientId"], "user": "Sid", "room": "r"});
        assert_eq!(told, expected);
        let mut stream = from("Eve").by_events(there, "r").await.waits();
        assert_eq!(ann.until("knock").await["clientId"], stream.welcome["clientId"]);
        let mut terminal = from("Zoe").by_terminal(there, "r").await.waits();
        let zoe = ann.until("knock").await;
        assert_eq!(zoe["user"], "Zoe");
        let poll = from("Pat").by_join(there, "r").await.waits();
        let pat = ann.until("knock").await;
        assert_eq!((&pat["user"], &poll.welcome["retryAfter"]), (&json!("Pat"), &json!(1000)));
        // A host that comes back is told of all of them.
        let back = Visitor::new("Annabel").ticket(ann.ticket()).by_socket(there, "r").await;
        let mut ann = back.joined();
        let mut waiting: Vec<&str> = ann.welcome["knocks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|knock| knock["user"].as_str().unwrap())
            .collect();
        waiting.sort_unstable();
        assert_eq!(waiting, ["Eve", "Pat", "Sid", "Zoe"]);

        for id in [
            &socket.welcome["clientId"],
            &stream.welcome["clientId"],
            &zoe["clientId"],
            &pat["clientId"],
        ] {
            let id = id.as_str().unwrap();
            decide(&mut ann, admit(id)).await;
        }
        let welcome = socket.expect("welcome").await;
        assert_eq!(
            (&welcome["clientId"], host_of(&welcome)),
            (&socket.welcome["clientId"], vec!["Annabel"])
        );
        assert!(welcome["knocks"].is_null(), "for the host alone: {welcome}");
        assert_eq!(stream.expect("welcome").await["clientId"], stream.welcome["clientId"]);
        terminal.until("* You are Zoe in r.").await;
        let again = from("Pat").ticket(&poll.ticket).by_join(there, "r").await.joined();
        assert_eq!(again.welcome["clientId"], pat["clientId"]);
        assert_eq!(door(there, "r").await["members"], 6);
        // Nobody but the host was told of those who waited.
        while bob.until("joined").await["user"] != "Pat" {}
        assert!(
            !bob.seen.iter().any(|line| line.contains(r#" "type": String("knock"#)),
            "{:?}",
            bob.seen
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_twenty_wait_and_the_next_is_refused_over_each_transport() {
    for nodes in Nodes::both(&[]).await {
        let (mut ann, _bob) = room(&nodes).await;
        let mut waiting = Vec::new();
        for at in 0..MOST {
            let node = if at % 2 == 0 { nodes.here() } else { nodes.there() };
            let visitor = Visitor::new(&format!("W{at}")).from(&format!("203.0.113.{at}"));
            waiting.push(visitor.by_socket(node, "r").await.waits());
            ann.until("knock").await;
        }
        let more = Visitor::new("More").from("203.0.113.100");
        for node in nodes.each() {
            assert_eq!(more.by_socket(node, "r").await.refused(), refusal(4429, "knocks_full"));
            assert_eq!(more.by_events(node, "r").await.refused(), refusal(429, "knocks_full"));
            assert_eq!(more.by_join(node, "r").await.refused(), refusal(429, "knocks_full"));
            assert_eq!(more.by_terminal(node, "r").await.refused().status, 429);
        }
        // A person that goes away makes room for another.
        let gone = waiting.remove(7);
        let gone_id = id(&gone.welcome);
        gone.drop_link();
        assert_eq!(ann.until("knock-over").await["clientId"], *gone_id);
        let more = more.by_events(nodes.there(), "r").await.waits();
        assert_eq!(ann.until("knock").await["clientId"], more.welcome["clientId"]);
        drop(more);
        ann.until("knock-over").await;
        let last = Visitor::new("Last").from("203.0.113.101");
        last.by_terminal(nodes.here(), "r").await.waits();
        ann.until("knock").await;
        ann.until("knock-over").await;
        // Unlocking lets all of them in.
        decide(&mut ann, lock("open")).await;
        for person in &mut waiting {
            person.expect("welcome").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_waits_learns_nothing_of_the_room() {
    for nodes in Nodes::both(&[]).await {
        let (mut ann, mut bob) = room(&nodes).await;
        let there = nodes.there();
        let from = |name: &str| Visitor::new(name).from("192.0.2.9");
        let mut socket = from("Sid").by_socket(there, "r").await.waits();
        let mut stream = from("Eve").by_events(there, "r").await.waits();
        let mut terminal = from("Zoe").by_terminal(there, "r").await.waits();
        let poll = from("Pat").by_join(there, "r").await.waits();
        let mut zoe = String::new();
        for _ in 0..4 {
            let knock = ann.until("knock").await;
            if knock["user"] == "Zoe" {
                zoe = id(&knock);
            }
        }
        // Things go on while they wait.
        say(&mut ann, "another secret", 2).await;
        bob.send(json!({"type": "rename", "user": "Barney"})).until("ack").await;
        bob.send(json!({"type": "typing", "typing": true})).flush().await;
        decide(&mut ann, json!({"type": "mute", "clientId": bob.id(), "muted": true})).await;
        // Nor does a ticket that is only good for asking again open anything.
        let with = Visitor::default().ticket(&poll.ticket);
        let mut told = vec![poll.welcome.to_string(), door(there, "r").await.to_string()];
        for node in nodes.each() {
            for (method, what) in [
                (reqwest::Method::GET, "messages"),
                (reqwest::Method::POST, "messages"),
                (reqwest::Method::POST, "typing"),
                (reqwest::Method::POST, "livekit-token"),
                (reqwest::Method::POST, "files"),
                (reqwest::Method::GET, "files/6f0c4a8e-9f7c-4c8d-9f2f-5a112f1f9ba2"),
                (reqwest::Method::GET, "invites"),
            ] {
                let body = match what {
                    "files" => r#"{"size":5}"#,
                    "typing" => r#"{"typing":true}"#,
                    _ => r#"{"text":"hi"}"#,
                };
                let request = with.request(method.clone(), node, &format!("/api/rooms/r/{what}"));
                let (status, body) = answer(request.body(body)).await;
                assert!(matches!(status, 403 | 503), "{method} {what}: {status} {body}");
                told.push(body.to_string());
            }
            // It asks again, and still waits.
            told.push(
                from("Pat")
                    .ticket(&poll.ticket)
                    .by_join(node, "r")
                    .await
                    .waits()
                    .welcome
                    .to_string(),
            );
        }
        for waits in [&socket.welcome, &stream.welcome] {
            decide(&mut ann, refuse(&id(waits))).await;
        }
        let (frames, close) = rest(&mut socket).await;
        assert_eq!((frames.len(), close), (2, 4403), "{frames:?}");
        told.extend(frames.iter().map(Value::to_string));
        told.push(socket.welcome.to_string());
        while let Some(frame) = stream.next().await {
            told.push(frame.to_string());
        }
        let closing: Value = serde_json::from_str(told.last().unwrap()).unwrap();
        assert_eq!(
            (&closing["type"], &closing["code"]),
            (&json!("closing"), &json!("not_admitted"))
        );
        decide(&mut ann, refuse(&zoe)).await;
        terminal.until("* the host did not let you in\n").await;
        told.push(terminal.end().await);
        for secret in ["Anna", "Barn", "secret", "heading", bob.id(), ann.id(), "Sid", "Eve"] {
            for text in &told {
                assert!(!text.contains(secret), "{secret}: {text}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_person_cannot_knock_again_from_its_address() {
    for nodes in Nodes::both(&[]).await {
        let (mut ann, _bob) = room(&nodes).await;
        let visitor = Visitor::new("Sid").from("203.0.113.1");
        let mut sid = visitor.by_socket(nodes.there(), "r").await.waits();
        // A neighbour behind the same address, who has been waiting for its own answer.
        let mut neighbour =
            Visitor::new("Ned").from("203.0.113.1").by_socket(nodes.here(), "r").await.waits();
        ann.until("knock").await;
        ann.until("knock").await;
        decide(&mut ann, refuse(&id(&sid.welcome))).await;
        assert_eq!(sid.expect_error("not_admitted").await["code"], "not_admitted");
        sid.expect_closing("not_admitted", 4403).await;
        for node in nodes.each() {
            for again in [&visitor, &Visitor::new("Other").from("203.0.113.1")] {
                assert_eq!(
                    again.by_socket(node, "r").await.refused(),
                    refusal(4403, "not_admitted")
                );
                assert_eq!(
                    again.by_events(node, "r").await.refused(),
                    refusal(403, "not_admitted")
                );
                assert_eq!(again.by_join(node, "r").await.refused(), refusal(403, "not_admitted"));
                assert_eq!(again.by_terminal(node, "r").await.refused().status, 403);
            }
        }
        let elsewhere = Visitor::new("Else").from("203.0.113.2");
        drop(elsewhere.by_socket(nodes.there(), "r").await.waits());
        // The neighbour has been asked about, and gets an answer of its own.
        decide(&mut ann, admit(&id(&neighbour.welcome))).await;
        assert_eq!(neighbour.expect("welcome").await["clientId"], neighbour.welcome["clientId"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poller_that_asks_no_more_waits_no_longer() {
    for nodes in Nodes::both(&[]).await {
        let (mut ann, _bob) = room(&nodes).await;
        let pat = Visitor::new("Pat").from("203.0.113.1").by_join(nodes.there(), "r").await.waits();
        let knock = ann.until("knock").await;
        assert_eq!(ann.until("knock-over").await["clientId"], knock["clientId"]);
        assert_eq!(refused(&mut ann, &admit(&id(&knock))).await, "no_member");
        // It may knock anew, under the same id.
        let again = Visitor::new("Pat").from("203.0.113.1").ticket(&pat.ticket);
        again.by_join(nodes.there(), "r").await.waits();
        assert_eq!(ann.until("knock").await["clientId"], knock["clientId"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_waits_does_not_inherit_a_room_that_has_ended() {
    for nodes in Nodes::both(&[]).await {
        for end in ["burn", "leave"] {
            let (mut ann, bob) = room(&nodes).await;
            bob.leave().await;
            let mut sid =
                Visitor::new("Sid").from("203.0.113.1").by_socket(nodes.there(), "r").await.waits();
            let mut eve =
                Visitor::new("Eve").from("203.0.113.2").by_events(nodes.here(), "r").await.waits();
            ann.until("knock").await;
            ann.until("knock").await;
            ann.send(json!({ "type": end })).flush().await;
            let (frames, _) = rest(&mut sid).await;
            let code = &frames.last().unwrap()["code"];
            assert!(code == "burned" || code == "not_admitted", "{end}: {frames:?}");
            let closing = loop {
                let frame = eve.next().await.expect("closing first");
                if frame["type"] == "closing" {
                    break frame;
                }
                assert_eq!(frame["type"], "receipt", "{frame}");
            };
            assert!(closing["code"] == "burned" || closing["code"] == "not_admitted", "{closing}");
            rest(&mut ann).await;
            assert_eq!(door(nodes.there(), "r").await["members"], 0);
        }
    }
}
