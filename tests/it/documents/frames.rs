//! Frames: what clients send and what they get.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{
    hosting::hosted,
    scene::{LIVEKIT_SECRET, Scene, VIDEO},
    schemas::Documents,
};
use crate::{
    support::redis,
    wire::{Client, Heard, TestServer, eventually, listener::Listener, livekit},
};

/// What only a host may ask for.
const HOSTS: [&str; 13] = [
    "kick",
    "lock",
    "admit",
    "refuse",
    "host",
    "burn",
    "lifetime",
    "history",
    "topic",
    "mute",
    "hush",
    "invite-only",
    "revoke",
];

#[tokio::test(flavor = "multi_thread")]
async fn without_its_store_every_address_says_what_the_document_says() {
    let documents = Documents::read();
    let redis = redis::Server::start();
    let server = TestServer::start(&[&VIDEO[..], &["--redis-url", &redis.url()]].concat()).await;
    eventually("Redis in reach", || server.hub.ready()).await;
    let mut scene = Scene::on(server, "general").await;
    redis.kill();
    let mut seen = BTreeSet::new();
    while !seen.contains("status") {
        if let Heard::Frame(frame) = scene.bob.next().await {
            documents.hold("tell", &frame, &mut seen);
        }
    }
    let operations = documents.operations();
    let answers = operations
        .iter()
        .map(async |operation| scene.send(operation, &operation.plain_request()).await);
    for (operation, response) in operations.iter().zip(join_all(answers).await) {
        let (status, code) = operation.hold(response).await;
        let asks_the_store =
            operation.path.starts_with("/api/rooms") || ["speak", "report"].contains(&operation.id);
        // Who polls is told nothing new, and leaves as soon as that is possible.
        if asks_the_store && !["poll", "leave"].contains(&operation.id) {
            assert_eq!(status, 503, "{} {code:?}", operation.id);
        }
    }
    // What Redis lost is said in a frame of its own.
    assert!(redis.launch());
    while !seen.contains("reset") {
        match scene.bob.next().await {
            Heard::Frame(frame) => documents.hold("tell", &frame, &mut seen),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_of_a_client_in_the_document_is_answered_as_it_says() {
    let documents = Documents::read();
    let mut seen = BTreeSet::new();
    let mut sent = 0;
    for (kind, message) in documents.messages("say") {
        let good = message["examples"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (&one["payload"], one["x-answer"].clone()));
        let refused = message["x-refused"].as_object().into_iter().flatten();
        let refused = refused.map(|(code, payload)| (payload, json!({ "error": code })));
        for (payload, answer) in good.chain(refused) {
            let mut scene = Scene::set("general", &VIDEO).await;
            let by_host = HOSTS.contains(&kind);
            let eve = match kind {
                "resume" => Client::open(&scene.server, "room=general&resume=1").await,
                _ => Client::join(&scene.server, "general", "Eve").await,
            };
            if by_host {
                scene = scene.awaited().await;
            }
            let payload = scene.fill(&payload.to_string());
            if answer["error"].is_null() {
                documents.check(
                    kind,
                    &message["payload"],
                    &serde_json::from_str(&payload).unwrap(),
                );
            }
            let Scene { server: _server, bob, ann: _poller, .. } = scene;
            documents.hold("tell", &bob.welcome, &mut seen);
            let (mut ann, mut bob) = if by_host { (bob, eve) } else { (eve, bob) };
            if by_host {
                // What has changed until then is no answer.
                ann.send(json!({ "type": "ping" })).flush().await;
                ann.until("pong").await;
                bob.until("rules").await;
            } else if kind != "resume" {
                // What can be amended: message 1 is Eve's, message 2 is Bob's.
                ann.publish("hello", 1).await;
                bob.until("chat").await;
                bob.publish("hello", 1).await;
                ann.until("chat").await;
            }
            ann.send_text(&payload).flush().await;
            let (own, others, code) =
                (answer["frame"].as_str(), answer["others"].as_str(), answer["error"].as_str());
            let close = answer["close"].as_u64();
            assert!(
                own.is_some() || others.is_some() || code.is_some(),
                "{kind} expects nothing: {answer}"
            );
            for (person, expected) in
                [(&mut ann, own.or(code.map(|_| "error"))), (&mut bob, others)]
            {
                let Some(expected) = expected else { continue };
                loop {
                    let Heard::Frame(frame) = person.next().await else {
                        panic!("no {expected}: {:?}", person.seen)
                    };
                    documents.hold("tell", &frame, &mut seen);
                    if frame["type"] == *expected {
                        assert!(
                            code.is_none_or(|code| frame["code"] == *code),
                            "{payload}: {frame}"
                        );
                        break;
                    }
                }
            }
            if let Some(close) = close {
                // The end of a room is told by its receipt, then by the reason.
                if own == Some("receipt") {
                    documents.hold("tell", &ann.until("closing").await, &mut seen);
                }
                ann.expect_close(u16::try_from(close).unwrap()).await;
            }
            if own == Some("ack") && others.is_none() && !by_host {
                documents.hold("tell", &bob.until(kind).await, &mut seen);
            }
            sent += 1;
        }
    }
    // What no text of a client's brings about, and the stream.
    let Scene { server, mut bob, ann, book, .. } = Scene::with_accounts("general", &VIDEO).await;
    bob.put(Message::binary(vec![1])).flush().await;
    documents.hold("tell", &bob.until("error").await, &mut seen);
    let (mut heard, base) = (BTreeSet::new(), server.url(""));
    let mut stream = Listener::open(&base, "general", "", Some(&ann.ticket), None).await;
    documents.hold("stream", &stream.welcome, &mut heard);
    ann.publish("hello", 1).await;
    bob.until("chat").await;
    bob.send(json!({"typing": true}));
    for frame in [
        json!({"text": "hello", "replyTo": 1}),
        json!({"text": "hallo"}),
        json!({"text": "soon gone"}),
        json!({"type": "react", "target": 3, "emoji": "👍", "on": true}),
        json!({"type": "edit", "target": 3, "text": "hello"}),
        json!({"type": "rename", "user": "Bo"}),
        json!({"type": "delete", "target": 4}),
    ] {
        bob.send(frame);
    }
    bob.flush().await;
    while !heard.contains("delete") {
        documents.hold("stream", &stream.next().await.unwrap(), &mut heard);
    }
    // A newcomer gets the messages as they are now, in the form that the document gives them.
    let late = Client::join(&server, "general", "Late").await;
    documents.hold("tell", &late.welcome, &mut seen);
    let history = late.welcome["history"].as_array().unwrap();
    for field in ["replyTo", "reactions", "edited", "deleted"] {
        assert!(history.iter().any(|item| !item[field].is_null()), "no {field} in {history:?}");
    }
    late.leave().await;
    let cy = Client::join(&server, "general", "Cy").await;
    let came = livekit::report_of("participant_joined", "general", cy.id(), 1_700_000_000_000);
    assert_eq!(
        livekit::reports(&server, &came, &livekit::signed(&came, LIVEKIT_SECRET)).await,
        200
    );
    documents.hold("tell", &bob.until("call").await, &mut seen);
    let dee = Client::join(&server, "general", "Dee").await;
    assert!(
        dee.welcome["members"].as_array().unwrap().iter().any(|member| member["inCall"] == true)
    );
    documents.hold("tell", &dee.welcome, &mut seen);
    dee.leave().await;
    cy.leave().await;
    // Amy is who she says.
    let mut request = Client::request(&server, "room=general");
    request
        .headers_mut()
        .insert("cookie", format!("token={}", book.as_ref().unwrap().token).parse().unwrap());
    let mut amy = Client::upgrade(&server, request).await.unwrap().welcomed().await;
    amy.publish("hello", 1).await;
    assert_eq!(amy.welcome["verified"], true);
    documents.hold("tell", &amy.welcome, &mut seen);
    for (kind, name) in [("joined", "Amy"), ("chat", "Amy")] {
        let frame = loop {
            let frame = bob.until(kind).await;
            if frame["user"] == name {
                break frame;
            }
        };
        assert_eq!(frame["verified"], true, "{frame}");
        documents.hold("tell", &frame, &mut seen);
    }
    amy.leave().await;
    while !heard.contains("left") {
        documents.hold("stream", &stream.next().await.unwrap(), &mut heard);
    }
    server.hub.shutdown().await;
    while let Some(frame) = stream.next().await {
        documents.hold("stream", &frame, &mut heard);
    }
    documents.hold("tell", &bob.until("closing").await, &mut seen);
    // A crowd, by every door.
    let Scene { server, mut bob, ann, .. } = Scene::set("general", &["--crowd", "2"]).await;
    let mut stream = Listener::open(&server.url(""), "general", "?name=Eve", None, None).await;
    assert_eq!((&stream.welcome["crowd"], &stream.welcome["count"]), (&json!(true), &json!(3)));
    documents.hold("stream", &stream.welcome, &mut heard);
    documents.hold("tell", &bob.until("presence").await, &mut seen);
    let operations = documents.operations();
    let poll = operations.iter().find(|operation| operation.id == "poll").unwrap();
    let (news, anew) =
        (ann.ask(&ann.cursor, 60).send().await.unwrap(), ann.ask("1-0", 0).send().await.unwrap());
    assert_eq!((poll.hold(news).await.0, poll.hold(anew).await.0), (200, 200));
    bob.leave().await;
    ann.leave().await;
    while !heard.contains("presence") {
        documents.hold("stream", &stream.next().await.unwrap(), &mut heard);
    }
    hosted(&documents, &mut seen, &mut heard).await;
    // Only a store that fails brings these about: another test does.
    let rare = ["status", "reset"];
    for (operation, seen) in [("tell", &seen), ("stream", &heard)] {
        let missing: Vec<_> = documents
            .messages(operation)
            .into_keys()
            .filter(|kind| !seen.contains(*kind))
            .collect();
        assert!(
            missing.iter().all(|kind| rare.contains(kind)),
            "{operation}: never heard {missing:?}"
        );
    }
    println!(
        "{sent} frames sent, {} kinds heard on the socket, {} on the stream",
        seen.len(),
        heard.len()
    );
}
