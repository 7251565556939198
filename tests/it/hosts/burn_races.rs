//! A burn while other things go on in the room, and one that a node does not hear of.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parlor::receipt::{Cause, verify};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    ARGS, Nodes, ask,
    burns::{burn, ended},
    door, join, rest, say,
    visitor::{Entry, Visitor, answer},
};
use crate::{
    support::{line::Line, redis},
    wire::{Client, Heard, TestServer, eventually, poller::Poller, within_patience},
};

/// Sends until the socket is closed, which must be for the burn.
async fn talks(mut member: Client) {
    let mut n = 0;
    loop {
        n += 1;
        member.send(json!({"text": "x".repeat(200), "n": n}));
        loop {
            match member.next().await {
                Heard::Frame(frame) if frame["type"] == "ack" => break,
                Heard::Frame(frame) if frame["type"] == "error" => {
                    assert_eq!(frame["code"], "not_member", "{frame}");
                    break;
                }
                Heard::Frame(_) | Heard::Pong(_) => {}
                Heard::Closed(code, _) => return assert_eq!(code, 4410),
                Heard::Gone => panic!("{:?}", member.seen),
            }
        }
    }
}

/// Uploads until it is refused, which must be because the room is no more.
async fn uploads(member: Poller) {
    let piece = vec![7_u8; 64 * 1024];
    let by_ticket =
        |method, url: &str| member.http.request(method, url).bearer_auth(&member.ticket);
    loop {
        let wish = json!({ "size": piece.len() }).to_string();
        let (status, opened) = answer(member.post("files", wish)).await;
        if status == 201 {
            let url = member.url(&format!("files/{}", opened["file"].as_str().unwrap()));
            let write = by_ticket(Method::PATCH, &url).header("upload-offset", 0);
            let (status, body) = answer(write.body(piece.clone())).await;
            if status != 200 && is_over(status, &body) {
                return;
            }
            let (status, body) = answer(by_ticket(Method::DELETE, &url)).await;
            if status != 204 && is_over(status, &body) {
                return;
            }
        } else if is_over(status, &opened) {
            return;
        }
    }
}

/// Whether a request was refused because the room is no more.
fn is_over(status: u16, body: &Value) -> bool {
    let code = body["code"].as_str().unwrap_or_default();
    // The room may have been made anew by one that joins; and what Redis does not answer in time is asked again.
    let over = [(403, "not_member"), (401, "bad_ticket"), (410, "burned"), (404, "no_file")];
    assert!(over.contains(&(status, code)) || code == "store_unavailable", "{status} {body}");
    code != "store_unavailable"
}

/// Joins and leaves, again and again.
async fn comes_and_goes(server: SocketAddr, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        match Visitor::new("Guest").from("192.0.2.77").by_join(server, "r").await {
            Entry::In(poller) => {
                let left = async || answer(poller.post("leave", "")).await;
                let (mut status, mut body) = left().await;
                while status == 503 {
                    (status, body) = left().await;
                }
                assert!(status < 300 || status == 401, "{status} {body}");
            }
            // The burn came while the join was under way.
            Entry::Refused(why) => {
                let expected = ["burned", "replaced", "store_unavailable"];
                assert!(expected.contains(&&*why.code), "{why:?}");
            }
            Entry::Waits(_) => panic!("kept waiting"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burn_amid_joins_messages_and_uploads_leaves_no_trace() {
    for nodes in Nodes::both(&[]).await {
        for round in 0..3 {
            let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
            let stop = Arc::new(AtomicBool::new(false));
            let (mut members, mut guests) = (Vec::new(), Vec::new());
            for node in [nodes.here(), nodes.there()] {
                members.push(tokio::spawn(talks(join(node, "r", "Talks", "192.0.2.2").await)));
                let uploader = Visitor::new("Uploads").from("192.0.2.3").by_join(node, "r").await;
                members.push(tokio::spawn(uploads(uploader.joined())));
                guests.push(tokio::spawn(comes_and_goes(node, Arc::clone(&stop))));
            }
            let mut heard = 0;
            while heard < 50 + round {
                heard += usize::from(ann.until("chat").await["text"].is_string());
            }
            ann.send(burn());
            let receipt = ended(&mut ann).await;
            let receipt = verify(&receipt, None).unwrap();
            assert!((receipt.cause, receipt.keys_left) == (Cause::Burned, 0), "{receipt:?}");
            for member in members {
                member.await.unwrap();
            }
            stop.store(true, Ordering::SeqCst);
            for guest in guests {
                guest.await.unwrap();
            }
            eventually("an empty node", || {
                nodes.servers.iter().all(|node| node.hub.counts() == (0, 0))
            })
            .await;
            if let Some(redis) = &nodes.redis {
                eventually("no trace", || redis.keys().is_empty()).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_away_closes_its_members_when_it_is_back() {
    let redis = redis::Server::start();
    let line = Line::to(redis.port()).await;
    let away = TestServer::with_redis(&line.url(), &ARGS).await;
    let node = TestServer::with_redis(&redis.url(), &ARGS).await;
    let mut ann = join(node.address, "r", "Ann", "192.0.2.1").await;
    let mut bob = join(away.address, "r", "Bob", "192.0.2.2").await;
    let mut pat = Visitor::new("Pat").from("192.0.2.3").by_join(away.address, "r").await.joined();
    ann.until("joined").await;
    // What it is not told while its connection is broken, it is told by no message.
    line.hold(true);
    redis.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    within_patience("the room is burned", async || {
        let (status, body) = ask(node.address, "r", ann.ticket(), &burn()).await;
        if status == 200 { Ok(()) } else { Err(body) }
    })
    .await;
    assert_eq!(redis.keys(), [] as [String; 0]);
    assert_eq!(rest(&mut ann).await.1, 4410);
    // Somebody makes the room anew meanwhile.
    let mut anew = join(node.address, "r", "Cid", "192.0.2.4").await;
    line.hold(false);
    let (frames, code) = rest(&mut bob).await;
    assert_eq!((&frames.last().unwrap()["code"], code), (&json!("burned"), 4410), "{frames:?}");
    loop {
        let (status, body) = answer(pat.ask(&pat.cursor, 5)).await;
        match status {
            200 => pat.take(&body),
            204 | 503 => {}
            _ => break assert!(is_over(status, &body)),
        }
    }
    say(&mut anew, "among ourselves", 1).await;
    assert_eq!(door(node.address, "r").await["members"], 1);
    let text = format!("{:?}", bob.seen);
    assert!(!text.contains("among ourselves"), "{text}");
}
