//! The host does two things at once, or passes the right on while it acts: there is one order, the same for all.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Nodes, ask, decide, door, host_of, join, kick, lock, names,
    visitor::{Visitor, answer},
};

fn pass(to: &str) -> Value {
    json!({"type": "host", "clientId": to})
}

fn code((status, body): &(u16, Value)) -> &str {
    if *status == 200 { "done" } else { body["code"].as_str().unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_passes_before_or_after_another_act_of_the_host() {
    for nodes in Nodes::both(&[]).await {
        let (here, there) = (nodes.here(), nodes.there());
        let ann = join(here, "r", "Ann", "192.0.2.1").await;
        let bob = join(there, "r", "Bob", "192.0.2.2").await;
        for round in 0..30 {
            let (passes, locks) = (pass(bob.id()), lock("locked"));
            let (passed, locked) = tokio::join!(
                ask(here, "r", ann.ticket(), &passes),
                ask(there, "r", ann.ticket(), &locks)
            );
            assert_eq!(code(&passed), "done", "{round}");
            let expected = match code(&locked) {
                "done" => "locked",
                "not_host" => "open",
                other => panic!("{other}"),
            };
            for node in nodes.each() {
                assert_eq!(door(node, "r").await["lock"], expected, "{round}");
                // Whatever the order was: the right is gone now, at every node.
                for request in [lock("knock"), kick(bob.id()), json!({"type": "burn"})] {
                    assert_eq!(code(&ask(node, "r", ann.ticket(), &request).await), "not_host");
                }
            }
            assert_eq!(code(&ask(here, "r", bob.ticket(), &lock("open")).await), "done");
            assert_eq!(code(&ask(there, "r", bob.ticket(), &pass(ann.id())).await), "done");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_passes_to_one_member_only() {
    for nodes in Nodes::both(&[]).await {
        let (here, there) = (nodes.here(), nodes.there());
        let ann = join(here, "r", "Ann", "192.0.2.1").await;
        let bob = join(there, "r", "Bob", "192.0.2.2").await;
        let cid = join(here, "r", "Cid", "192.0.2.3").await;
        for round in 0..20 {
            let (to_bob, to_cid) = (pass(bob.id()), pass(cid.id()));
            let (one, other) = tokio::join!(
                ask(here, "r", ann.ticket(), &to_bob),
                ask(there, "r", ann.ticket(), &to_cid)
            );
            let heir = match (code(&one), code(&other)) {
                ("done", "not_host") => &bob,
                ("not_host", "done") => &cid,
                both => panic!("{round}: {both:?}"),
            };
            let seen = join(there, "r", "Dan", "192.0.2.4").await;
            assert_eq!(host_of(&seen.welcome), [heir.welcome["user"].as_str().unwrap()]);
            seen.leave().await;
            assert_eq!(code(&ask(there, "r", heir.ticket(), &pass(ann.id())).await), "done");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_made_host_or_removed_and_never_both() {
    for nodes in Nodes::both(&[]).await {
        let (here, there) = (nodes.here(), nodes.there());
        let ann = join(here, "r", "Ann", "192.0.2.1").await;
        for round in 0..10 {
            let bob = join(there, "r", "Bob", "192.0.2.2").await;
            let kick = json!({"type": "kick", "clientId": bob.id(), "address": false});
            let passes = pass(bob.id());
            let (passed, kicked) = tokio::join!(
                ask(here, "r", ann.ticket(), &passes),
                ask(there, "r", ann.ticket(), &kick)
            );
            match (code(&passed), code(&kicked)) {
                ("done", "not_host") => {
                    let back = ask(here, "r", bob.ticket(), &pass(ann.id())).await;
                    assert_eq!(code(&back), "done", "{round}");
                    bob.leave().await;
                }
                ("no_member", "done") => {
                    let late = ask(there, "r", bob.ticket(), &lock("locked")).await;
                    assert_eq!(code(&late), "kicked", "{round}");
                }
                both => panic!("{round}: {both:?}"),
            }
            let seen = join(there, "r", "Dan", "192.0.2.4").await;
            assert_eq!(
                (host_of(&seen.welcome), names(&seen.welcome)),
                (vec!["Ann"], vec!["Ann", "Dan"])
            );
            seen.leave().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_decides_at_once_all_takes_effect() {
    const MEMBERS: usize = 12;
    for nodes in Nodes::both(&[]).await {
        let mut ann = join(nodes.here(), "r", "Ann", "192.0.2.1").await;
        let mut people = Vec::new();
        for at in 0..MEMBERS {
            let node = if at % 2 == 0 { nodes.here() } else { nodes.there() };
            people.push(join(node, "r", &format!("P{at}"), "192.0.2.2").await);
        }
        let ticket = ann.ticket().to_owned();
        let node = |at: usize| if at.is_multiple_of(2) { nodes.there() } else { nodes.here() };
        let host = Visitor::default().ticket(&ticket);
        let mutes: Vec<Value> = people
            .iter()
            .map(|member| json!({"type": "mute", "clientId": member.id(), "muted": true}))
            .collect();
        let others = [
            json!({"type": "topic", "title": "Tea"}),
            json!({"type": "history", "history": "since_join"}),
            json!({"type": "lifetime", "messageAge": 600}),
            json!({"type": "invite-only", "inviteOnly": true}),
            lock("knock"),
        ];
        let asked = mutes.iter().chain(&others).enumerate();
        let asked = join_all(asked.map(|(at, request)| ask(node(at), "r", &ticket, request)));
        let invites = join_all((0..20).map(|at| {
            let request = host.request(Method::POST, node(at), "/api/rooms/r/invites");
            answer(request.body(json!({"uses": at + 1}).to_string()))
        }));
        let (asked, invites) = tokio::join!(asked, invites);
        assert!(asked.iter().all(|answer| code(answer) == "done"), "{asked:?}");
        assert!(invites.iter().all(|(status, _)| *status == 201), "{invites:?}");
        // The last word of the rules that members have heard.
        decide(&mut ann, json!({"type": "topic", "title": "Coffee"})).await;
        let last = loop {
            let told = people[1].until("rules").await;
            if told["rules"]["title"] == "Coffee" {
                break told;
            }
        };
        let expected = json!({"lock": "knock", "history": "since_join", "messageAge": 600, "inviteOnly": true, "title": "Coffee"});
        assert_eq!(last["rules"], expected);
        assert_eq!(last["muted"].as_array().unwrap().len(), MEMBERS);
        for node in nodes.each() {
            let list = answer(host.request(Method::GET, node, "/api/rooms/r/invites")).await.1;
            let mut uses: Vec<u64> = list["invites"]
                .as_array()
                .unwrap()
                .iter()
                .map(|invite| invite["uses"].as_u64().unwrap())
                .collect();
            uses.sort_unstable();
            assert_eq!(uses, (1..=20).collect::<Vec<_>>());
        }
    }
}
