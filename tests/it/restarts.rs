//! A node stops and is started again: what its people are told, and what they find.

use clap::Parser;
use parlor::{config::Config, server::Server};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};

use crate::{
    support::redis,
    wire::{Client, PATIENCE, TestServer, eventually, listener::Listener, poller::Poller},
};

async fn node_with(redis: &redis::Server, args: &[&str]) -> TestServer {
    TestServer::with_redis(&redis.url(), &[&["--address-joins", "0"], args].concat()).await
}

async fn node(redis: &redis::Server) -> TestServer {
    node_with(redis, &[]).await
}

/// How many nodes are known to live.
fn nodes(redis: &redis::Server) -> String {
    redis.ask(&["PUBSUB", "SHARDNUMSUB", "parlor1:{all nodes}"]).lines().last().unwrap().to_owned()
}

async fn are_known(redis: &redis::Server, count: usize) {
    eventually("the nodes know each other", || nodes(redis) == count.to_string()).await;
}

/// Waits for the closing frame, and gives the time after which to come back.
async fn is_told(client: &mut Client) -> u64 {
    let closing = client.expect_closing("restarting", 1012).await;
    closing["retryAfter"].as_u64().unwrap()
}

/// Comes back, which must be unseen and without a loss.
async fn back(node: &TestServer, client: &Client) -> Client {
    let back = Client::resume(node, "r", client.ticket(), Some(&client.cursor)).await;
    let welcome = &back.welcome;
    assert_eq!(
        (&welcome["clientId"], &welcome["resumed"]),
        (&client.welcome["clientId"], &json!(true)),
        "{welcome}"
    );
    assert_eq!((&welcome["reset"], &welcome["history"]), (&json!(false), &json!([])), "{welcome}");
    back
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_back_when_the_only_node_has_been_started_again() {
    let redis = redis::Server::start();
    let mut first = node(&redis).await;
    are_known(&redis, 1).await;
    let mut ann = Client::join(&first, "r", "Ann").await;
    let mut bob = Client::join(&first, "r", "Bob").await;
    let mut eve = Listener::open(&first.url(""), "r", "?name=Eve", None, None).await;
    let zoe = Poller::join(&first, "r", "Zoe").await;
    for _ in 0..3 {
        ann.expect("joined").await;
    }
    for _ in 0..2 {
        bob.expect("joined").await;
    }
    assert_eq!(eve.expect("joined").await["user"], "Zoe");
    ann.publish("before", 1).await;
    bob.expect("chat").await;
    eve.expect("chat").await;
    // A link that is lost at this moment holds its seat as well.
    let cat = Client::join(&first, "r", "Cat").await;
    for client in [&mut ann, &mut bob] {
        client.expect("joined").await;
    }
    eve.expect("joined").await;
    let lost = (cat.ticket().to_owned(), cat.cursor.clone(), cat.id().to_owned());
    cat.drop_link();

    let stopped = first.stop();
    for client in [&mut ann, &mut bob] {
        let wait = is_told(client).await;
        assert!((2000..3800).contains(&wait), "after the node has been started again: {wait}");
    }
    let closing = eve.expect("closing").await;
    assert!((2000..3800).contains(&closing["retryAfter"].as_u64().unwrap()), "{closing}");
    assert!(eve.next().await.is_none());
    stopped.await.unwrap();
    assert_eq!(
        (nodes(&redis).as_str(), redis.keys().len()),
        ("0", 3),
        "the room is there, and no node"
    );

    let second = node_with(&redis, &["--grace", "1s"]).await;
    let mut ann = back(&second, &ann).await;
    assert_eq!(ann.welcome["count"], 5);
    let eve =
        Listener::open(&second.url(""), "r", "?name=Eve", Some(&eve.ticket), Some(&eve.cursor))
            .await;
    assert_eq!(
        (&eve.welcome["resumed"], &eve.welcome["reset"]),
        (&json!(true), &json!(false)),
        "{}",
        eve.welcome
    );
    let wish = json!({"name": "Zoe", "cursor": zoe.cursor});
    let zoe = Poller::join_at(&second.url(""), "r", wish, Some(&zoe.ticket)).await;
    assert_eq!(
        (&zoe.welcome["resumed"], &zoe.welcome["reset"]),
        (&json!(true), &json!(false)),
        "{}",
        zoe.welcome
    );
    let cat = Client::resume(&second, "r", &lost.0, Some(&lost.1)).await;
    assert_eq!((cat.id(), &cat.welcome["resumed"]), (lost.2.as_str(), &json!(true)));
    let mut bob = back(&second, &bob).await;
    bob.publish("after", 1).await;
    assert_eq!(
        ann.expect("chat").await["text"],
        "after",
        "and nothing was heard of anybody's absence"
    );
    drop(eve);
    for client in [ann, bob, cat] {
        client.leave().await;
    }
    zoe.leave().await;
    eventually("no trace", || redis.keys().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_stop_together_leave_their_seats_to_the_lease() {
    let redis = redis::Server::start();
    // The first waits for its people to move for as long as its grace; meanwhile the other one stops as well.
    let (mut here, mut there) = (node_with(&redis, &["--grace", "2s"]).await, node(&redis).await);
    are_known(&redis, 2).await;
    let mut ann = Client::join(&here, "r", "Ann").await;
    let mut bob = Client::join(&there, "r", "Bob").await;
    ann.expect("joined").await;
    let first = here.stop();
    let wait = is_told(&mut ann).await;
    assert!((200..2000).contains(&wait), "another node lives: {wait}");
    let second = there.stop();
    let wait = is_told(&mut bob).await;
    assert!((2000..3800).contains(&wait), "none does: {wait}");
    first.await.unwrap();
    second.await.unwrap();
    let node = node(&redis).await;
    let mut ann = back(&node, &ann).await;
    let mut bob = back(&node, &bob).await;
    bob.publish("after", 1).await;
    assert_eq!(ann.expect("chat").await["text"], "after");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_known_again_after_its_connection_broke_and_redis_came_back_empty() {
    let redis = redis::Server::start();
    let (mut here, there) = (node(&redis).await, node(&redis).await);
    are_known(&redis, 2).await;
    redis.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    are_known(&redis, 2).await;
    redis.kill();
    assert!(redis.launch());
    are_known(&redis, 2).await;
    eventually("Redis in reach", || here.hub.ready() && there.hub.ready()).await;
    let mut ann = Client::join(&here, "r", "Ann").await;
    let stopped = here.stop();
    let wait = is_told(&mut ann).await;
    assert!((200..2000).contains(&wait), "another node lives: {wait}");
    let ann = back(&there, &ann).await;
    stopped.await.unwrap();
    ann.leave().await;
    assert_eq!(redis.keys(), Vec::<String>::new());
}

#[tokio::test]
async fn without_redis_people_come_back_when_the_node_has_been_started_again() {
    let mut server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let stopped = server.stop();
    let wait = is_told(&mut ann).await;
    assert!((2000..3800).contains(&wait), "{wait}");
    stopped.await.unwrap();
    let server = TestServer::start(&[]).await;
    let back = Client::resume(&server, "r", ann.ticket(), Some(&ann.cursor)).await;
    assert_eq!(
        (&back.welcome["resumed"], &back.welcome["reset"]),
        (&Value::Bool(false), &Value::Bool(true))
    );
}

#[tokio::test]
async fn a_herd_that_comes_at_once_waits_to_be_accepted() {
    const HERD: usize = 1000;
    let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn")
        .map_or(HERD, |most| most.trim().parse().unwrap());
    let config =
        Config::try_parse_from(["parlor", "--listen", "127.0.0.1:0", "--backlog", "1000"]).unwrap();
    // It listens, and accepts nothing: connections wait in the backlog.
    let server = Server::bind(config).await.unwrap();
    let herd = (0..HERD.min(most)).map(|_| timeout(PATIENCE, TcpStream::connect(server.address())));
    for connected in futures_util::future::join_all(herd).await {
        connected.expect("in the backlog").unwrap();
    }
}
