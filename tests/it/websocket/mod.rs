//! The wire in good order: welcome, chat, ack, typing, presence.

mod amendments;
mod bursts;
mod counters;
mod folded;
mod history;

use std::collections::HashMap;

use crate::wire::{Client, Heard, TestServer, said};
use parlor::protocol::Timestamp;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// The names of an object's fields, sorted.
fn fields(value: &Value) -> Vec<&str> {
    let mut fields: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

/// RFC 3339, UTC, and not far from now.
fn is_now(stamp: &Value) -> bool {
    let stamp = stamp.as_str().unwrap();
    let now = parlor::store::memory::wall_clock();
    let text = |at| serde_json::to_value(Timestamp(at)).unwrap().as_str().unwrap().to_owned();
    stamp.ends_with('Z')
        && text(now - 60_000).as_str() < stamp
        && stamp < text(now + 60_000).as_str()
}

#[tokio::test]
async fn welcome_says_all_that_the_contract_promises() {
    let server = TestServer::start(&[
        "--history-len",
        "7",
        "--history-age",
        "90s",
        "--grace",
        "4s",
        "--room-members",
        "9",
    ])
    .await;
    let ann = Client::join(&server, "general", "Ann").await;
    let welcome = &ann.welcome;
    let promised = [
        "clientId",
        "count",
        "cursor",
        "history",
        "lastN",
        "limits",
        "members",
        "reset",
        "resumed",
        "room",
        "roomId",
        "ticket",
        "timestamp",
        "type",
        "user",
        "video",
    ];
    assert_eq!(fields(welcome), promised);
    assert_eq!((&welcome["roomId"], &welcome["user"]), (&json!("general"), &json!("Ann")));
    assert_eq!((&welcome["resumed"], &welcome["reset"]), (&json!(false), &json!(false)));
    assert_eq!(
        (&welcome["lastN"], &welcome["history"], &welcome["video"]),
        (&json!(0), &json!([]), &json!(false))
    );
    assert_eq!(welcome["count"], 1);
    let limits = json!({"textLength": 4000, "historyLength": 7, "historyAge": 90, "editAge": 900, "grace": 4, "poll": 15, "members": 9, "fileBytes": 10_485_760, "roomFileBytes": 52_428_800, "fileChunk": 262_144});
    assert_eq!(welcome["limits"], limits);
    assert!(
        uuid::Uuid::parse_str(ann.id()).is_ok()
            && !ann.ticket().is_empty()
            && !ann.cursor.is_empty()
    );
    assert!(is_now(&welcome["timestamp"]), "{welcome}");
    let member = &welcome["members"][0];
    assert_eq!(welcome["room"], json!({"lock": "open", "history": "all"}));
    assert_eq!(
        (fields(member), &member["host"]),
        (vec!["clientId", "host", "joinedAt", "user"], &json!(true))
    );
    assert_eq!((&member["clientId"], &member["user"]), (&json!(ann.id()), &json!("Ann")));
    assert!(
        is_now(&member["joinedAt"]) && welcome["members"].as_array().unwrap().len() == 1,
        "{welcome}"
    );
}

#[tokio::test]
async fn a_frame_says_its_type_first() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::open(&server, "room=general&name=Ann").await;
    let mut raw = Vec::new();
    ann.send(json!({"type": "chat", "text": "hi"}))
        .send(json!({"type": "ping"}))
        .send(json!({"type": "nonsense"}));
    ann.flush().await;
    while raw.len() < 4 {
        match futures_util::StreamExt::next(&mut ann.socket).await.unwrap().unwrap() {
            Message::Text(text) => raw.push(text.to_string()),
            other => panic!("{other:?}"),
        }
    }
    assert!(raw.iter().all(|frame| frame.starts_with(r#"{"type":""#)), "{raw:?}");
}

#[tokio::test]
async fn a_room_and_a_guest_name_are_invented_when_none_are_given() {
    let server = TestServer::start(&[]).await;
    let (one, two) =
        (Client::enter(&server, "").await, Client::enter(&server, "room=&name=").await);
    assert_ne!(one.room(), two.room());
    assert!(one.room().len() >= 13, "at least 60 random bits: {}", one.room());
    assert!(!one.welcome["user"].as_str().unwrap().trim().is_empty());
    assert_ne!(one.welcome["user"], two.welcome["user"], "guests can be told apart");
    let host = Client::join(&server, one.room(), "Host").await;
    assert_eq!(
        host.welcome["members"].as_array().unwrap().len(),
        2,
        "the invented room can be met in"
    );
}

#[tokio::test]
async fn a_message_reaches_the_others_and_comes_back_as_an_ack() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    let text = "  Привет 👋\u{0}\n<b>\"quoted\"</b>  ";
    let ack = ann.publish(text, 41).await;
    let chat = bob.expect("chat").await;
    assert_eq!(
        fields(&chat),
        ["cursor", "from", "room", "seq", "text", "timestamp", "type", "user"]
    );
    let told = json!({"type": "chat", "seq": 1, "from": ann.id(), "user": "Ann", "room": "general", "text": text,
        "timestamp": ack["timestamp"], "cursor": ack["cursor"]});
    assert_eq!(chat, told);
    assert!(is_now(&chat["timestamp"]));
    assert_eq!(
        ack,
        json!({"type": "ack", "n": 41, "seq": 1, "timestamp": chat["timestamp"], "cursor": chat["cursor"]})
    );
    bob.publish("no echo came to Ann before this", 1).await;
    assert_eq!(ann.expect("chat").await["seq"], 2);
}

#[tokio::test]
async fn nobody_can_speak_for_somebody_else() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    let mut eve = Client::join(&server, "general", "Eve").await;
    ann.expect("joined").await;
    ann.expect("joined").await;
    bob.expect("joined").await;
    let forged = json!({"type": "chat", "text": "I am Ann", "from": ann.id(), "clientId": ann.id(), "user": "Ann", "seq": 99,
        "room": "elsewhere", "timestamp": "1970-01-01T00:00:00.000Z", "to": [bob.id()], "n": 1});
    eve.send(forged).expect("ack").await;
    eve.send(json!({"type": "typing", "typing": true, "from": ann.id(), "user": "Ann"}));
    eve.flush().await;
    for reader in [&mut ann, &mut bob] {
        let chat = reader.expect("chat").await;
        assert_eq!((&chat["from"], &chat["user"]), (&json!(eve.id()), &json!("Eve")));
        assert_eq!((&chat["seq"], &chat["room"]), (&json!(1), &json!("general")));
        assert!(is_now(&chat["timestamp"]));
        let typing = reader.expect("typing").await;
        assert_eq!((&typing["from"], &typing["user"]), (&json!(eve.id()), &json!("Eve")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_sees_the_messages_of_all_senders_in_one_order_without_holes() {
    const SENDERS: usize = 5;
    const EACH: u64 = 50;
    let server =
        TestServer::start(&["--rate", "1000000", "--address-rate", "0", "--address-joins", "0"])
            .await;
    let mut seats = Vec::new();
    for sender in 0..SENDERS {
        seats.push(Client::join(&server, "ledger", &format!("Sender {sender}")).await);
    }
    seats.push(Client::join(&server, "ledger", "Witness").await);
    let names: HashMap<String, usize> =
        seats.iter().enumerate().map(|(i, client)| (client.id().to_owned(), i)).collect();
    let ledgers = seats.into_iter().enumerate().map(|(me, mut client)| {
        let names = names.clone();
        tokio::spawn(async move {
            if me < SENDERS {
                for n in 1..=EACH {
                    client.send(json!({"type": "chat", "text": format!("{me}/{n}"), "n": n}));
                    if n % 10 == 0 {
                        client.flush().await;
                        tokio::task::yield_now().await;
                    }
                }
            }
            let mut ledger: Vec<(usize, u64, String)> = Vec::new();
            while ledger.len() < SENDERS * EACH as usize {
                let Heard::Frame(frame) = client.next().await else { panic!("the link ended") };
                let author = match frame["type"].as_str().unwrap() {
                    "ack" => (me, frame["n"].as_u64().unwrap()),
                    "chat" => {
                        let (who, n) = frame["text"].as_str().unwrap().split_once('/').unwrap();
                        assert_eq!(
                            names[frame["from"].as_str().unwrap()],
                            who.parse::<usize>().unwrap()
                        );
                        (who.parse().unwrap(), n.parse().unwrap())
                    }
                    "joined" => continue,
                    other => panic!("{other}"),
                };
                assert_eq!(frame["seq"], ledger.len() + 1, "dense and in order: {frame}");
                ledger.push((author.0, author.1, frame["timestamp"].as_str().unwrap().to_owned()));
            }
            (ledger, client)
        })
    });
    let mut first: Option<Vec<(usize, u64, String)>> = None;
    let mut links = Vec::new();
    for ledger in ledgers.collect::<Vec<_>>() {
        let (ledger, client) = ledger.await.unwrap();
        links.push(client);
        assert!(ledger.windows(2).all(|pair| pair[0].2 <= pair[1].2), "time does not go back");
        for sender in 0..SENDERS {
            let own: Vec<u64> =
                ledger.iter().filter(|line| line.0 == sender).map(|line| line.1).collect();
            assert_eq!(own, (1..=EACH).collect::<Vec<_>>(), "a sender's own order is kept");
        }
        assert_eq!(first.get_or_insert_with(|| ledger.clone()), &ledger, "the same for everybody");
    }
}

#[tokio::test]
async fn typing_in_its_three_shapes_reaches_the_others_and_is_not_kept() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    bob.send(json!({"type": "typing", "typing": true}))
        .send(json!({"typing": false}))
        .send(json!({"text": "", "typing": true}));
    bob.flush().await;
    for typing in [true, false, true] {
        let frame = ann.expect("typing").await;
        assert_eq!(
            frame,
            json!({"type": "typing", "from": bob.id(), "user": "Bob", "room": "general", "typing": typing})
        );
    }
    assert_eq!(bob.publish("typing is not numbered, nor told to me", 1).await["seq"], 1);
    let late = Client::join(&server, "general", "Late").await;
    assert_eq!(said(&late.welcome["history"]), ["typing is not numbered, nor told to me"]);
}

#[tokio::test]
async fn coming_and_going_is_told_with_names_and_counts() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let bob = Client::join(&server, "general", "Bob").await;
    let joined = ann.expect("joined").await;
    assert_eq!(fields(&joined), ["clientId", "count", "joinedAt", "room", "type", "user"]);
    assert_eq!((&joined["clientId"], &joined["user"]), (&json!(bob.id()), &json!("Bob")));
    assert_eq!((&joined["count"], &joined["room"]), (&json!(2), &json!("general")));
    assert_eq!(joined["joinedAt"], bob.welcome["members"][1]["joinedAt"]);
    assert_eq!(server.heads("general").await, 2);
    let cy = Client::join(&server, "general", "Cy").await;
    assert_eq!(ann.expect("joined").await["count"], 3);
    let id = bob.id().to_owned();
    bob.leave().await;
    let left = json!({"type": "left", "clientId": id, "user": "Bob", "room": "general", "reason": "left", "count": 2});
    assert_eq!(ann.expect("left").await, left);
    cy.leave().await;
    assert_eq!(ann.expect("left").await["count"], 1);
    assert_eq!(server.heads("general").await, 1);
}

#[tokio::test]
async fn the_predecessors_shapes_of_a_message_are_understood() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    for shape in [
        r#"{"text":"Привет","typing":false}"#,
        r#"{"text":"Привет","typing":true}"#,
        r#"{"text":"Привет"}"#,
        r#"{"message":"Привет"}"#,
        r#"{"content":"Привет"}"#,
        r#"{"type":"chat","message":"Привет"}"#,
        r#"{"type":"chat","content":"Привет","user":"x","unknown":{"a":[1]}}"#,
        "\n {\t\"text\" : \"\\u041f\\u0440\\u0438\\u0432\\u0435\\u0442\" } ",
    ] {
        ann.send_text(shape).until("ack").await;
        assert_eq!(bob.expect("chat").await["text"], "Привет", "{shape}");
    }
}

#[tokio::test]
async fn pings_are_answered_on_both_layers() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    assert_eq!(ann.send(json!({"type": "ping"})).expect("pong").await, json!({"type": "pong"}));
    ann.put(Message::Ping("sign of life".into()));
    assert_eq!(ann.next().await, Heard::Pong(b"sign of life".to_vec()));
    ann.put(Message::Pong("unasked".into()));
    ann.publish("still here", 1).await;
}

#[tokio::test]
async fn typing_that_nobody_ends_ends_by_itself() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    ann.expect("joined").await;
    bob.send(json!({"typing": true})).flush().await;
    assert_eq!(ann.expect("typing").await["typing"], true);
    let ended = ann.expect("typing").await;
    assert_eq!((&ended["typing"], &ended["from"]), (&json!(false), &json!(bob.id())));
    bob.publish("and I am not told of it", 1).await;
}
