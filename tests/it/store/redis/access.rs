//! Users and URLs.

use std::time::Duration;

use parlor::{
    room::{LeaveReason, Limits},
    store::{
        Store,
        redis::{Redis, RedisConfigError},
    },
};
use tokio::time::Instant;

use super::until_put_off;
use crate::support::{RIGHTS, a_room, entry, ledger::node, node_id, recorder, redis::Server, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_with_few_rights_is_enough() {
    let server = Server::start();
    let mut command = vec!["ACL", "SETUSER", "parlor", "on", ">s:e/c"];
    command.extend(RIGHTS.split_whitespace());
    assert_eq!(server.ask(&command), "OK");
    let url = format!("redis://parlor:s%3Ae%2Fc@127.0.0.1:{}", server.port());
    let mut node = node(&url, Limits { history_len: 2, lease: 3000, ..Limits::default() }).await;
    let room = a_room();
    let (ann, ann_tag) = node.join(&room, "Ann").await;
    for n in 1..=5 {
        node.store.publish(&room, ann, entry(n, &text("hello"))).await.unwrap();
        assert_eq!(node.heard.entry().await.seq, n);
    }
    node.store.typing(&room, ann, true, Instant::now()).await.unwrap();
    until_put_off(&server).await;
    assert_eq!(node.people(&room).await, [ann]);
    node.store.leave(&room, ann, ann_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
    assert!(!format!("{:?}", node.store).contains("s:e/c"));
}

#[tokio::test]
async fn urls_that_cannot_be_served_are_refused_at_once() {
    for (url, error) in [
        ("redis-cluster://localhost:1/1", RedisConfigError::ClusterDatabase),
        ("redis-sentinel://localhost:1", RedisConfigError::NoService),
        ("localhost", RedisConfigError::BadUrl),
    ] {
        let (feed, _heard) = recorder();
        let refused =
            Redis::connect(url, node_id(), Limits::default(), Duration::from_secs(120), feed);
        assert_eq!(refused.map(drop), Err(error));
    }
}
