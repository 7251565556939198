//! Polls, long and short: nothing lost, nothing doubled, nothing out of order, whatever becomes of the answers.

mod keep_alive;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::wire::{
    Client, TestServer,
    poller::{Poller, events, texts},
};
use parlor::{
    budget::{self, Budgets},
    hub::{Hub, HubConfig, JoinRequest, NullSubscriber, RoomRegistry},
    room::{Limits, MemberId, Millis, NodeId, RoomId},
    store::memory::{Memory, World, wall_clock},
    ticket::{Claims, Signer},
    transport::poll::Pollers,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

#[tokio::test]
async fn who_polls_and_who_has_a_socket_are_in_one_room() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "комната", "Ann").await;
    let mut bob = Poller::join(&server, "комната", "Bob").await;
    assert_eq!(bob.welcome["members"].as_array().unwrap().len(), 2);
    assert_eq!(bob.welcome["limits"]["poll"], 15);
    assert_eq!(ann.expect("joined").await["user"], "Bob");
    assert_eq!(server.heads("комната").await, 2);
    assert!(bob.poll(0).await.is_none(), "nothing yet");

    ann.say("hello", 1).await;
    let heard = bob.hear().await;
    assert_eq!((texts(&heard), events(&heard)), (vec!["hello"], vec![]));
    assert_eq!((&heard["messages"][0]["user"], &heard["messages"][0]["type"]), (&json!("Ann"), &json!("chat")));
    assert_eq!((&heard["members"], &heard["ticket"], &heard["reset"]), (&Value::Null, &Value::Null, &Value::Null));

    let ack = bob.say("hi", 1).await;
    assert_eq!((&ack["seq"], &ack["cursor"], &ack["duplicate"]), (&json!(2), &Value::Null, &Value::Null));
    let chat = ann.expect("chat").await;
    assert_eq!((&chat["text"], &chat["from"], &chat["n"]), (&json!("hi"), &json!(bob.id()), &Value::Null));
    let own = bob.hear().await;
    assert_eq!((texts(&own), &own["messages"][0]["n"]), (vec!["hi"], &json!(1)), "one's own words come whole");
    assert_eq!(bob.say("hi", 1).await["duplicate"], true);

    ann.send(json!({"typing": true})).flush().await;
    assert_eq!(bob.until("typing").await["user"], "Ann");
    assert_eq!(bob.post("typing", r#"{"typing":true}"#).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(ann.expect("typing").await["user"], "Bob");

    // A long poll is answered when it happens, not when the time is over.
    let waiting = tokio::spawn(async move {
        let left = bob.until("left").await;
        (bob, left)
    });
    ann.leave().await;
    let (bob, left) = waiting.await.unwrap();
    assert_eq!((&left["reason"], &left["count"]), (&json!("left"), &json!(1)));
    bob.leave().await;
    server.is_deserted().await;
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again_with_what_has_come_since() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let mut bob = Poller::join(&server, "r", "Bob").await;
    ann.expect("joined").await;
    for round in 0..3 {
        ann.say("same", 3 * round + 1).await;
        ann.say("same", 3 * round + 2).await;
        let ask = || async { bob.ask(&bob.cursor, 60).send().await.unwrap().json::<Value>().await.unwrap() };
        let mut first = ask().await;
        while texts(&first).len() < 2 {
            first = ask().await;
        }
        assert_eq!(ask().await, first, "nothing has happened");
        ann.say("meanwhile", 3 * round + 3).await;
        ann.send(json!({"typing": true})).flush().await;
        let mut second = ask().await;
        while events(&second) != ["typing"] {
            second = ask().await;
        }
        assert_eq!(texts(&first), ["same", "same"]);
        assert_eq!(texts(&second), ["same", "same", "meanwhile"], "everything after the cursor, and once");
        assert!(first["members"].is_null() && second["members"].is_null(), "{second}");
        // The log is read anew for who goes on from an answer that has been overtaken, and nothing is missing.
        let stale: Value = bob.ask(first["cursor"].as_str().unwrap(), 0).send().await.unwrap().json().await.unwrap();
        assert_eq!((texts(&stale), stale["members"].as_array().map(Vec::len)), (vec!["meanwhile"], Some(2)));
        bob.take(&stale);
        ann.send(json!({"typing": false})).flush().await;
        assert_eq!(bob.until("typing").await["typing"], false);
    }
    assert!(bob.poll(0).await.is_none());
}

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
            video: None,
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
        let entrance =
            JoinRequest { room: room.clone(), name: Some(name.parse().unwrap()), ticket: None, cursor: None, usage: None };
        let welcome: Value = serde_json::from_slice(&node.join(entrance).await.unwrap()).unwrap();
        let word = |field: &str| welcome[field].as_str().unwrap().to_owned();
        let who = Claims { member: MemberId(word("clientId").parse().unwrap()), name: name.parse().unwrap() };
        Self { room, who, ticket: word("ticket"), cursor: word("cursor") }
    }

    /// The answer, and after how many seconds it came.
    async fn poll(&mut self, node: &Pollers, wait: u64) -> (Option<Value>, u64) {
        let (asked, after) = (Instant::now(), Some(self.cursor.parse().unwrap()));
        let answer =
            node.poll(&self.room, &self.ticket, &self.who, after, Duration::from_secs(wait), (asked, None)).await.unwrap();
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
    let heads = |answer: &Option<Value>| answer.as_ref().unwrap()["members"].as_array().map(Vec::len);
    let (first, took) = bob.poll(&there, 20).await;
    assert_eq!((heads(&first), took), (Some(1), 0), "a cursor of a welcome does not say who was there");
    for node in [&here, &there, &here] {
        let (answer, took) = bob.poll(node, 20).await;
        assert_eq!((heads(&answer), took), (Some(1), 20), "nobody asks on and on because the nodes take turns");
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
        while let Some(mut stay) = node.hear(&bob.who).filter(|_| begun.elapsed() < Duration::from_secs(100)) {
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
        assert_eq!((hears(&mut ann).await.as_str(), begun.elapsed().as_secs()), ("left", 5), "{node} {waits}");
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
                assert!(status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE, "{status}");
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
        let entrance = JoinRequest { room: room.clone(), name: None, ticket: None, cursor: None, usage: None };
        hubs[0].enter(entrance, Arc::new(NullSubscriber)).await.unwrap()
    };
    let mut others = vec![come().await, come().await, come().await];
    let mut bob = Asker::join(&here, "Bob").await;
    others.push(come().await);
    let (answer, took) = bob.poll(&here, 20).await;
    assert_eq!((events(answer.as_ref().unwrap()), took), (vec!["presence"], 0));
    let said = |answer: &Option<Value>| {
        let answer = answer.as_ref().unwrap();
        (answer["count"].as_u64(), answer["crowd"].as_bool(), answer["members"].as_array().map(Vec::len))
    };
    for node in [&there, &here, &there] {
        let (answer, took) = bob.poll(node, 20).await;
        assert_eq!((said(&answer), took), ((Some(5), Some(true), Some(4)), 20), "the count is what they know already");
    }
    others.pop().unwrap().leave().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // A crowd still where they were counted, and none where nobody was: each node has a mind of its own.
    bob.poll(&here, 20).await;
    for (node, crowd) in [(&there, None), (&here, Some(true)), (&there, None)] {
        let (answer, took) = bob.poll(node, 20).await;
        assert_eq!((said(&answer), took), ((Some(4), crowd, Some(4)), 20));
    }
    bob.poll(&here, 20).await;
    others.pop().unwrap().leave().await;
    let (answer, took) = bob.poll(&here, 20).await;
    let answer = answer.unwrap();
    assert_eq!((events(&answer), answer["events"][0]["members"].as_array().map(Vec::len), took), (vec!["presence"], Some(3), 1));
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
        assert_eq!(bob.poll(&node, 10).await, (None, 10), "who does not take it is not told for ever");
        bob.ticket.clone_from(&fresh);
        assert_eq!(bob.poll(&node, 10).await, (None, 10));
        tickets.push(fresh);
    }
}

#[tokio::test]
async fn any_cursor_of_any_transport_will_do() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let mut bob = Poller::join(&server, "r", "Bob").await;
    ann.expect("joined").await;
    for n in 1..=4 {
        ann.say(&n.to_string(), n).await;
    }
    let all = bob.poll(0).await.unwrap();
    assert_eq!(texts(&all), ["1", "2", "3", "4"]);
    // From a message in the middle, as a socket would have it: the seat is looked up anew.
    let middle = all["messages"][1]["cursor"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let again: Value = bob.ask(&middle, 0).send().await.unwrap().json().await.unwrap();
        assert_eq!((texts(&again), again["members"].as_array().unwrap().len()), (vec!["3", "4"], 2), "{again}");
        assert_eq!((&again["reset"], &again["lastN"]), (&Value::Null, &json!(0)));
    }
    // From nowhere: everything that is kept.
    let whole: Value = bob.http.get(bob.url("messages")).bearer_auth(&bob.ticket).send().await.unwrap().json().await.unwrap();
    assert_eq!((texts(&whole).len(), &whole["reset"]), (4, &Value::Null));
    // From another life, and from the future.
    for cursor in ["1-1".to_owned(), format!("{}0", all["messages"][3]["cursor"].as_str().unwrap())] {
        let reset: Value = bob.ask(&cursor, 0).send().await.unwrap().json().await.unwrap();
        assert_eq!((texts(&reset).len(), &reset["reset"]), (4, &json!(true)), "{cursor}");
        bob.take(&reset);
    }
    // A socket goes on from a poll's cursor, and a poll from the socket's; the seat is the same.
    ann.say("5", 5).await;
    let mut socket = Client::resume(&server, "r", &bob.ticket, Some(&bob.cursor)).await;
    assert_eq!((&socket.welcome["clientId"], &socket.welcome["resumed"]), (&bob.welcome["clientId"], &json!(true)));
    assert_eq!(socket.welcome["history"].as_array().unwrap().len(), 1);
    ann.say("6", 6).await;
    assert_eq!(socket.expect("chat").await["text"], "6");
    ann.say("7", 7).await;
    bob.cursor.clone_from(&socket.cursor);
    let back = bob.poll(0).await.unwrap();
    assert_eq!((texts(&back), back["members"].as_array().unwrap().len()), (vec!["7"], 2));
    assert_eq!(socket.until("closing").await["code"], "replaced");
    assert_eq!(ann.seen.iter().filter(|line| line.contains("joined") || line.contains("left")).count(), 1, "{:?}", ann.seen);
}

#[tokio::test]
async fn of_two_polls_the_newer_is_answered_and_a_seat_opened_elsewhere_is_said() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let bob = Poller::join(&server, "r", "Bob").await;
    let ask = || tokio::spawn(bob.ask(&bob.cursor, 60).send());
    let older = ask();
    // The older must be waiting before the newer comes.
    let mut newer = ask();
    let older = tokio::select! {
        answer = older => answer.unwrap().unwrap(),
        answer = &mut newer => { newer = tokio::spawn(bob.ask(&bob.cursor, 60).send()); answer.unwrap().unwrap() }
    };
    assert_eq!(older.status(), StatusCode::NO_CONTENT);
    ann.expect("joined").await;
    ann.say("hello", 1).await;
    let newer: Value = newer.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(texts(&newer), ["hello"]);

    let mut bob = bob;
    bob.take(&newer);
    let waiting = tokio::spawn(bob.ask(&bob.cursor, 60).send());
    let twice = Poller::join_at(&server.url(""), "r", json!({}), Some(&bob.ticket)).await;
    assert_eq!(twice.welcome["clientId"], bob.welcome["clientId"]);
    let refused = waiting.await.unwrap().unwrap();
    // It may have come only after the other had been let in: then it is just another poll.
    if refused.status() != StatusCode::OK {
        assert_eq!(
            (refused.status(), refused.json::<Value>().await.unwrap()["code"].as_str()),
            (StatusCode::CONFLICT, Some("replaced"))
        );
    }
    assert_eq!(server.heads("r").await, 2);
}

#[tokio::test]
async fn what_does_not_fit_a_mailbox_is_taken_from_the_log() {
    let server = TestServer::start(&[
        "--rate",
        "10000",
        "--address-rate",
        "0",
        "--address-joins",
        "0",
        "--history-bytes",
        "10000000",
        "--address-text",
        "0",
    ])
    .await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let mut bob = Poller::join(&server, "r", "Bob").await;
    let long = "x".repeat(4000);
    ann.expect("joined").await;
    for (n, expect_reset) in [(100_u64, false), (250, true)] {
        let first = ann.welcome["lastN"].as_u64().unwrap() + if expect_reset { 101 } else { 1 };
        for i in first..first + n {
            ann.say(&format!("{i} {long}").chars().take(4000).collect::<String>(), i).await;
        }
        let answer = bob.poll(0).await.unwrap();
        let numbers: Vec<u64> = answer["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap()).collect();
        let kept = if expect_reset { 200 } else { n };
        assert!(numbers.iter().copied().eq(first + n - kept..first + n), "{numbers:?}");
        assert_eq!((answer["reset"] == true, answer["members"].is_array()), (expect_reset, true));
    }
}

#[tokio::test]
async fn the_predecessors_shapes_are_understood_and_equal_messages_both_arrive() {
    let server = TestServer::start(&[]).await;
    let mut bob = Poller::join(&server, "r", "Bob").await;
    let mut last = 0;
    for shape in [
        r#"{"text":"hi","typing":false}"#,
        r#"{"type":"chat","message":"hi"}"#,
        r#"{"content":"hi"}"#,
        r#"{"text":"hi","n":77}"#,
        r#"{"text":"hi"}"#,
    ] {
        let ack: Value = bob.post("messages", shape).send().await.unwrap().json().await.unwrap();
        assert!(ack["n"].as_u64().unwrap() > last && ack["duplicate"].is_null(), "{ack}");
        last = ack["n"].as_u64().unwrap();
    }
    assert_eq!(last, 78, "the next one");
    assert_eq!(texts(&bob.poll(0).await.unwrap()), ["hi"; 5]);
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_is_allowed() {
    let server = TestServer::start(&["--rate", "1000", "--address-rate", "0", "--address-joins", "0"]).await;
    let ann = Poller::join(&server, "r", "Ann").await;
    let elsewhere = Poller::join(&server, "other", "Ann").await;
    let http = reqwest::Client::new();
    let (good, wrong, gone) = (Some(ann.ticket.as_str()), Some(elsewhere.ticket.as_str()), Some("nonsense"));
    let big = "x".repeat(70_000);
    let long = json!({"text": "x".repeat(4001)}).to_string();
    let (get, post) = (Method::GET, Method::POST);
    for (method, path, ticket, body, status, code) in [
        (&post, "r/join", None, "{", 400, "bad_frame"),
        (&post, "r/join", None, r#"{"name":5}"#, 400, "bad_frame"),
        (&post, "r/join", None, r#"{"name":"\u0007"}"#, 400, "bad_name"),
        (&post, "r/join", None, r#"{"cursor":"x"}"#, 400, "bad_cursor"),
        (&post, "a%20b/join", None, "", 400, "bad_room"),
        (&post, "/join", None, "", 400, "bad_room"),
        (&post, "r/join", None, &big, 413, "body_too_big"),
        (&get, "r/messages", None, "", 401, "no_ticket"),
        (&get, "r/messages", wrong, "", 401, "bad_ticket"),
        (&get, "r/messages", gone, "", 401, "bad_ticket"),
        (&get, "empty/messages", good, "", 401, "bad_ticket"),
        (&get, "r/messages?wait=61", good, "", 400, "bad_wait"),
        (&get, "r/messages?wait=abc", good, "", 400, "bad_wait"),
        (&get, "r/messages?wait=", good, "", 400, "bad_wait"),
        (&get, "r/messages?wait=-1", good, "", 400, "bad_wait"),
        (&get, "r/messages?wait=1.5", good, "", 400, "bad_wait"),
        (&get, "r/messages?after=x", good, "", 400, "bad_cursor"),
        (&get, "r/messages?after=1-1-", good, "", 400, "bad_cursor"),
        (&post, "r/messages", None, r#"{"text":"hi"}"#, 401, "no_ticket"),
        (&post, "r/messages", wrong, r#"{"text":"hi"}"#, 401, "bad_ticket"),
        (&post, "r/messages", good, "", 400, "bad_frame"),
        (&post, "r/messages", good, r#"{"type":"ping"}"#, 400, "bad_frame"),
        (&post, "r/messages", good, r#"{"text":" "}"#, 400, "empty_text"),
        (&post, "r/messages", good, r#"{"text":"hi","n":0}"#, 400, "bad_n"),
        (&post, "r/messages", good, &long, 413, "too_long"),
        (&post, "r/messages", good, &big, 413, "body_too_big"),
        (&post, "r/typing", None, r#"{"typing":true}"#, 401, "no_ticket"),
        (&post, "r/typing", wrong, r#"{"typing":true}"#, 401, "bad_ticket"),
        (&post, "r/typing", good, r#"{"text":"hi"}"#, 400, "bad_frame"),
        (&post, "r/typing", good, r#"{"typing":1}"#, 400, "bad_frame"),
        (&post, "r/leave", None, "", 401, "no_ticket"),
        (&post, "r/leave", wrong, "", 401, "bad_ticket"),
        (&post, "r/leave", None, r#"{"ticket":"x"}"#, 401, "bad_ticket"),
        (&post, "r/leave", None, "{", 400, "bad_frame"),
    ] {
        let url = server.url(&format!("/api/rooms/{path}"));
        let request = http.request(method.clone(), url).body(body.to_owned());
        let response = ticket.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth).send().await.unwrap();
        let (given, cache) = (response.status().as_u16(), response.headers()["cache-control"].clone());
        let problem: Value = response.json().await.unwrap();
        assert_eq!(
            (given, problem["code"].as_str(), cache.to_str().unwrap()),
            (status, Some(code), "no-store"),
            "{method} {path}"
        );
        assert!(problem["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    // A send that is refused says which.
    for (ticket, body, code, n) in [
        (good, r#"{"text":" ","n":7}"#, "empty_text", json!(7)),
        (good, r#"{"type":"ping","n":7}"#, "bad_frame", json!(7)),
        (wrong, r#"{"text":"hi","n":7}"#, "bad_ticket", json!(7)),
        (None, r#"{"text":"hi","n":7}"#, "no_ticket", json!(7)),
        (good, r#"{"text":" "}"#, "empty_text", Value::Null),
        (good, r#"{"text":"hi","n":0}"#, "bad_n", Value::Null),
    ] {
        let request = ticket.into_iter().fold(http.post(ann.url("messages")), reqwest::RequestBuilder::bearer_auth);
        let problem: Value = request.body(body).send().await.unwrap().json().await.unwrap();
        assert_eq!((problem["code"].as_str(), &problem["n"]), (Some(code), &n), "{body}");
    }
    for path in ["r/join", "r/messages", "r/typing", "r/leave"] {
        let request =
            http.post(server.url(&format!("/api/rooms/{path}"))).bearer_auth(&ann.ticket).header("origin", "http://evil.example");
        assert_eq!(request.send().await.unwrap().json::<Value>().await.unwrap()["code"], "forbidden_origin", "{path}");
    }
    // Somebody else keeps the room alive, and Ann leaves it, twice; the second time as a page that is closed.
    let mut bob = Poller::join(&server, "r", "Bob").await;
    assert_eq!(ann.post("leave", "").send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(bob.until("left").await["reason"], "left");
    let beacon = http.post(ann.url("leave")).header("content-type", "text/plain").body(json!({"ticket": ann.ticket}).to_string());
    assert_eq!(beacon.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    for request in [ann.ask(&ann.cursor, 0), ann.post("messages", r#"{"text":"hi"}"#), ann.post("typing", r#"{"typing":true}"#)] {
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status(), response.json::<Value>().await.unwrap()["code"].as_str()),
            (StatusCode::FORBIDDEN, Some("not_member"))
        );
    }
    // With the ticket she may come back, as herself.
    let again = Poller::join_at(&server.url(""), "r", json!({"cursor": ann.cursor}), Some(&ann.ticket)).await;
    assert_eq!((&again.welcome["clientId"], &again.welcome["resumed"]), (&ann.welcome["clientId"], &json!(true)));
    // A room of the server's own naming.
    let made: Value = http.post(server.url("/api/rooms")).send().await.unwrap().json().await.unwrap();
    assert_eq!(server.heads(made["roomId"].as_str().unwrap()).await, 1);
}

#[tokio::test]
async fn too_much_too_fast_is_refused_with_when_to_come_back() {
    let server = TestServer::start(&["--rate", "1"]).await;
    let ann = Poller::join(&server, "r", "Ann").await;
    let refused = loop {
        let response = ann.post("messages", r#"{"text":"hi","n":1}"#).send().await.unwrap();
        if response.status() != StatusCode::OK {
            break response;
        }
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    let problem: Value = refused.json().await.unwrap();
    assert!(problem["retryAfter"].as_u64().unwrap() >= 1 && problem["n"] == 1, "{problem}");
    let bob = Poller::join(&server, "r", "Bob").await;
    bob.say("another may", 1).await;
}
