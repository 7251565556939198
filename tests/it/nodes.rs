//! Several nodes, one Redis, and NGINX in front of them with the configuration that is shipped.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::{
    support::{
        nginx::{ClientLimits, Nginx},
        redis,
    },
    wire::{Client, Heard, TestServer, eventually, listener::Listener, poller::Poller},
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
        let request = reqwest::Client::new().post(there.url("/api/rooms/r/messages"));
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
    let (ann, _full) =
        (Client::join(&here, "r", "Ann").await, Client::join(&there, "full", "Bob").await);
    let join = async |ticket: &str| {
        let request = reqwest::Client::new()
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
    let _cid = Client::join(&here, "r", "Cid").await;
    let left = reqwest::Client::new()
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
    assert_eq!(reqwest::get(here.url("/readyz")).await.unwrap().status(), 503);
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
        let request = reqwest::Client::new()
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
            let http = reqwest::Client::new();
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
    bob.expect_closing("replaced", 4001).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_away_is_said_and_heals_by_itself() {
    let redis = redis::Server::start();
    let node = node(&redis).await;
    let mut ann = Client::join(&node, "away", "Ann").await;
    redis.kill();
    assert_eq!(ann.expect("status").await["code"], "store_unavailable");
    assert_eq!(reqwest::get(node.url("/readyz")).await.unwrap().status(), 503);
    assert_eq!(reqwest::get(node.url("/healthz")).await.unwrap().status(), 200);
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
    let metrics = reqwest::get(node.url("/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("parlor_store_reset_total 1\n"), "{metrics}");
    ann.leave().await;
    assert_eq!(redis.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_spreads_a_room_over_three_nodes_without_sticky_sessions() {
    let redis = redis::Server::start();
    let nodes = [node(&redis).await, node(&redis).await, node(&redis).await];
    let nginx = Nginx::start(redis::free_port(), nodes.iter().map(|node| node.address));
    let page = crate::wire::within_patience("nginx answers", async || {
        reqwest::get(format!("http://{}/healthz", nginx.address)).await
    })
    .await;
    assert_eq!(page.status(), 200);
    let mut people = Vec::new();
    for i in 0..6 {
        let mut request = Client::request_at(nginx.address, &format!("room=spread&name=Member{i}"));
        // As a page would: its origin is the proxy's address.
        request
            .headers_mut()
            .insert("origin", format!("http://{}", nginx.address).parse().unwrap());
        people.push(Client::knock(nginx.address, request).await.unwrap().welcomed().await);
    }
    assert!(nodes.iter().all(|node| node.hub.counts() == (1, 2)), "two people on each node");
    let people = ledger(people, 20).await;
    let token = reqwest::Client::new()
        .post(format!("http://{}/api/rooms/spread/livekit-token", nginx.address))
        .bearer_auth(people[0].ticket())
        .send()
        .await
        .unwrap();
    assert_eq!(token.json::<Value>().await.unwrap()["code"], "video_not_configured");
    for person in people {
        person.leave().await;
    }
    assert_eq!(redis.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_and_streams_pass_nginx_as_things_happen_and_at_any_node() {
    let redis = redis::Server::start();
    let nodes = [node(&redis).await, node(&redis).await];
    let nginx = Nginx::start(redis::free_port(), nodes.iter().map(|node| node.address));
    let base = format!("http://{}", nginx.address);
    crate::wire::within_patience("nginx answers", async || {
        reqwest::get(format!("{base}/healthz")).await
    })
    .await;
    assert_eq!(
        reqwest::get(format!("{base}/metrics")).await.unwrap().status(),
        404,
        "figures are not for everybody"
    );
    let mut stream = Listener::open(&base, "doors", "?name=Eve", None, None).await;
    let mut bob = Poller::join_at(&base, "doors", json!({"name": "Bob"}), None).await;
    stream.expect("joined").await;
    let begun = std::time::Instant::now();
    for n in 1..=8_u64 {
        // The next is said only when this one has arrived: nothing waits for more to come.
        bob.publish(&format!("line {n}"), n).await;
        assert_eq!(stream.expect("chat").await["text"], format!("line {n}"));
        println!("event {n} came through NGINX {:?} after the first was said", begun.elapsed());
    }
    let mut heard = 0;
    while heard < 8 {
        heard += bob.hear().await["messages"].as_array().unwrap().len();
    }
    // A long poll is answered by what is said while it waits, whichever node it waits at.
    let waiting = tokio::spawn(async move { (bob.hear().await, bob) });
    let mut ann = Client::join(&nodes[0], "doors", "Ann").await;
    ann.publish("hello", 1).await;
    let (mut answer, mut bob) = waiting.await.unwrap();
    while answer["messages"].as_array().unwrap().is_empty() {
        answer = bob.hear().await;
    }
    assert_eq!(answer["messages"][0]["text"], "hello");
    let mut people: Vec<String> = vec![];
    if let Some(members) = answer["members"].as_array() {
        people.extend(members.iter().map(|member| member["user"].as_str().unwrap().to_owned()));
        assert_eq!(people.len(), 3, "{people:?}");
    }
    drop(stream);
    bob.leave().await;
    ann.leave().await;
    crate::wire::eventually("nothing left", || redis.keys().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_lets_an_address_have_so_much_at_once_and_others_are_not_concerned() {
    let node = TestServer::start(&["--proxies", "1"]).await;
    let limits = ClientLimits { connections: 3, rate: 1, burst: 40 };
    let nginx = Nginx::start_with(redis::free_port(), [node.address], limits);
    let client = |last| {
        let http =
            reqwest::Client::builder().local_address(std::net::IpAddr::from([127, 0, 0, last]));
        http.pool_max_idle_per_host(0).build().unwrap()
    };
    let (ours, theirs) = (client(2), client(3));
    let ask = async |http: &reqwest::Client| {
        http.get(format!("http://{}/api/rooms/r", nginx.address)).send().await.unwrap()
    };
    crate::wire::within_patience("nginx answers", async || {
        theirs.get(format!("http://{}/healthz", nginx.address)).send().await
    })
    .await;
    let refused = async |answer: reqwest::Response| {
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (429, &"5".parse().unwrap())
        );
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "address_limit");
    };
    // Three streams, and nothing beside them.
    let mut streams = Vec::new();
    for _ in 0..3 {
        let stream =
            ours.get(format!("http://{}/api/rooms/r/events", nginx.address)).send().await.unwrap();
        assert_eq!(stream.status(), 200);
        streams.push(stream);
    }
    refused(ask(&ours).await).await;
    assert_eq!(ask(&theirs).await.status(), 200);
    drop(streams);
    crate::wire::within_patience("a place", async || {
        if ask(&ours).await.status() == 200 { Ok(()) } else { Err(()) }
    })
    .await;
    // Many requests in a row: the burst, then a refusal.
    let hasty = client(4);
    let mut answers = 0;
    let refusal = loop {
        let answer = ask(&hasty).await;
        if answer.status() != 200 {
            break answer;
        }
        answers += 1;
    };
    assert!(answers >= 40, "{answers}");
    refused(refusal).await;
    assert_eq!(ask(&theirs).await.status(), 200);
}
