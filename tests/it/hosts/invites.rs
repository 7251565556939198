//! Invites: how often, how long, for which room, and whose signature.

use std::{net::SocketAddr, sync::atomic::Ordering};

use futures_util::future::join_all;
use parlor::{
    protocol::ApiError,
    room::{HostAction, Limits, RoomError},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Nodes,
    clock::{self, With, own_clock},
    decide, door, join, lock,
    visitor::{Entry, Refusal, Visitor, answer},
};
use crate::{support::dir::Dir, wire::Client};

async fn made(server: SocketAddr, host: &Client, wish: Value) -> Value {
    let path = format!("/api/rooms/{}/invites", host.room());
    let request = Visitor::default().ticket(host.ticket()).request(Method::POST, server, &path);
    let (status, invite) = answer(request.body(wish.to_string())).await;
    assert_eq!(status, 201, "{invite}");
    invite
}

fn text(invite: &Value) -> &str {
    invite["invite"].as_str().unwrap()
}

/// No way in with such an invite.
async fn is_refused(visitor: &Visitor, nodes: &Nodes, room: &str, status: u16, code: &str) {
    let refusal = |status| Refusal { status, code: code.into() };
    for node in nodes.each() {
        assert_eq!(visitor.by_socket(node, room).await.refused(), refusal(4000 + status));
        assert_eq!(visitor.by_events(node, room).await.refused(), refusal(status));
        assert_eq!(visitor.by_join(node, room).await.refused(), refusal(status));
        assert_eq!(visitor.by_terminal(node, room).await.refused().status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_that_use_an_invite_for_one_at_once_one_joins() {
    for nodes in Nodes::both(&[]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        decide(&mut ann, json!({"type": "invite-only", "inviteOnly": true})).await;
        let invite = made(nodes.there(), &ann, json!({})).await;
        let tries = (0..50).map(|at| {
            let guest = Visitor::new(&format!("G{at}")).from("192.0.2.9").invite(text(&invite));
            let node = if at % 2 == 0 { nodes.here() } else { nodes.there() };
            async move { guest.by_join(node, "r").await }
        });
        let (mut joined, mut spent) = (Vec::new(), 0);
        for entry in join_all(tries).await {
            match entry {
                Entry::In(poller) => joined.push(poller),
                Entry::Waits(_) => panic!("kept waiting"),
                Entry::Refused(why) => {
                    assert_eq!(why, Refusal { status: 410, code: "invite_spent".into() });
                    spent += 1;
                }
            }
        }
        assert_eq!((joined.len(), spent), (1, 49));
        assert_eq!(door(nodes.there(), "r").await["members"], 2);
        // The one that joined comes back without a use, by the same address with the invite in it.
        let back = Visitor::new("G").ticket(&joined[0].ticket).invite(text(&invite));
        let back = back.by_socket(nodes.there(), "r").await.joined();
        assert_eq!((back.id(), &back.welcome["resumed"]), (joined[0].id(), &json!(true)));
        is_refused(&Visitor::new("Late").invite(text(&invite)), &nodes, "r", 410, "invite_spent")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_passes_a_knock_and_the_rule_for_invites_and_no_locked_door() {
    for nodes in Nodes::both(&[]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let invite = made(nodes.here(), &ann, json!({"uses": 8, "minutes": 5})).await;
        assert_eq!(invite["uses"], 8);
        let url = format!("/r/r?invite={}", text(&invite));
        assert!(invite["url"].as_str().unwrap().ends_with(&url), "{invite}");
        decide(&mut ann, json!({"type": "invite-only", "inviteOnly": true})).await;
        let (without, with) = (Visitor::new("Bob"), Visitor::new("Cid").invite(text(&invite)));
        is_refused(&without, &nodes, "r", 403, "invite_only").await;
        assert_eq!(door(nodes.there(), "r").await["inviteOnly"], true);
        with.by_socket(nodes.there(), "r").await.joined();
        with.by_events(nodes.here(), "r").await.joined();
        decide(&mut ann, lock("knock")).await;
        is_refused(&without, &nodes, "r", 403, "invite_only").await;
        with.by_join(nodes.there(), "r").await.joined();
        with.by_terminal(nodes.here(), "r").await.joined();
        decide(&mut ann, json!({"type": "invite-only", "inviteOnly": false})).await;
        with.by_socket(nodes.here(), "r").await.joined();
        drop(without.by_socket(nodes.there(), "r").await.waits());
        decide(&mut ann, lock("locked")).await;
        is_refused(&with, &nodes, "r", 423, "room_locked").await;
        is_refused(&without, &nodes, "r", 423, "room_locked").await;
        // What was refused has used nothing up.
        let host = Visitor::default().ticket(ann.ticket());
        let list = answer(host.request(Method::GET, nodes.there(), "/api/rooms/r/invites")).await.1;
        assert_eq!(list["invites"][0]["left"], 3, "{list}");
        // Nor does it undo a removal.
        decide(&mut ann, lock("open")).await;
        let bob = join(nodes.there(), "r", "Bob", "203.0.113.1").await;
        decide(&mut ann, super::kick(bob.id())).await;
        let bob = Visitor::new("Bob").from("203.0.113.1").invite(text(&invite));
        is_refused(&bob, &nodes, "r", 403, "kicked").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_that_was_taken_back_is_good_no_more() {
    for nodes in Nodes::both(&[]).await {
        // Though the room is open: a person that has no invite may join, and one that shows this one learns of it.
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let guest = |invite: &Value| Visitor::new("Bob").invite(text(invite));
        let by_frame = made(nodes.here(), &ann, json!({"uses": 5})).await;
        let by_request = made(nodes.there(), &ann, json!({"uses": 5})).await;
        let bob = guest(&by_frame).by_join(nodes.there(), "r").await.joined();
        let id = |invite: &Value| text(invite).split('.').next().unwrap().to_owned();
        decide(&mut ann, json!({"type": "revoke", "invite": id(&by_frame)})).await;
        let host = Visitor::default().ticket(ann.ticket());
        let path = format!("/api/rooms/r/invites/{}", id(&by_request));
        let deleted = answer(host.request(Method::DELETE, nodes.there(), &path)).await;
        assert_eq!(deleted.0, 204);
        for invite in [&by_frame, &by_request] {
            is_refused(&guest(invite), &nodes, "r", 410, "invite_revoked").await;
        }
        let list = answer(host.request(Method::GET, nodes.here(), "/api/rooms/r/invites")).await.1;
        assert_eq!(list, json!({"invites": []}));
        // Who came by it stays, and may come back with it in the address.
        let back = guest(&by_frame).ticket(&bob.ticket).by_events(nodes.here(), "r").await.joined();
        assert_eq!(back.welcome["clientId"], bob.welcome["clientId"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_invite_or_one_to_another_room_is_good_for_nothing() {
    for nodes in Nodes::both(&[]).await {
        let ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let eve = join(nodes.there(), "s", "Eve", "192.0.2.2").await;
        let (good, other) = (
            made(nodes.here(), &ann, json!({"uses": 9})).await,
            made(nodes.there(), &eve, json!({})).await,
        );
        let [id, until, signature]: [&str; 3] =
            text(&good).split('.').collect::<Vec<_>>().try_into().unwrap();
        let later = until.parse::<u64>().unwrap() + 1;
        let turned: String = signature.chars().rev().collect();
        let id_of_other = text(&other).split('.').next().unwrap();
        for forged in [
            text(&other).to_owned(),
            format!("{id}.{later}.{signature}"),
            format!("{id}.{until}.{turned}"),
            format!("{id_of_other}.{until}.{signature}"),
            format!("{id}.{until}."),
        ] {
            for visitor in [Visitor::new("Bob").invite(&forged)] {
                let refusal = visitor.by_join(nodes.there(), "r").await.refused();
                let expected = ["bad_invite", "invite_expired"];
                assert!(expected.contains(&&*refusal.code), "{forged}: {refusal:?}");
                is_refused(&visitor, &nodes, "r", refusal.status, &refusal.code).await;
            }
        }
        for nonsense in
            ["x", "x.y.z", "..", &format!("{id}.{until}"), &"x".repeat(5000), ann.ticket()]
        {
            let visitor = Visitor::new("Bob").invite(nonsense);
            assert_eq!(
                visitor.by_join(nodes.there(), "r").await.refused(),
                Refusal { status: 400, code: "bad_invite".into() },
                "{nonsense}"
            );
        }
        // An invite is no ticket.
        let request = Visitor::default().ticket(text(&good)).request(
            Method::GET,
            nodes.here(),
            "/api/rooms/r/messages",
        );
        assert_eq!(answer(request).await.0, 401);
        assert_eq!(door(nodes.here(), "r").await["members"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_ends_with_its_room_and_makes_none() {
    for nodes in Nodes::both(&[]).await {
        let ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let invite = made(nodes.here(), &ann, json!({"uses": 9})).await;
        ann.leave().await;
        let guest = Visitor::new("Bob").invite(text(&invite));
        is_refused(&guest, &nodes, "r", 410, "invite_expired").await;
        assert_eq!(door(nodes.there(), "r").await["members"], 0);
        if let Some(redis) = &nodes.redis {
            assert_eq!(redis.keys(), [] as [String; 0]);
        }
        // Nor is it good for the next room of this name.
        let _next = join(nodes.there(), "r", "Ann", "192.0.2.1").await;
        is_refused(&guest, &nodes, "r", 410, "invite_expired").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_may_name_its_guest() {
    for nodes in Nodes::both(&[]).await {
        let ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let invite = made(nodes.here(), &ann, json!({"uses": 9, "name": "Aunt May"})).await;
        let named = Visitor::new("").invite(text(&invite));
        assert_eq!(named.by_socket(nodes.there(), "r").await.joined().welcome["user"], "Aunt May");
        assert_eq!(named.by_join(nodes.here(), "r").await.joined().welcome["user"], "Aunt May");
        let own = Visitor::new("Bob").invite(text(&invite));
        assert_eq!(own.by_events(nodes.there(), "r").await.joined().welcome["user"], "Bob");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_gives_no_guest_the_name_of_an_account() {
    let dir = Dir::new();
    for nodes in Nodes::both(&["--database-url", &dir.sqlite()]).await {
        let register = async |user: &str| {
            let request = Visitor::default().request(Method::POST, nodes.there(), "/register");
            let login = json!({"user": user, "password": "correct horse"});
            assert_eq!(answer(request.json(&login)).await.0, 201);
        };
        let [bob, may] = ["Bob", "May"].map(|name| format!("{name}{}", nodes.servers.len()));
        register(&bob).await;
        let ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let host = Visitor::default().ticket(ann.ticket());
        let request = host.request(Method::POST, nodes.here(), "/api/rooms/r/invites");
        let (status, body) = answer(request.body(json!({ "name": bob }).to_string())).await;
        assert_eq!((status, &body["code"]), (409, &json!("name_taken")), "{body}");
        // Or the account is made after the invite.
        let invite = made(nodes.here(), &ann, json!({"name": may, "uses": 2})).await;
        let guest = Visitor::new("").invite(text(&invite));
        assert_eq!(guest.by_join(nodes.there(), "r").await.joined().welcome["user"], *may);
        register(&may).await;
        let late = guest.by_socket(nodes.there(), "r").await.joined();
        assert_ne!(late.welcome["user"], *may);
    }
}

#[tokio::test]
async fn an_invite_is_over_when_its_time_is_and_its_guests_stay() {
    let (clock, ahead) = own_clock!();
    let (hub, _world) = clock::node(Limits::default(), clock);
    let mut ann = clock::join(&hub, "Ann", With::default()).await.unwrap();
    let room = "r".parse().unwrap();
    let made = hub.make_invite(&room, ann.session.member(), (60_000, 9), None).await.unwrap();
    let with = With { invite: Some(made.1), ..With::default() };
    let bob = clock::join(&hub, "Bob", with.clone()).await.unwrap();
    ahead.fetch_add(60_000, Ordering::SeqCst);
    let late = clock::join(&hub, "Cid", with.clone()).await.map(drop);
    assert_eq!(late, Err(ApiError::Refused(RoomError::InviteExpired)));
    assert_eq!(hub.invites(&room, ann.session.member()).await.unwrap(), []);
    // Whose page has the invite in its address reloads all the same.
    let (id, ticket) = (bob.session.member(), bob.ticket());
    drop(bob);
    let bob = clock::join(&hub, "Bob", With { ticket: Some(ticket), ..with }).await.unwrap();
    assert_eq!((bob.session.member(), &bob.welcome["resumed"]), (id, &json!(true)));
    ann.decide(HostAction::InviteOnly(true)).await.unwrap();
}
