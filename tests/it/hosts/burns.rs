//! The host ends the room: for all, at once, with a receipt, and whatever is going on in it.

use std::{
    io::Write,
    net::SocketAddr,
    process::{Command, Stdio},
};

use parlor::receipt::{Cause, PublicKeys, Receipt, VideoOutcome, verify};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Nodes, ask, decide, door, join, kick, names, rest, say,
    visitor::{Visitor, answer},
};
use crate::{
    support::http,
    wire::{Client, TestServer, eventually, listener::Listener, poller::Poller},
};

const KEY: &str = "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";

pub(super) fn burn() -> Value {
    json!({"type": "burn"})
}

async fn keys(server: SocketAddr) -> PublicKeys {
    let url = format!("http://{server}/.well-known/parlor-receipt-key");
    http::get(url).await.unwrap().text().await.unwrap().parse().unwrap()
}

/// The frames at the end of a socket: the receipt, then the close.
pub(super) async fn ended(client: &mut Client) -> String {
    let (frames, code) = rest(client).await;
    let [.., receipt, closing] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(
        (&receipt["type"], &closing["type"]),
        (&json!("receipt"), &json!("closing")),
        "{frames:?}"
    );
    assert_eq!((&closing["code"], code), (&json!("burned"), 4410));
    receipt["receipt"].as_str().unwrap().to_owned()
}

async fn ended_stream(stream: &mut Listener) -> String {
    let receipt = loop {
        let frame = stream.next().await.expect("the receipt first");
        if frame["type"] == "receipt" {
            break frame["receipt"].as_str().unwrap().to_owned();
        }
    };
    assert_eq!(stream.expect("closing").await["code"], "burned");
    assert!(stream.next().await.is_none());
    receipt
}

/// What a poll is answered at the end.
async fn ended_poll(poller: &mut Poller) {
    loop {
        let (status, body) = answer(poller.ask(&poller.cursor, 60)).await;
        match status {
            200 => poller.take(&body),
            204 => {}
            _ => return assert_eq!((status, &body["code"]), (410, &json!("burned")), "{body}"),
        }
    }
}

/// What the receipt says, which one of the keys has signed.
fn good(jws: &str, keys: &PublicKeys) -> Receipt {
    let receipt = verify(jws, Some(keys)).unwrap();
    assert_eq!((receipt.room.as_str(), receipt.keys_left), ("r", 0));
    receipt
}

#[tokio::test(flavor = "multi_thread")]
async fn all_hear_of_the_end_over_each_transport_and_nothing_is_left() {
    for nodes in Nodes::both(&["--receipt-key", KEY]).await {
        for by_request in [false, true] {
            let (here, there) = (nodes.here(), nodes.there());
            let mut ann = join(here, "r", "Ann", "192.0.2.1").await;
            let come = |name: &str| Visitor::new(name).from("192.0.2.2");
            let mut bob = come("Bob").by_socket(there, "r").await.joined();
            let mut eve = come("Eve").by_events(there, "r").await.joined();
            let mut pat = come("Pat").by_join(there, "r").await.joined();
            let zoe = come("Zoe").by_terminal(here, "r").await.joined();
            for (n, text) in [(1, "one"), (2, "two"), (3, "three")] {
                ann.send(json!({"text": text, "n": n})).until("ack").await;
            }
            let (sent, _) = answer(pat.post("files", r#"{"size":5}"#)).await;
            assert_eq!(sent, 201);
            let polls = tokio::spawn(async move {
                ended_poll(&mut pat).await;
                pat
            });
            let first = match by_request {
                true => {
                    let (status, receipt) = ask(there, "r", ann.ticket(), &burn()).await;
                    assert_eq!((status, &receipt["type"]), (200, &json!("receipt")), "{receipt}");
                    receipt["receipt"].as_str().unwrap().to_owned()
                }
                false => {
                    ann.send(burn());
                    ended(&mut ann).await
                }
            };
            if let Some(redis) = &nodes.redis {
                assert_eq!(redis.keys(), [] as [String; 0]);
            }
            let mut receipts = vec![first, ended(&mut bob).await, ended_stream(&mut eve).await];
            if by_request {
                receipts.push(ended(&mut ann).await);
            }
            let lines = zoe.end().await;
            let (_, line) = lines.split_once("* Receipt: ").unwrap();
            let (jws, closing) = line.split_once('\n').unwrap();
            assert_eq!(closing, "* this room has ended, and everything in it is gone\n");
            receipts.push(jws.to_owned());
            let pat = polls.await.unwrap();
            let keys = keys(there).await;
            for jws in &receipts {
                let receipt = good(jws, &keys);
                assert_eq!(
                    (receipt.cause, receipt.members, receipt.entries, receipt.files, receipt.video),
                    (Cause::Burned, 5, 3, 1, VideoOutcome::Off)
                );
                assert!(receipt.bytes >= 11 && receipt.keys["room"] == 1, "{receipt:?}");
            }
            eventually("no session is left", || {
                nodes.servers.iter().all(|node| node.hub.counts() == (0, 0))
            })
            .await;

            // The tickets of that room are good for nothing, and make no room.
            for ticket in [bob.ticket(), ann.ticket(), &pat.ticket] {
                for node in nodes.each() {
                    let (status, body) = ask(node, "r", ticket, &burn()).await;
                    assert_eq!((status, &body["code"]), (403, &json!("not_member")), "{body}");
                    let visitor = Visitor::default().ticket(ticket);
                    for (method, what) in [
                        (Method::GET, "messages"),
                        (Method::POST, "messages"),
                        (Method::POST, "files"),
                    ] {
                        // The node at which it polled tells it once more why.
                        let polled = method == Method::GET && ticket == pat.ticket && node == there;
                        let request =
                            visitor.request(method, node, &format!("/api/rooms/r/{what}"));
                        let (status, body) =
                            answer(request.body(r#"{"text":"hi","size":5}"#)).await;
                        let expected = if polled { (410, "burned") } else { (403, "not_member") };
                        assert_eq!((status, body["code"].as_str().unwrap()), expected, "{body}");
                    }
                }
            }
            assert_eq!(
                door(there, "r").await,
                json!({"room": "r", "members": 0, "lock": "open", "history": "all"})
            );
            if let Some(redis) = &nodes.redis {
                assert_eq!(redis.keys(), [] as [String; 0]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_room_has_nothing_of_the_one_that_was_burned() {
    for nodes in Nodes::both(&[]).await {
        let (here, there) = (nodes.here(), nodes.there());
        let mut ann = join(here, "r", "Ann", "192.0.2.1").await;
        let bob = join(there, "r", "Bob", "203.0.113.1").await;
        let cid = join(there, "r", "Cid", "192.0.2.3").await;
        ann.send(json!({"text": "the secret", "n": 1})).until("ack").await;
        for request in [
            kick(bob.id()),
            json!({"type": "topic", "title": "the heading"}),
            json!({"type": "history", "history": "since_join"}),
            json!({"type": "mute", "clientId": cid.id(), "muted": true}),
            json!({"type": "lifetime", "messageAge": 60}),
            json!({"type": "invite-only", "inviteOnly": true}),
            super::lock("locked"),
        ] {
            decide(&mut ann, request).await;
        }
        ann.send(burn());
        ended(&mut ann).await;
        // Even the one that was removed may make it.
        let mut anew = join(there, "r", "Bob", "203.0.113.1").await;
        assert_eq!(
            (super::host_of(&anew.welcome), names(&anew.welcome)),
            (vec!["Bob"], vec!["Bob"])
        );
        assert_eq!(anew.welcome["room"], json!({"lock": "open", "history": "all"}));
        assert_eq!(anew.welcome["history"], json!([]));
        let text = anew.welcome.to_string();
        assert!(!text.contains("secret") && !text.contains("heading"), "{text}");
        // Old tickets are not good here: not for requests, and by a join their holders are new members.
        for old in [&ann, &bob, &cid] {
            let (status, body) = ask(here, "r", old.ticket(), &burn()).await;
            assert_eq!((status, &body["code"]), (401, &json!("bad_ticket")), "{body}");
        }
        let back = Visitor::new("Ann").from("192.0.2.1").ticket(ann.ticket());
        let back = back.by_resume_frame(here, "r").await.joined();
        assert_ne!(back.id(), ann.id());
        assert_eq!(
            (&back.welcome["resumed"], super::host_of(&back.welcome)),
            (&json!(false), vec!["Bob"])
        );
        anew.until("joined").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_poller_has_not_read_at_the_end_is_for_its_ticket_alone() {
    for nodes in Nodes::both(&[]).await {
        for anew in [false, true] {
            let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
            let mut pat = Visitor::new("Pat").by_join(nodes.there(), "r").await.joined();
            let bob = join(nodes.there(), "r", "Bob", "192.0.2.2").await;
            pat.hear().await;
            say(&mut ann, "the secret", 1).await;
            ann.send(burn());
            ended(&mut ann).await;
            eventually("no session is left", || {
                nodes.servers.iter().all(|node| node.hub.counts() == (0, 0))
            })
            .await;
            // Another room may have the name by the time of the next poll.
            let next = match anew {
                true => Some(join(nodes.there(), "r", "Cid", "192.0.2.3").await),
                false => None,
            };
            let refusal = if anew { (401, "bad_ticket") } else { (403, "not_member") };
            // Who knows the public id of the member can write a ticket, and sign it with anything.
            let (body, signature) = pat.ticket.rsplit_once('.').unwrap();
            let turned: String = signature.chars().rev().collect();
            let path = format!("/api/rooms/r/messages?wait=0&after={}", pat.cursor);
            for forged in [format!("{body}.{turned}"), bob.ticket().to_owned()] {
                let request = Visitor::default().ticket(&forged);
                let (status, body) =
                    answer(request.request(Method::GET, nodes.there(), &path)).await;
                assert_eq!((status, body["code"].as_str().unwrap()), refusal, "{body}");
            }
            let (status, body) = answer(pat.ask(&pat.cursor, 0)).await;
            assert_eq!(status, 200, "{body}");
            assert!(body.to_string().contains("the secret"), "{body}");
            pat.take(&body);
            ended_poll(&mut pat).await;
            drop(next);
        }
    }
}

#[tokio::test]
async fn a_receipt_with_one_byte_changed_is_none() {
    let server = TestServer::start(&["--receipt-key", KEY]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    say(&mut ann, "hello", 1).await;
    ann.send(burn());
    let (jws, keys) = (ended(&mut ann).await, keys(server.address).await);
    good(&jws, &keys);
    for at in 0..jws.len() {
        for with in [b'A', b'B', b'.', b' '].into_iter().filter(|with| *with != jws.as_bytes()[at])
        {
            let mut changed = jws.clone().into_bytes();
            changed[at] = with;
            let changed = String::from_utf8(changed).unwrap();
            assert!(verify(&changed, Some(&keys)).is_err(), "byte {at} {changed}");
        }
        assert!(verify(&jws[..at], Some(&keys)).is_err(), "cut at {at}");
    }
    // By the program, as a person would, with the key from the address.
    let (input, signature) = jws.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{input}.{other}{}", &signature[1..]);
    for (text, code) in [(&jws, 0), (&changed, 1)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        command.args(["verify-receipt", "-"]).env("PARLOR_RECEIPT_KEY", KEY);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_member_that_leaves_has_a_receipt_as_well() {
    for nodes in Nodes::both(&["--receipt-key", KEY]).await {
        let keys = keys(nodes.here()).await;
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        say(&mut ann, "hello", 1).await;
        ann.send(json!({"type": "leave"}));
        let (frames, code) = rest(&mut ann).await;
        let receipt = good(frames[0]["receipt"].as_str().unwrap(), &keys);
        assert_eq!(
            (receipt.cause, receipt.members, receipt.entries, code),
            (Cause::Left, 1, 1, 1000)
        );
        let pat = Visitor::new("Pat").by_join(nodes.there(), "r").await.joined();
        let (status, body) = answer(pat.post("leave", r#"{"receipt":true}"#)).await;
        assert_eq!((status, &body["type"]), (200, &json!("receipt")), "{body}");
        assert_eq!(good(body["receipt"].as_str().unwrap(), &keys).cause, Cause::Left);
    }
}
