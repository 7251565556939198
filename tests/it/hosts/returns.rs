//! A person who was removed tries to come back, in every way there is.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Nodes, decide, join, kick, names, rest, say,
    visitor::{Refusal, Visitor, answer},
};
use crate::{
    support::dir::Dir,
    wire::{Client, TestServer},
};

const HIS: &str = "203.0.113.7";

fn kicked(status: u16) -> Refusal {
    Refusal { status, code: "kicked".into() }
}

/// Tries every way to join, and none lets the person in.
async fn is_kept_out(visitor: &Visitor, nodes: &Nodes) {
    for node in nodes.each() {
        assert_eq!(visitor.by_socket(node, "r").await.refused(), kicked(4403));
        assert_eq!(visitor.by_events(node, "r").await.refused(), kicked(403));
        assert_eq!(visitor.by_join(node, "r").await.refused(), kicked(403));
        let told = visitor.by_terminal(node, "r").await.refused();
        assert_eq!((told.status, told.code.as_str()), (403, "the host removed you from this room"));
        let said = visitor.request(Method::POST, node, "/r/r?name=Bob").body("hi");
        let said = said.send().await.unwrap();
        assert_eq!(
            (said.status().as_u16(), said.text().await.unwrap().trim_end()),
            (403, &*told.code)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_ticket_of_a_removed_member_is_good_for_anything() {
    for nodes in Nodes::both(&[]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let mut bob = join(nodes.there(), "r", "Bob", HIS).await;
        let sent = say(&mut bob, "from Bob", 1).await;
        let (id, ticket) = (bob.id().to_owned(), bob.ticket().to_owned());
        decide(&mut ann, kick(&id)).await;
        let (frames, code) = rest(&mut bob).await;
        let end = frames.last().unwrap();
        assert_eq!((&end["type"], &end["code"], code), (&json!("closing"), &json!("kicked"), 4403));

        // By no way back, from whichever address.
        let bob = Visitor::new("Bob").ticket(&ticket).from("198.51.100.9");
        is_kept_out_with_a_ticket(&bob, &nodes).await;
        // Nor by anything else that takes a ticket.
        let file = "6f0c4a8e-9f7c-4c8d-9f2f-5a112f1f9ba2";
        let cursor = sent["cursor"].as_str().unwrap_or_default().to_owned();
        for (method, what, body) in [
            (Method::POST, "messages".to_owned(), json!({"text": "hi"})),
            (Method::POST, "messages".to_owned(), json!({"type": "rename", "user": "Rob"})),
            (Method::POST, "messages".to_owned(), json!({"type": "delete", "target": 1})),
            (Method::GET, "messages".to_owned(), Value::Null),
            (Method::GET, format!("messages?wait=1&after={cursor}"), Value::Null),
            (Method::POST, "typing".to_owned(), json!({"typing": true})),
            (Method::POST, "leave".to_owned(), json!({})),
            (Method::POST, "leave".to_owned(), json!({"unload": true})),
            (Method::POST, "host".to_owned(), json!({"type": "burn"})),
            (Method::POST, "invites".to_owned(), json!({})),
            (Method::GET, "invites".to_owned(), Value::Null),
            (Method::DELETE, "invites/AAAAAAAAAAAAAAAAAAAAAA".to_owned(), Value::Null),
            (Method::POST, "livekit-token".to_owned(), Value::Null),
            (Method::POST, "files".to_owned(), json!({"size": 5})),
            (Method::GET, format!("files/{file}"), Value::Null),
            (Method::PATCH, format!("files/{file}"), json!("bytes")),
            (Method::DELETE, format!("files/{file}"), Value::Null),
        ] {
            for node in nodes.each() {
                let request = bob.request(method.clone(), node, &format!("/api/rooms/r/{what}"));
                let body = if body.is_null() { String::new() } else { body.to_string() };
                let (status, answer) = answer(request.header("upload-offset", 0).body(body)).await;
                assert_eq!((status, answer["code"].as_str()), (403, Some("kicked")), "{what}");
            }
        }
        let seen = join(nodes.there(), "r", "Cid", "192.0.2.3").await.welcome;
        assert_eq!(names(&seen), ["Ann", "Cid"]);
    }
}

/// The ways in that take a ticket.
async fn is_kept_out_with_a_ticket(visitor: &Visitor, nodes: &Nodes) {
    for node in nodes.each() {
        assert_eq!(visitor.by_socket(node, "r").await.refused(), kicked(4403));
        assert_eq!(visitor.by_resume_frame(node, "r").await.refused(), kicked(4403));
        assert_eq!(visitor.by_events(node, "r").await.refused(), kicked(403));
        assert_eq!(visitor.by_join(node, "r").await.refused(), kicked(403));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_removed_member_is_kept_out_and_others_are_not() {
    for nodes in Nodes::both(&[]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let bob = join(nodes.there(), "r", "Bob", HIS).await;
        // Another tab is another member: it was there before, and stays.
        let mut tab = join(nodes.here(), "r", "Rob", HIS).await;
        decide(&mut ann, kick(bob.id())).await;
        is_kept_out(&Visitor::new("Bob").from(HIS), &nodes).await;
        is_kept_out(&Visitor::new("Somebody else").from(HIS), &nodes).await;
        // What a client writes into the header itself counts for nothing: the proxy's entry is the last.
        is_kept_out(&Visitor::new("Bob").from(&format!("192.0.2.99, {HIS}")), &nodes).await;
        say(&mut tab, "still here", 1).await;
        let seat = tab.ticket().to_owned();
        let tab = Visitor::new("Rob").from(HIS).ticket(&seat).by_events(nodes.there(), "r").await;
        assert_eq!(tab.joined().welcome["resumed"], true);
        // Another address joins by every way.
        let other = Visitor::new("Dan").from("198.51.100.1");
        other.by_socket(nodes.there(), "r").await.joined();
        other.by_events(nodes.here(), "r").await.joined();
        other.by_join(nodes.there(), "r").await.joined();
        other.by_terminal(nodes.here(), "r").await.joined();
        // Another room does not know of it.
        join(nodes.there(), "s", "Bob", HIS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_address_in_ipv6_the_network_is_kept_out() {
    for nodes in Nodes::both(&[]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let bob = join(nodes.there(), "r", "Bob", "2001:db8:1:2::7").await;
        decide(&mut ann, kick(bob.id())).await;
        is_kept_out(&Visitor::new("Bob").from("2001:db8:1:2:ffff::1"), &nodes).await;
        join(nodes.there(), "r", "Cid", "2001:db8:1:3::7").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_address_only_the_member_is_kept_out() {
    for nodes in Nodes::both(&[]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let bob = join(nodes.there(), "r", "Bob", HIS).await;
        decide(&mut ann, json!({"type": "kick", "clientId": bob.id(), "address": false})).await;
        let back = Visitor::new("Bob").from(HIS);
        is_kept_out_with_a_ticket(&back.clone().ticket(bob.ticket()), &nodes).await;
        for node in nodes.each() {
            let new = back.by_socket(node, "r").await.joined();
            assert_ne!(new.id(), bob.id());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_of_a_removed_member_is_kept_out_from_every_address() {
    let dir = Dir::new();
    let database = dir.sqlite();
    for nodes in Nodes::both(&["--database-url", &database]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let login =
            json!({"user": format!("Bob{}", nodes.servers.len()), "password": "correct horse"});
        let at = async |path: &str| {
            let request = Visitor::default().request(Method::POST, nodes.here(), path);
            answer(request.json(&login)).await
        };
        assert_eq!(at("/register").await.0, 201);
        let token = at("/login").await.1["token"].as_str().unwrap().to_owned();
        let bob = Visitor::default().cookie(&token);
        let there = bob.clone().from(HIS).by_socket(nodes.there(), "r").await.joined();
        assert_eq!(there.welcome["verified"], true, "{}", there.welcome);
        // The same account in another tab, at another address: it goes as well.
        let mut tab = bob.clone().from("198.51.100.4").by_socket(nodes.here(), "r").await.joined();
        decide(&mut ann, json!({"type": "kick", "clientId": there.id(), "address": false})).await;
        assert_eq!(rest(&mut tab).await.1, 4403);
        is_kept_out(&bob.clone().from("198.51.100.5"), &nodes).await;
        is_kept_out_with_a_ticket(&bob.clone().ticket(tab.ticket()).from(HIS), &nodes).await;
        // Without the login the person is another one, with another name.
        Visitor::new("Guest").from("198.51.100.6").by_socket(nodes.there(), "r").await.joined();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_is_told_over_each_transport_and_so_are_the_others() {
    for nodes in Nodes::both(&[]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let come = |name: &str, address: &str| Visitor::new(name).from(address);
        let mut stream = come("Eve", "192.0.2.2").by_events(nodes.there(), "r").await.joined();
        let mut poller = come("Pat", "192.0.2.3").by_join(nodes.there(), "r").await.joined();
        let terminal = come("Zoe", "192.0.2.4").by_terminal(nodes.there(), "r").await.joined();
        let mut bob = join(nodes.there(), "r", "Bob", "192.0.2.5").await;
        let id = |welcome: &Value| welcome["clientId"].as_str().unwrap().to_owned();
        let zoe = bob.welcome["members"].as_array().unwrap().iter();
        let zoe = zoe.clone().find(|member| member["user"] == "Zoe").unwrap()["clientId"].clone();

        let waiting = poller.ask(&poller.cursor, 60).send();
        decide(&mut ann, kick(&id(&stream.welcome))).await;
        assert_eq!(waiting.await.unwrap().status(), 200, "the poll tells that Eve was removed");
        let told = bob.until("left").await;
        assert_eq!((&told["user"], &told["reason"]), (&json!("Eve"), &json!("kicked")));
        loop {
            let frame = stream.next().await.expect("closing first");
            if frame["type"] == "closing" {
                assert_eq!(frame["code"], "kicked", "{frame}");
                break;
            }
        }
        assert!(stream.next().await.is_none());

        poller.hear().await;
        let (http, cursor) = (poller.http.clone(), poller.cursor.clone());
        let url = poller.url(&format!("messages?wait=60&after={cursor}"));
        let waiting = tokio::spawn(answer(http.get(url).bearer_auth(&poller.ticket)));
        decide(&mut ann, kick(poller.id())).await;
        // The poll may have been answered by something else before.
        let (mut status, mut body) = waiting.await.unwrap();
        while status == 200 {
            poller.take(&body);
            (status, body) = answer(poller.ask(&poller.cursor, 60)).await;
        }
        assert_eq!((status, &body["code"]), (403, &json!("kicked")), "{body}");
        assert_eq!(bob.until("left").await["user"], "Pat");

        decide(&mut ann, kick(zoe.as_str().unwrap())).await;
        let text = terminal.end().await;
        assert!(text.contains("* The host removed Eve\n"), "{text}");
        assert!(text.ends_with("* the host removed you from this room\n"), "{text}");
        assert_eq!(bob.until("left").await["user"], "Zoe");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_member_its_messages_may_go() {
    for nodes in Nodes::both(&[]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let mut bob = join(nodes.there(), "r", "Bob", HIS).await;
        say(&mut ann, "from Ann", 1).await;
        for n in 1..=3 {
            bob.send(json!({"text": format!("spam {n}"), "n": n})).until("ack").await;
        }
        decide(&mut ann, json!({"type": "kick", "clientId": bob.id(), "messages": true, "n": 2}))
            .await;
        let late = join(nodes.there(), "r", "Cid", "192.0.2.3").await;
        let history = late.welcome["history"].to_string();
        assert!(history.contains("from Ann") && !history.contains("spam"), "{history}");
    }
}

#[tokio::test]
async fn without_a_proxy_the_header_is_not_believed() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let bob = Client::join(&server, "r", "Bob").await;
    decide(&mut ann, kick(bob.id())).await;
    let bob = Visitor::new("Bob").from("198.51.100.1");
    assert_eq!(bob.by_socket(server.address, "r").await.refused(), kicked(4403));
    assert_eq!(bob.by_join(server.address, "r").await.refused(), kicked(403));
}
