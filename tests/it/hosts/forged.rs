//! Requests of the host from those who are not the host, and requests that make no sense.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Nodes, ask, decide, door, join, kick, lock, refused, say,
    visitor::{Visitor, answer},
};
use crate::wire::Client;

/// A LiveKit that nobody reaches: those who may not ask get as far as being refused.
const VIDEO: [&str; 6] = [
    "--livekit-url",
    "ws://127.0.0.1:1",
    "--livekit-api-key",
    "key",
    "--livekit-api-secret",
    "a secret that is long enough for HS256",
];

const NO_INVITE: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// Every request there is, good but for who sends it.
fn requests(target: &str, waits: &str, invite: &str) -> Vec<Value> {
    vec![
        json!({"type": "kick", "clientId": target}),
        json!({"type": "kick", "clientId": target, "address": false, "messages": true}),
        json!({"type": "lock", "lock": "locked"}),
        json!({"type": "lock", "lock": "open"}),
        json!({"type": "admit", "clientId": waits}),
        json!({"type": "refuse", "clientId": waits}),
        json!({"type": "host", "clientId": target}),
        json!({"type": "burn"}),
        json!({"type": "lifetime", "endsAt": null, "messageAge": 60}),
        json!({"type": "history", "history": "since_join"}),
        json!({"type": "topic", "title": "Mine now"}),
        json!({"type": "mute", "clientId": target, "muted": true}),
        json!({"type": "hush", "clientId": target, "audio": true, "video": true}),
        json!({"type": "invite-only", "inviteOnly": true}),
        json!({"type": "revoke", "invite": invite}),
    ]
}

/// The rules as any person can see them, and the invites as the host does.
async fn state(server: SocketAddr, host: &Client) -> Value {
    let ticket = Visitor::default().ticket(host.ticket());
    let invites = ticket.request(Method::GET, server, "/api/rooms/r/invites");
    json!([door(server, "r").await, answer(invites).await])
}

/// Whether a member was told of a change since then.
fn was_told(member: &Client, since: usize) -> bool {
    let told = &member.seen[since..];
    let kinds = ["rules", "host", "left", "renamed", "delete", "closing"];
    told.iter().any(|line| {
        line.starts_with('<')
            && kinds.iter().any(|kind| line.contains(&format!(r#""type": String("{kind}")"#)))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_than_the_host_decides_anything_over_any_transport() {
    for nodes in Nodes::both(&[&VIDEO[..], &["--grace", "10m"]].concat()).await {
        let mut old = join(nodes.here(), "r", "Old", "192.0.2.1").await;
        let mut ann = join(nodes.there(), "r", "Ann", "192.0.2.2").await;
        let id = ann.id().to_owned();
        decide(&mut old, json!({"type": "host", "clientId": id})).await;
        let mut bob = join(nodes.here(), "r", "Bob", "192.0.2.3").await;
        let eve =
            Visitor::new("Eve").from("192.0.2.4").by_events(nodes.there(), "r").await.joined();
        let pat = Visitor::new("Pat").from("192.0.2.5").by_join(nodes.here(), "r").await.joined();
        let out = join(nodes.here(), "r", "Out", "192.0.2.6").await;
        decide(&mut ann, kick(out.id())).await;
        let stranger = join(nodes.here(), "other", "Stranger", "192.0.2.7").await;
        let (status, invite) = {
            let host = Visitor::default().ticket(ann.ticket());
            answer(host.request(Method::POST, nodes.there(), "/api/rooms/r/invites").body("")).await
        };
        assert_eq!(status, 201, "{invite}");
        let invite = invite["invite"].as_str().unwrap().split('.').next().unwrap();
        decide(&mut ann, lock("knock")).await;
        let mut waits =
            Visitor::new("Waits").from("192.0.2.8").by_socket(nodes.there(), "r").await.waits();
        let poll = Visitor::new("Polls").from("192.0.2.9").by_join(nodes.here(), "r").await.waits();
        ann.until("knock").await;
        ann.until("knock").await;
        let knock = waits.welcome["clientId"].as_str().unwrap().to_owned();

        for member in [&mut bob, &mut old] {
            while member.until("rules").await["rules"]["lock"] != "knock" {}
        }
        let (before, since) = (state(nodes.here(), &ann).await, [bob.seen.len(), old.seen.len()]);
        for request in requests(&id, &knock, invite) {
            assert_eq!(refused(&mut bob, &request).await, "not_host", "{request}");
            assert_eq!(refused(&mut old, &request).await, "not_host", "the host before: {request}");
            // The test takes long, and a socket that answers no ping is closed.
            ann.send(json!({"type": "ping"})).until("pong").await;
            // A person who waits is heard only after being let in.
            waits.send(request.clone()).flush().await;
            for node in nodes.each() {
                for (ticket, status, code) in [
                    (bob.ticket(), 403, "not_host"),
                    (old.ticket(), 403, "not_host"),
                    (&*eve.ticket, 403, "not_host"),
                    (&*pat.ticket, 403, "not_host"),
                    (out.ticket(), 403, "kicked"),
                    (stranger.ticket(), 401, "bad_ticket"),
                    (&*poll.ticket, 403, "not_member"),
                    ("", 401, "no_ticket"),
                    ("x.y", 401, "bad_ticket"),
                ] {
                    let (given, body) = ask(node, "r", ticket, &request).await;
                    assert_eq!(
                        (given, body["code"].as_str()),
                        (status, Some(code)),
                        "{request} {body}"
                    );
                }
            }
        }
        for (ticket, code) in
            [(bob.ticket(), "not_host"), (&*poll.ticket, "not_host"), (out.ticket(), "kicked")]
        {
            let visitor = Visitor::default().ticket(ticket);
            for (method, path) in [
                (Method::GET, "/api/rooms/r/invites"),
                (Method::DELETE, &*format!("/api/rooms/r/invites/{invite}")),
            ] {
                let (status, body) = answer(visitor.request(method, nodes.there(), path)).await;
                let code = if body["code"] == "not_member" { "not_member" } else { code };
                assert_eq!((status, body["code"].as_str()), (403, Some(code)), "{body}");
            }
        }
        assert_eq!(state(nodes.here(), &ann).await, before, "nothing has changed");
        // Those who were to be removed are all there, and the one who waits has got nowhere by asking for itself.
        say(&mut ann, "still the host", 1).await;
        assert_eq!(bob.until("chat").await["text"], "still the host");
        assert_eq!(old.until("chat").await["text"], "still the host");
        assert!(!was_told(&bob, since[0]) && !was_told(&old, since[1]), "{:?}", bob.seen);
        decide(&mut ann, json!({"type": "admit", "clientId": knock})).await;
        assert_eq!(waits.expect("welcome").await["clientId"], *knock);
        for request in requests(&id, &knock, invite) {
            assert_eq!(waits.until("error").await["code"], "not_host", "{request}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_makes_no_sense_changes_nothing() {
    for nodes in Nodes::both(&[]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let mut bob = join(nodes.there(), "r", "Bob", "192.0.2.2").await;
        let (own, id) = (ann.id().to_owned(), bob.id().to_owned());
        let gone = "6f0c4a8e-9f7c-4c8d-9f2f-5a112f1f9ba2";
        let before = state(nodes.here(), &ann).await;
        let minute = 60_000;
        let now = parlor::store::memory::wall_clock();
        let day = 24 * 60 * minute;
        for (request, status, code) in [
            (json!({"type": "kick"}), 400, "bad_frame"),
            (json!({"type": "kick", "clientId": 7}), 400, "bad_frame"),
            (json!({"type": "kick", "clientId": "Bob"}), 400, "bad_frame"),
            (json!({"type": "kick", "clientId": id, "address": "yes"}), 400, "bad_frame"),
            (json!({"type": "kick", "clientId": gone}), 404, "no_member"),
            (json!({"type": "kick", "clientId": own}), 400, "bad_target"),
            (json!({"type": "mute", "clientId": id}), 400, "bad_frame"),
            (json!({"type": "mute", "clientId": id, "muted": 1}), 400, "bad_frame"),
            (json!({"type": "mute", "clientId": own, "muted": true}), 400, "bad_target"),
            (json!({"type": "mute", "clientId": gone, "muted": true}), 404, "no_member"),
            (json!({"type": "lock"}), 400, "bad_frame"),
            (json!({"type": "lock", "lock": "shut"}), 400, "bad_frame"),
            (json!({"type": "lock", "lock": true}), 400, "bad_frame"),
            (json!({"type": "admit", "clientId": id}), 404, "no_member"),
            (json!({"type": "refuse", "clientId": gone}), 404, "no_member"),
            (json!({"type": "host", "clientId": gone}), 404, "no_member"),
            (json!({"type": "host"}), 400, "bad_frame"),
            (json!({"type": "history", "history": "none"}), 400, "bad_frame"),
            (json!({"type": "topic"}), 400, "bad_frame"),
            (json!({"type": "topic", "title": "x".repeat(513)}), 400, "bad_title"),
            (json!({"type": "topic", "title": "a\u{202e}b"}), 400, "bad_title"),
            (json!({"type": "invite-only", "inviteOnly": "true"}), 400, "bad_frame"),
            (json!({"type": "revoke", "invite": "x"}), 400, "bad_invite"),
            (json!({"type": "revoke", "invite": NO_INVITE}), 400, "bad_invite"),
            (json!({"type": "hush", "clientId": id}), 400, "bad_frame"),
            (json!({"type": "hush", "clientId": id, "audio": true}), 503, "video_not_configured"),
            (json!({"type": "lifetime"}), 400, "bad_frame"),
            (json!({"type": "lifetime", "endsAt": "soon"}), 400, "bad_lifetime"),
            (json!({"type": "lifetime", "endsAt": now + minute}), 400, "bad_lifetime"),
            (json!({"type": "lifetime", "endsAt": now + 8 * day}), 400, "bad_lifetime"),
            (json!({"type": "lifetime", "endsAt": -1}), 400, "bad_lifetime"),
            (json!({"type": "lifetime", "messageAge": 59}), 400, "bad_lifetime"),
            (json!({"type": "lifetime", "messageAge": 60.5}), 400, "bad_lifetime"),
            (json!({"type": "lifetime", "messageAge": 1801}), 400, "bad_lifetime"),
            (json!({"type": "host", "clientId": id, "n": 0}), 400, "bad_n"),
            (json!({"type": "reign"}), 400, "unknown_type"),
        ] {
            assert_eq!(refused(&mut ann, &request).await, code, "{request}");
            for node in nodes.each() {
                let (given, body) = ask(node, "r", ann.ticket(), &request).await;
                assert_eq!((given, body["code"].as_str()), (status, Some(code)), "{request}");
            }
        }
        let host = Visitor::default().ticket(ann.ticket());
        for wish in [
            json!({"minutes": 0}),
            json!({"minutes": 10_081}),
            json!({"minutes": "60"}),
            json!({"uses": 0}),
            json!({"uses": 1001}),
            json!({"uses": -1}),
            json!({"name": "x".repeat(33)}),
            json!([]),
        ] {
            let request = host.request(Method::POST, nodes.there(), "/api/rooms/r/invites");
            let (status, body) = answer(request.body(wish.to_string())).await;
            assert_eq!(status, 400, "{wish} {body}");
        }
        assert_eq!(state(nodes.there(), &ann).await, before);
        say(&mut ann, "done", 1).await;
        assert_eq!(bob.until("chat").await["text"], "done");
        assert!(!was_told(&bob, 0), "{:?}", bob.seen);
        // The address for the host's requests takes nothing else, nor does the one for messages take the host's.
        let (status, body) = ask(nodes.here(), "r", ann.ticket(), &json!({"text": "hi"})).await;
        assert_eq!((status, body["code"].as_str()), (400, Some("bad_frame")));
        let request = host.request(Method::POST, nodes.here(), "/api/rooms/r/messages");
        let (status, body) = answer(request.body(lock("locked").to_string())).await;
        assert_eq!((status, body["code"].as_str()), (400, Some("bad_frame")));
        assert_eq!(door(nodes.here(), "r").await["lock"], "open");
    }
}
