//! The seat of a member that polls, at one node and at two, in time that jumps.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parlor::{
    budget::{self, Budgets},
    hub::{Hub, HubConfig, JoinRequest, NullSubscriber, RoomRegistry},
    receipt::ReceiptSigner,
    room::{Limits, MemberId, Millis, NodeId, RoomId},
    store::memory::{Memory, World, wall_clock},
    ticket::{Claims, Signer},
    transport::poll::Pollers,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::wire::{
    Client, TestServer,
    poller::{Poller, events},
};

/// Two nodes over one memory.
fn two_hubs(crowd: usize) -> [Arc<Hub>; 2] {
    let world = World::new(Limits::default(), wall_clock);
    [1, 2].map(|node| {
        let (signer, limits, grace) = (Signer::new(""), Limits::default(), Duration::from_secs(15));
        let budgets = Arc::new(Budgets::new(budget::Limits::default()));
        let reload_grace = Duration::from_secs(5);
        let rooms = RoomRegistry::new(HubConfig {
            signer,
            limits,
            crowd,
            grace,
            reload_grace,
            no_export: false,
            video: None,
            receipts: Arc::new(ReceiptSigner::from_seed(&[7; 32])),
            node: NodeId(node),
            accounts: None,
            budgets,
            clock,
        });
        let store = Memory::new(Arc::clone(&world), NodeId(node), Arc::clone(&rooms) as _);
        Hub::new(rooms, store)
    })
}

/// Those who poll at two nodes.
fn two_nodes() -> [Arc<Pollers>; 2] {
    two_hubs(100).map(|hub| Arc::new(Pollers::new(hub)))
}

/// The clock of the nodes can be put forward.
static AHEAD: AtomicU64 = AtomicU64::new(0);

fn clock() -> Millis {
    wall_clock() + AHEAD.load(Ordering::Relaxed)
}

struct Asker {
    room: RoomId,
    who: Claims,
    ticket: String,
    cursor: String,
}

impl Asker {
    async fn join(node: &Pollers, name: &str) -> Self {
        let room: RoomId = "r".parse().unwrap();
        let join_request = JoinRequest {
            room: room.clone(),
            name: Some(name.parse().unwrap()),
            ticket: None,
            cursor: None,
            usage: None,
            invite: None,
            waits: false,
        };
        let welcome: Value =
            serde_json::from_slice(&node.join(join_request).await.unwrap()).unwrap();
        let word = |field: &str| welcome[field].as_str().unwrap().to_owned();
        let who = Claims {
            member: MemberId(word("clientId").parse().unwrap()),
            name: name.parse().unwrap(),
        };
        Self { room, who, ticket: word("ticket"), cursor: word("cursor") }
    }

    /// The answer, and after how many seconds it came.
    async fn poll(&mut self, node: &Pollers, wait: u64) -> (Option<Value>, u64) {
        let (asked, after) = (Instant::now(), Some(self.cursor.parse().unwrap()));
        let answer = node
            .poll(
                &self.room,
                &self.ticket,
                &self.who,
                after,
                Duration::from_secs(wait),
                (asked, None),
            )
            .await
            .unwrap();
        let answer: Option<Value> = answer.map(|answer| serde_json::from_slice(&answer).unwrap());
        if let Some(answer) = &answer {
            answer["cursor"].as_str().unwrap().clone_into(&mut self.cursor);
        }
        (answer, asked.elapsed().as_secs())
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_sent_from_node_to_node_waits_there_unless_something_was_missed() {
    let [here, there] = two_nodes();
    let mut bob = Asker::join(&here, "Bob").await;
    let heads =
        |answer: &Option<Value>| answer.as_ref().unwrap()["members"].as_array().map(Vec::len);
    let (first, took) = bob.poll(&there, 20).await;
    assert_eq!(
        (heads(&first), took),
        (Some(1), 0),
        "a cursor of a welcome does not say who was there"
    );
    for node in [&here, &there, &here] {
        let (answer, took) = bob.poll(node, 20).await;
        assert_eq!(
            (heads(&answer), took),
            (Some(1), 20),
            "nobody asks on and on because the nodes take turns"
        );
    }
    let ann = Asker::join(&there, "Ann").await;
    let (answer, took) = bob.poll(&there, 20).await;
    assert_eq!((heads(&answer), took), (Some(2), 0), "somebody has come meanwhile");
    let (answer, took) = bob.poll(&here, 20).await;
    assert_eq!((heads(&answer), took), (Some(2), 15), "and is lost, told when it happens");
    assert_eq!(events(&answer.unwrap()), ["left"]);
    drop(ann);
    let (answer, took) = bob.poll(&there, 20).await;
    assert_eq!((heads(&answer), took), (Some(1), 20));
}

#[tokio::test(start_paused = true)]
async fn only_requests_that_are_accepted_renew_a_seat() {
    for accepted in [false, true] {
        let [node, _] = two_nodes();
        let bob = Asker::join(&node, "Bob").await;
        let begun = Instant::now();
        while let Some(mut stay) =
            node.hear(&bob.who).filter(|_| begun.elapsed() < Duration::from_secs(100))
        {
            // A request takes its time, and is refused or not.
            tokio::time::sleep(Duration::from_millis(4500)).await;
            if accepted {
                stay.accept();
            }
            drop(stay);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        // Refused ones are still answered before the seat is lost.
        assert_eq!(begun.elapsed().as_millis(), if accepted { 104_500 } else { 16_500 });
    }
}

#[tokio::test(start_paused = true)]
async fn page_that_unloads_between_polls_keeps_its_seat_for_the_reload_grace() {
    let hubs = two_hubs(100);
    let [here, there] = hubs.clone().map(|hub| Arc::new(Pollers::new(hub)));
    let mut ann = Asker::join(&here, "Ann").await;
    let hears = async |ann: &mut Asker| loop {
        if let (Some(answer), _) = ann.poll(&here, 60).await {
            break events(&answer).join(" ");
        }
    };
    // The news reaches the node of the last poll or another; while a poll waits, or between two.
    for (node, waits) in [(0, false), (1, false), (0, true), (1, true)] {
        let mut bob = Asker::join(&there, "Bob").await;
        assert_eq!(hears(&mut ann).await, "joined");
        let (room, ticket) = (bob.room.clone(), bob.ticket.clone());
        let node_of_bob = Arc::clone(&there);
        let polling = waits.then(|| tokio::spawn(async move { bob.poll(&node_of_bob, 60).await }));
        tokio::time::sleep(Duration::from_secs(2)).await;
        hubs[node].unload(&room, &ticket).await.unwrap();
        // The request is cut off: its page is gone.
        let begun = Instant::now();
        polling.inspect(tokio::task::JoinHandle::abort);
        assert_eq!(
            (hears(&mut ann).await.as_str(), begun.elapsed().as_secs()),
            ("left", 5),
            "{node} {waits}"
        );
        assert_eq!(hubs[1].counts(), (0, 0));
    }
    // A page that asks again is there: the news was of the page before, and came late.
    let mut bob = Asker::join(&there, "Bob").await;
    assert_eq!(hears(&mut ann).await, "joined");
    hubs[1].unload(&bob.room, &bob.ticket).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    bob.poll(&there, 0).await;
    let begun = Instant::now();
    assert_eq!((hears(&mut ann).await.as_str(), begun.elapsed().as_secs()), ("left", 15));
}

#[tokio::test]
async fn who_only_sends_requests_that_are_refused_is_gone() {
    let server = TestServer::start(&["--grace", "1", "--lease", "1", "--rate", "1000"]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let bob = Poller::join(&server, "r", "Bob").await;
    ann.expect("joined").await;
    let text = |length| json!({ "text": "x".repeat(length) }).to_string();
    let requests = async {
        loop {
            let refused = [
                bob.post("messages", "{}"),
                bob.post("messages", "no JSON"),
                bob.post("messages", text(4001)),
                bob.post("messages", r#"{"text":"hello","n":0}"#),
                bob.post("messages", r#"{"typing":true}"#),
                bob.post("typing", text(1)),
                bob.post("join", r#"{"name":""#),
                bob.post("livekit-token", ""),
                bob.ask("nonsense", 0),
                bob.ask(&bob.cursor, 61),
            ];
            for request in refused {
                let status = request.send().await.unwrap().status();
                assert!(
                    status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE,
                    "{status}"
                );
            }
        }
    };
    tokio::select! {
        () = requests => {}
        left = ann.expect("left") => assert_eq!(left["reason"], "lost"),
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_crowd_who_polls_is_told_how_many_there_are_and_waits_at_every_node() {
    let hubs = two_hubs(4);
    let [here, there] = hubs.clone().map(|hub| Arc::new(Pollers::new(hub)));
    let room: RoomId = "r".parse().unwrap();
    let come = async || {
        let join_request = JoinRequest {
            room: room.clone(),
            name: None,
            ticket: None,
            cursor: None,
            usage: None,
            invite: None,
            waits: false,
        };
        hubs[0].enter(join_request, Arc::new(NullSubscriber)).await.unwrap()
    };
    let mut others = vec![come().await, come().await, come().await];
    let mut bob = Asker::join(&here, "Bob").await;
    others.push(come().await);
    let (answer, took) = bob.poll(&here, 20).await;
    assert_eq!((events(answer.as_ref().unwrap()), took), (vec!["presence"], 0));
    let said = |answer: &Option<Value>| {
        let answer = answer.as_ref().unwrap();
        (
            answer["count"].as_u64(),
            answer["crowd"].as_bool(),
            answer["members"].as_array().map(Vec::len),
        )
    };
    for node in [&there, &here, &there] {
        let (answer, took) = bob.poll(node, 20).await;
        assert_eq!(
            (said(&answer), took),
            ((Some(5), Some(true), Some(4)), 20),
            "the count is what they know already"
        );
    }
    others.pop().unwrap().leave().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Still a crowd at the node that counted them, and none at the other: each node decides for itself.
    bob.poll(&here, 20).await;
    for (node, crowd) in [(&there, None), (&here, Some(true)), (&there, None)] {
        let (answer, took) = bob.poll(node, 20).await;
        assert_eq!((said(&answer), took), ((Some(4), crowd, Some(4)), 20));
    }
    bob.poll(&here, 20).await;
    others.pop().unwrap().leave().await;
    let (answer, took) = bob.poll(&here, 20).await;
    let answer = answer.unwrap();
    assert_eq!(
        (events(&answer), answer["events"][0]["members"].as_array().map(Vec::len)),
        (vec!["presence"], Some(3))
    );
    assert!(took <= 1, "with the next count, which comes every second: {took}");
    for node in [&there, &here] {
        assert_eq!(bob.poll(node, 20).await.1, 20);
    }
}

#[tokio::test(start_paused = true)]
async fn who_polls_for_days_is_given_a_fresh_ticket_in_time() {
    let [node, _] = two_nodes();
    let mut bob = Asker::join(&node, "Bob").await;
    assert_eq!(bob.poll(&node, 10).await, (None, 10));
    let mut tickets = vec![bob.ticket.clone()];
    for _ in 0..4 {
        AHEAD.fetch_add(13 * 60 * 60 * 1000, Ordering::Relaxed);
        let before = bob.cursor.clone();
        let (answer, took) = bob.poll(&node, 10).await;
        let fresh = answer.as_ref().unwrap()["ticket"].as_str().unwrap().to_owned();
        assert_eq!((took, &answer.as_ref().unwrap()["members"]), (0, &Value::Null));
        assert!(!tickets.contains(&fresh));
        let after = std::mem::replace(&mut bob.cursor, before);
        assert_eq!(bob.poll(&node, 10).await, (answer, 0), "the answer may have been lost");
        assert_eq!(bob.cursor, after);
        assert_eq!(
            bob.poll(&node, 10).await,
            (None, 10),
            "who does not take it is not told for ever"
        );
        bob.ticket.clone_from(&fresh);
        assert_eq!(bob.poll(&node, 10).await, (None, 10));
        tickets.push(fresh);
    }
}
