//! Several nodes and one Redis.

mod nginx;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::{
    support::redis,
    wire::{Client, Heard, TestServer, eventually},
};

async fn node(redis: &redis::Server) -> TestServer {
    node_with(redis, &["--rate", "10000", "--address-rate", "0", "--address-joins", "0"]).await
}

async fn node_with(redis: &redis::Server, args: &[&str]) -> TestServer {
    TestServer::with_redis(&redis.url(), args).await
}

/// All members say `each` messages at once; each must have heard all of them, once and in one order.
async fn ledger(people: Vec<Client>, each: u64) -> Vec<Client> {
    let total = people.len() as u64 * each;
    let tasks: Vec<_> = people
        .into_iter()
        .map(|mut person| {
            tokio::spawn(async move {
                for n in 1..=each {
                    person.send(
                        json!({"type": "chat", "text": format!("{} {n}", person.id()), "n": n}),
                    );
                }
                let mut order: Vec<(u64, String)> = Vec::new();
                while order.len() < total as usize {
                    match person.next().await {
                        Heard::Frame(frame) if frame["type"] == "chat" => {
                            order.push((
                                frame["seq"].as_u64().unwrap(),
                                frame["text"].as_str().unwrap().to_owned(),
                            ));
                        }
                        Heard::Frame(frame) if frame["type"] == "ack" => {
                            order.push((
                                frame["seq"].as_u64().unwrap(),
                                format!("{} {}", person.id(), frame["n"]),
                            ));
                        }
                        Heard::Frame(frame) => assert_eq!(frame["type"], "joined", "{frame}"),
                        other => panic!("{other:?}"),
                    }
                }
                (person, order)
            })
        })
        .collect();
    let mut people = Vec::new();
    let mut first: Option<Vec<(u64, String)>> = None;
    for task in tasks {
        let (person, order) = task.await.unwrap();
        assert!(order.iter().map(|(seq, _)| *seq).eq(1..=total), "numbers without holes, in order");
        let first = first.get_or_insert_with(|| order.clone());
        assert_eq!(*first, order, "one order everywhere");
        people.push(person);
    }
    people
}

#[tokio::test]
async fn what_an_address_says_counts_at_a_node_without_the_room() {
    let redis = redis::Server::start();
    let (here, there) = (
        node_with(&redis, &["--address-text", "3000"]).await,
        node_with(&redis, &["--address-text", "3000"]).await,
    );
    let ann = Client::join(&here, "r", "Ann").await;
    let publish = async |text: &str| {
        let request = crate::support::http::client().post(there.url("/api/rooms/r/messages"));
        request
            .bearer_auth(ann.ticket())
            .body(json!({ "text": text }).to_string())
            .send()
            .await
            .unwrap()
    };
    assert_eq!(publish(&"x".repeat(2000)).await.status(), 200);
    let refused: Value = publish(&"x".repeat(2000)).await.json().await.unwrap();
    assert_eq!(refused["code"], "address_limit", "{refused}");
}

#[tokio::test]
async fn who_comes_back_at_another_node_is_never_refused_for_seats() {
    let redis = redis::Server::start();
    let limits = ["--address-seats", "1", "--address-rooms", "1", "--max-seats", "1"];
    let (here, there) = (node_with(&redis, &limits).await, node_with(&redis, &limits).await);
    let (mut ann, _full) =
        (Client::join(&here, "r", "Ann").await, Client::join(&there, "full", "Bob").await);
    let join = async |ticket: &str| {
        let request = crate::support::http::client()
            .post(there.url("/api/rooms/r/join"))
            .bearer_auth(ticket)
            .body("{}");
        request.send().await.unwrap()
    };
    let resumed: Value = join(ann.ticket()).await.json().await.unwrap();
    assert_eq!(
        (&resumed["clientId"], &resumed["resumed"]),
        (&json!(ann.id()), &json!(true)),
        "{resumed}"
    );
    // The first node gives her seat back when it hears that she has moved.
    ann.expect_closing("replaced", 4001).await;
    let _cid = Client::join(&here, "r", "Cid").await;
    let left = crate::support::http::client()
        .post(there.url("/api/rooms/r/leave"))
        .bearer_auth(ann.ticket())
        .body("{}");
    assert_eq!(left.send().await.unwrap().status(), 204);
    assert_eq!(
        join(ann.ticket()).await.status(),
        429,
        "a ticket without a seat gives no right to one"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_on_two_nodes_are_in_one_room_and_redis_forgets_it_with_the_last() {
    let redis = redis::Server::start();
    let (here, there) = (node(&redis).await, node(&redis).await);
    let mut ann = Client::join(&here, "комната", "Ann").await;
    let mut bob = Client::join(&there, "комната", "Bob").await;
    assert_eq!(bob.welcome["members"].as_array().unwrap().len(), 2);
    assert_eq!(ann.expect("joined").await["user"], "Bob");
    ann.publish("hello", 1).await;
    assert_eq!(bob.expect("chat").await["text"], "hello");
    bob.send(json!({"typing": true})).flush().await;
    assert_eq!(ann.expect("typing").await["user"], "Bob");
    assert_eq!(there.heads("комната").await, 2);
    assert_eq!(redis.keys().len(), 3, "a set, a hash and a list: {:?}", redis.keys());
    bob.leave().await;
    assert_eq!(ann.until("left").await["reason"], "left");
    ann.leave().await;
    assert_eq!(redis.keys(), Vec::<String>::new());
    here.is_deserted().await;
    there.is_deserted().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_on_three_nodes_hears_everything_once_and_in_one_order() {
    let redis = redis::Server::start();
    let nodes = [node(&redis).await, node(&redis).await, node(&redis).await];
    let mut people = Vec::new();
    for i in 0..6 {
        people.push(Client::join(&nodes[i % 3], "ledger", &format!("Member {i}")).await);
    }
    for person in ledger(people, 30).await {
        person.leave().await;
    }
    assert_eq!(redis.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_node_hands_its_people_over_unseen() {
    let redis = redis::Server::start();
    let (mut here, there) = (node(&redis).await, node(&redis).await);
    let mut ann = Client::join(&here, "move", "Ann").await;
    let mut bob = Client::join(&there, "move", "Bob").await;
    ann.until("joined").await;
    ann.publish("before", 1).await;
    bob.expect("chat").await;
    let stopped = here.stop();
    ann.expect_closing("restarting", 1012).await;
    assert_eq!(crate::support::http::get(here.url("/readyz")).await.unwrap().status(), 503);
    let late = Client::upgrade(&here, Client::request(&here, "room=move&name=Late")).await;
    let Err(Error::Http(late)) = late.map(drop) else { panic!("let in") };
    assert_eq!(late.status(), 503, "so that a proxy asks another node");
    bob.publish("meanwhile", 1).await;
    let mut back = Client::resume(&there, "move", ann.ticket(), Some(&ann.cursor)).await;
    assert_eq!(
        (&back.welcome["clientId"], &back.welcome["resumed"]),
        (&ann.welcome["clientId"], &Value::Bool(true))
    );
    let missed: Vec<_> =
        back.welcome["history"].as_array().unwrap().iter().map(|entry| &entry["text"]).collect();
    assert_eq!(missed, ["meanwhile"]);
    stopped.await.unwrap();
    back.publish("after", 2).await;
    assert_eq!(
        bob.expect("chat").await["text"],
        "after",
        "and nothing but that was heard of the move"
    );
    back.leave().await;
    bob.leave().await;
    assert_eq!(redis.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_opened_at_another_node_closes_the_first_link() {
    let redis = redis::Server::start();
    let (here, there) = (node(&redis).await, node(&redis).await);
    let mut ann = Client::join(&here, "twice", "Ann").await;
    let mut bob = Client::join(&there, "twice", "Bob").await;
    ann.expect("joined").await;
    ann.publish("before", 1).await;
    bob.expect("chat").await;
    let mut again = Client::resume(&there, "twice", ann.ticket(), Some(&ann.cursor)).await;
    assert_eq!(
        (&again.welcome["clientId"], &again.welcome["resumed"]),
        (&ann.welcome["clientId"], &Value::Bool(true))
    );
    ann.expect_closing("replaced", 4001).await;
    here.is_deserted().await;
    again.publish("after", 2).await;
    assert_eq!(
        bob.expect("chat").await["text"],
        "after",
        "and nothing but that was heard of the move"
    );
    // The other way round, with company where the seat is taken from.
    let mut home = Client::resume(&here, "twice", again.ticket(), Some(&again.cursor)).await;
    again.expect_closing("replaced", 4001).await;
    eventually("one seat at each node", || {
        here.hub.counts() == (1, 1) && there.hub.counts() == (1, 1)
    })
    .await;
    bob.publish("still here", 1).await;
    assert_eq!(home.expect("chat").await["text"], "still here");
    home.leave().await;
    assert_eq!(bob.expect("left").await["count"], 1);
    here.is_deserted().await;
    bob.leave().await;
    there.is_deserted().await;
    assert_eq!(redis.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn words_without_a_counter_are_said_wherever_they_meet_the_seat() {
    const WORDS: usize = 40;
    let redis = redis::Server::start();
    let (here, there) = (node(&redis).await, node(&redis).await);
    let mut ann = Client::join(&here, "uncounted", "Ann").await;
    let post = |base: String, ticket: String, words: String| async move {
        let request = crate::support::http::client()
            .post(format!("{base}/api/rooms/uncounted/messages"))
            .bearer_auth(ticket);
        let answer: Value = request
            .body(json!({ "text": words }).to_string())
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(
            (&answer["type"], &answer["duplicate"]),
            (&json!("ack"), &Value::Null),
            "{answer}"
        );
        answer["n"].as_u64().unwrap()
    };
    // A word by the socket after one by request at another node.
    assert_eq!(post(there.url(""), ann.ticket().to_owned(), "by request".to_owned()).await, 1);
    assert_eq!(ann.expect("ack").await["n"], 1);
    ann.send(json!({"text": "by socket"}));
    assert_eq!(ann.expect("ack").await["n"], 2);
    // Words at both nodes while the seat is taken up there again and again.
    let mut bob = Client::join(&here, "uncounted", "Bob").await;
    let bobs = bob.ticket().to_owned();
    let moving = tokio::spawn({
        let (bases, ticket) = ([here.url(""), there.url("")], bobs.clone());
        async move {
            let http = crate::support::http::client();
            for turn in 0..WORDS {
                let stream = http
                    .get(format!("{}/api/rooms/uncounted/events", bases[turn % 2]))
                    .bearer_auth(&ticket);
                let mut stream = stream.send().await.unwrap();
                assert_eq!(stream.status(), 200);
                stream.chunk().await.unwrap();
            }
        }
    });
    for turn in 0..WORDS / 2 {
        let base = |server: &TestServer| server.url("");
        let words = |number: usize| format!("word {}", 2 * turn + number);
        tokio::join!(
            post(base(&here), bobs.clone(), words(0)),
            post(base(&there), bobs.clone(), words(1))
        );
    }
    moving.await.unwrap();
    let mut heard = std::collections::BTreeSet::new();
    while heard.len() < WORDS {
        let chat = ann.until("chat").await;
        assert!(heard.insert(chat["text"].as_str().unwrap().to_owned()), "twice: {chat}");
    }
    // Until a stream takes the seat up, the socket gets the acks of what is said by request.
    assert_eq!(bob.until("closing").await["code"], "replaced");
    bob.expect_close(4001).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_away_is_said_and_heals_by_itself() {
    let redis = redis::Server::start();
    let node = node(&redis).await;
    let mut ann = Client::join(&node, "away", "Ann").await;
    redis.kill();
    assert_eq!(ann.expect("status").await["code"], "store_unavailable");
    assert_eq!(crate::support::http::get(node.url("/readyz")).await.unwrap().status(), 503);
    assert_eq!(crate::support::http::get(node.url("/healthz")).await.unwrap().status(), 200);
    ann.send(json!({"type": "chat", "text": "into the void", "n": 1}));
    let error = ann.expect_error("store_unavailable").await;
    assert_eq!(error["n"], 1);
    assert!(redis.launch());
    // What Redis lost is said, and the conversation goes on.
    let reset = ann.until("reset").await;
    assert_eq!(
        (&reset["clientId"], reset["members"].as_array().unwrap().len()),
        (&ann.welcome["clientId"], 1)
    );
    ann.send(json!({"type": "chat", "text": "again", "n": 1}));
    assert_eq!(ann.until("ack").await["n"], 1);
    let metrics =
        crate::support::http::get(node.url("/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("parlor_store_reset_total 1\n"), "{metrics}");
    ann.leave().await;
    assert_eq!(redis.keys(), Vec::<String>::new());
}
