//! Nodes behind NGINX, with the configuration that is shipped.

use serde_json::{Value, json};

use super::{ledger, node};
use crate::{
    support::{
        nginx::{ClientLimits, Nginx},
        redis,
    },
    wire::{Client, TestServer, eventually, listener::Listener, poller::Poller, within_patience},
};

#[tokio::test(flavor = "multi_thread")]
async fn nginx_spreads_a_room_over_three_nodes_without_sticky_sessions() {
    let redis = redis::Server::start();
    let nodes = [node(&redis).await, node(&redis).await, node(&redis).await];
    let nginx = Nginx::start(redis::free_port(), nodes.iter().map(|node| node.address));
    let page = within_patience("nginx answers", async || {
        crate::support::http::get(format!("http://{}/healthz", nginx.address)).await
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
    let token = crate::support::http::client()
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
    within_patience("nginx answers", async || {
        crate::support::http::get(format!("{base}/healthz")).await
    })
    .await;
    assert_eq!(
        crate::support::http::get(format!("{base}/metrics")).await.unwrap().status(),
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
    eventually("nothing left", || redis.keys().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_lets_an_address_have_so_much_at_once_and_others_are_not_concerned() {
    let node = TestServer::start(&["--proxies", "1"]).await;
    let limits = ClientLimits { connections: 3, rate: 1, burst: 40 };
    let nginx = Nginx::start_with(redis::free_port(), [node.address], limits);
    let client = |last| {
        let http = crate::support::http::builder()
            .local_address(std::net::IpAddr::from([127, 0, 0, last]));
        http.pool_max_idle_per_host(0).build().unwrap()
    };
    let (ours, theirs) = (client(2), client(3));
    let ask = async |http: &reqwest::Client| {
        http.get(format!("http://{}/api/rooms/r", nginx.address)).send().await.unwrap()
    };
    within_patience("nginx answers", async || {
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
    within_patience(
        "a place",
        async || {
            if ask(&ours).await.status() == 200 { Ok(()) } else { Err(()) }
        },
    )
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
