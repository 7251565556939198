//! Muting, locks, the history rule, titles, and rooms without hosts.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Nodes, ask, decide, door, host_of, join, kick, lock, names, refused,
    visitor::{Refusal, Visitor, answer},
};
use crate::wire::said;

fn mute(id: &str, muted: bool) -> Value {
    json!({"type": "mute", "clientId": id, "muted": muted})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_muted_member_reads_and_sends_nothing_over_any_transport() {
    for nodes in Nodes::both(&[]).await {
        let (here, there) = (nodes.here(), nodes.there());
        let mut ann = join(here, "r", "Ann", "192.0.2.1").await;
        let mut bob = join(there, "r", "Bob", "192.0.2.2").await;
        bob.send(json!({"text": "before", "n": 1})).until("ack").await;
        decide(&mut ann, mute(bob.id(), true)).await;
        let told = bob.until("rules").await;
        assert_eq!(told["muted"], json!([bob.id()]), "{told}");
        for request in [
            json!({"text": "hi", "n": 2}),
            json!({"type": "edit", "target": 1, "text": "hi", "n": 2}),
            json!({"type": "react", "target": 1, "emoji": "👍", "on": true, "n": 2}),
        ] {
            assert_eq!(refused(&mut bob, &request).await, "muted", "{request}");
        }
        // What it has sent it may delete.
        bob.send(json!({"type": "delete", "target": 1, "n": 2})).until("ack").await;
        // By its ticket, at each node, and after it has come back.
        let back = Visitor::new("Bob").from("192.0.2.2").ticket(bob.ticket());
        for node in nodes.each() {
            let request = back.request(Method::POST, node, "/api/rooms/r/messages");
            let (status, body) = answer(request.body(r#"{"text":"hi"}"#)).await;
            assert_eq!((status, &body["code"]), (403, &json!("muted")), "{body}");
        }
        let mut bob = back.by_resume_frame(here, "r").await.joined();
        let members = bob.welcome["members"].as_array().unwrap();
        let muted: Vec<&Value> = members.iter().filter(|it| it["muted"] == true).collect();
        assert_eq!((muted.len(), &muted[0]["user"]), (1, &json!("Bob")));
        assert_eq!(refused(&mut bob, &json!({"text": "hi", "n": 3})).await, "muted");
        let seen = join(there, "r", "Cid", "192.0.2.3").await.welcome;
        assert_eq!(seen["members"].to_string().matches(r#""muted":true"#).count(), 1, "{seen}");
        // It reads all the while.
        ann.send(json!({"text": "for Bob", "n": 1})).until("ack").await;
        assert_eq!(bob.until("chat").await["text"], "for Bob");
        decide(&mut ann, mute(bob.id(), false)).await;
        assert!(bob.until("rules").await.get("muted").is_none());
        bob.send(json!({"text": "after", "n": 3})).until("ack").await;
        assert_eq!(ann.until("chat").await["text"], "after");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_room_takes_its_members_back_and_no_other() {
    for nodes in Nodes::both(&[]).await {
        let (here, there) = (nodes.here(), nodes.there());
        let mut ann = join(here, "r", "Ann", "192.0.2.1").await;
        let bob = join(there, "r", "Bob", "192.0.2.2").await;
        let back = Visitor::new("Bob").from("192.0.2.2").ticket(bob.ticket());
        let id = bob.id().to_owned();
        for how in ["locked", "knock"] {
            decide(&mut ann, lock(how)).await;
            let by_frame = back.by_resume_frame(here, "r").await.joined();
            let by_socket = back.by_socket(there, "r").await.joined();
            let by_events = back.by_events(here, "r").await.joined();
            let by_join = back.by_join(there, "r").await.joined();
            for welcome in
                [&by_frame.welcome, &by_socket.welcome, &by_events.welcome, &by_join.welcome]
            {
                assert_eq!((&welcome["clientId"], &welcome["resumed"]), (&json!(id), &json!(true)));
                assert_eq!(welcome["room"]["lock"], how);
            }
        }
        decide(&mut ann, lock("locked")).await;
        let stranger = Visitor::new("Eve").from("192.0.2.9");
        let locked = |status| Refusal { status, code: "room_locked".into() };
        for node in nodes.each() {
            assert_eq!(stranger.by_socket(node, "r").await.refused(), locked(4423));
            assert_eq!(stranger.by_events(node, "r").await.refused(), locked(423));
            assert_eq!(stranger.by_join(node, "r").await.refused(), locked(423));
            assert_eq!(stranger.by_terminal(node, "r").await.refused().status, 423);
            let said = stranger.request(Method::POST, node, "/r/r?name=Eve").body("hi");
            assert_eq!(said.send().await.unwrap().status(), 423);
        }
        // A member that has left is a new one.
        back.by_join(here, "r").await.joined().leave().await;
        assert_eq!(back.by_socket(there, "r").await.refused(), locked(4423));
        assert_eq!(
            names(
                &Visitor::new("Ann")
                    .ticket(ann.ticket())
                    .by_socket(there, "r")
                    .await
                    .joined()
                    .welcome
            ),
            ["Ann"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn since_join_a_new_member_sees_nothing_older_however_it_comes_back() {
    for nodes in Nodes::both(&[]).await {
        let (here, there) = (nodes.here(), nodes.there());
        let mut ann = join(here, "r", "Ann", "192.0.2.1").await;
        ann.send(json!({"text": "old", "n": 1})).until("ack").await;
        decide(&mut ann, json!({"type": "history", "history": "since_join"})).await;
        let come = |name: &str| Visitor::new(name).from("192.0.2.2");
        let bob = come("Bob").by_socket(there, "r").await.joined();
        let eve = come("Eve").by_events(there, "r").await.joined();
        let pat = come("Pat").by_join(there, "r").await.joined();
        let zoe = come("Zoe").by_terminal(there, "r").await.joined();
        for welcome in [&bob.welcome, &eve.welcome, &pat.welcome] {
            assert_eq!(welcome["history"], json!([]));
            assert_eq!(welcome["room"]["history"], "since_join");
        }
        assert!(!zoe.text.contains("old"), "{}", zoe.text);
        ann.send(json!({"text": "new", "n": 2})).until("ack").await;
        let late = come("Late").by_socket(here, "r").await.joined();
        assert_eq!(late.welcome["history"], json!([]));
        // A reload without a cursor, at each node and over each transport.
        let back = come("Bob").ticket(bob.ticket());
        for node in nodes.each() {
            let seen = [
                back.by_socket(node, "r").await.joined().welcome,
                back.by_resume_frame(node, "r").await.joined().welcome,
                back.by_events(node, "r").await.joined().welcome,
                back.by_join(node, "r").await.joined().welcome,
            ];
            for welcome in seen {
                assert_eq!(said(&welcome["history"]), ["new"], "{welcome}");
            }
            // A cursor of another life, and one from before it joined, get no more than that.
            for cursor in [ann.welcome["cursor"].as_str().unwrap(), "00000000000000aa-1"] {
                let path = format!("/api/rooms/r/messages?wait=0&after={cursor}");
                let (status, body) = answer(back.request(Method::GET, node, &path)).await;
                assert!(!body.to_string().contains(r#""old""#), "{status} {body}");
                let request = back.request(Method::POST, node, "/api/rooms/r/join");
                let (status, body) =
                    answer(request.body(json!({"cursor": cursor}).to_string())).await;
                assert!(!body.to_string().contains(r#""old""#), "{status} {body}");
            }
        }
        // Members that were there before see all that they could, and so do new ones once the host allows it.
        let ann_back = Visitor::new("Ann").ticket(ann.ticket()).by_socket(there, "r").await;
        let mut ann = ann_back.joined();
        assert_eq!(said(&ann.welcome["history"]), ["old", "new"]);
        decide(&mut ann, json!({"type": "history", "history": "all"})).await;
        let free = come("Free").by_socket(there, "r").await.joined();
        assert_eq!(said(&free.welcome["history"]), ["old", "new"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_has_bounds_and_is_told_to_members_alone() {
    for nodes in Nodes::both(&[]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let mut bob = join(nodes.there(), "r", "Bob", "192.0.2.2").await;
        let topic = |title: &str| json!({"type": "topic", "title": title});
        for (title, shown) in
            [(" Tea & <b> ", "Tea & <b>".to_owned()), (&"é".repeat(256), "é".repeat(256))]
        {
            decide(&mut ann, topic(title)).await;
            assert_eq!(bob.until("rules").await["rules"]["title"], *shown);
            let seen = join(nodes.there(), "r", "Cid", "192.0.2.3").await.welcome;
            assert_eq!(seen["room"]["title"], *shown);
            assert!(door(nodes.there(), "r").await.get("title").is_none());
        }
        for bad in ["é".repeat(257), "a\nb".into(), "a\u{0}b".into(), "a\u{202e}b".into()] {
            assert_eq!(refused(&mut ann, &topic(&bad)).await, "bad_title");
        }
        decide(&mut ann, topic("  ")).await;
        assert!(bob.until("rules").await["rules"].get("title").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_deletes_what_others_have_sent_and_no_other_does() {
    for nodes in Nodes::both(&[]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let mut bob = join(nodes.there(), "r", "Bob", "192.0.2.2").await;
        let mut cid = join(nodes.there(), "r", "Cid", "192.0.2.3").await;
        bob.send(json!({"text": "by Bob", "n": 1})).until("ack").await;
        let delete = json!({"type": "delete", "target": 1, "n": 1});
        assert_eq!(refused(&mut cid, &delete).await, "not_yours");
        let edit = json!({"type": "edit", "target": 1, "text": "by Ann", "n": 1});
        assert_eq!(refused(&mut ann, &edit).await, "not_yours", "nobody speaks for another");
        ann.send(delete).until("ack").await;
        assert_eq!(bob.until("delete").await["target"], 1);
        let seen = join(nodes.here(), "r", "Dan", "192.0.2.4").await.welcome;
        assert!(!seen["history"].to_string().contains("by Bob"), "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_hosts_has_none() {
    for nodes in Nodes::both(&["--room-hosts", "false"]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let bob = join(nodes.there(), "r", "Bob", "192.0.2.2").await;
        assert_eq!((host_of(&ann.welcome), host_of(&bob.welcome)), (vec![], vec![]));
        assert_eq!(bob.welcome["room"], json!({"lock": "open", "history": "all"}));
        for request in [
            kick(bob.id()),
            lock("locked"),
            json!({"type": "burn"}),
            json!({"type": "host", "clientId": bob.id()}),
        ] {
            assert_eq!(refused(&mut ann, &request).await, "not_host");
            assert_eq!(ask(nodes.there(), "r", bob.ticket(), &request).await.0, 403);
        }
        let host = Visitor::default().ticket(ann.ticket());
        let invites =
            answer(host.request(Method::POST, nodes.there(), "/api/rooms/r/invites")).await;
        assert_eq!((invites.0, &invites.1["code"]), (403, &json!("not_host")));
        ann.leave().await;
        let seen = join(nodes.here(), "r", "Cid", "192.0.2.3").await.welcome;
        assert_eq!((host_of(&seen), names(&seen)), (vec![], vec!["Bob", "Cid"]));
    }
}
