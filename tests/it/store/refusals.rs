//! A Redis that answers and cannot keep rooms is away: no client can join, members are told, the log says
//! why once, in Redis's own words, and all is well again when it is mended.

use std::sync::LazyLock;

use serde_json::json;

use crate::{
    support::{RIGHTS, cluster::Cluster, redis::Server, sentinel::Watched, told::LOG, until},
    wire::{Client, TestServer},
};

async fn node(url: &str) -> TestServer {
    LazyLock::force(&LOG);
    TestServer::start(&["--redis-url", url]).await
}

async fn ask(node: &TestServer, path: &str) -> (u16, String) {
    let answer = crate::support::http::get(node.url(path)).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Joins by a request.
async fn join(node: &TestServer) -> (u16, String) {
    let joining = crate::support::http::client()
        .post(node.url("/api/rooms/door/join"))
        .header("content-type", "application/json");
    let answer = joining.body("{}").send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn ready(node: &TestServer, status: u16) {
    until(&format!("/readyz is {status}"), async || ask(node, "/readyz").await.0 == status).await;
}

/// What the log says of why a server is away, by its port.
fn reasons(server: &Server) -> Vec<String> {
    LOG.lines(&["WARN", &format!("127.0.0.1:{} ", server.port()), "Redis is out of reach"])
}

/// No client can join, and the log has said why: once, in these words.
async fn is_away(node: &TestServer, server: &Server, words: &str) {
    until("the log says why", async || !reasons(server).is_empty()).await;
    let (status, body) = ask(node, "/readyz").await;
    assert_eq!(status, 503, "{body}");
    for _ in 0..2 {
        let (status, body) = join(node).await;
        assert!(status == 503 && body.contains("store_unavailable"), "{status} {body}");
    }
    let said = reasons(server);
    assert!(said.len() == 1 && said[0].contains(words), "{said:?}");
}

/// A living room is told that it is away and that it is back, whatever `spoil` and `mend` do to the server.
async fn goes_away_and_comes_back(
    url: &str,
    server: &Server,
    words: &str,
    spoil: impl Fn(),
    mend: impl Fn(),
) {
    let node = node(url).await;
    ready(&node, 200).await;
    let mut ann = Client::join(&node, "living", "Ann").await;
    ann.publish("before", 1).await;
    assert_eq!(reasons(server), Vec::<String>::new());
    spoil();
    assert_eq!(ann.until("status").await["code"], "store_unavailable");
    ready(&node, 503).await;
    let (status, body) = join(&node).await;
    assert!(status == 503 && body.contains("store_unavailable"), "{status} {body}");
    let said = reasons(server);
    assert!(said.len() == 1 && said[0].contains(words), "{words}: {said:?}");
    mend();
    while ann.until("status").await["code"] != "store_available" {}
    ready(&node, 200).await;
    ann.send(json!({"type": "chat", "text": "after", "n": 2}));
    assert_eq!(ann.until("ack").await["n"], 2);
    assert_eq!(reasons(server).len(), 1, "said once");
}

fn user(server: &Server, rights: &str) {
    let rules: Vec<&str> = ["ACL", "SETUSER", "parlor", "reset", "on", ">secret"]
        .into_iter()
        .chain(rights.split_whitespace())
        .collect();
    assert_eq!(server.ask(&rules), "OK");
}

fn as_user(server: &Server) -> String {
    format!("redis://parlor:secret@127.0.0.1:{}", server.port())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_no_place_for_rooms() {
    let (master, replica) = (Server::start(), Server::start());
    assert_eq!(replica.ask(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]), "OK");
    let node = node(&replica.url()).await;
    is_away(&node, &replica, "READONLY You can't write against a read only replica").await;
    assert_eq!(replica.ask(&["REPLICAOF", "NO", "ONE"]), "OK");
    ready(&node, 200).await;
    assert_eq!(join(&node).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_takes_writes_is_none_either() {
    let (master, replica) = (Server::start(), Server::start());
    assert_eq!(replica.ask(&["CONFIG", "SET", "replica-read-only", "no"]), "OK");
    assert_eq!(replica.ask(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]), "OK");
    let node = node(&replica.url()).await;
    let words = format!("this server is a replica of 127.0.0.1:{}", master.port());
    is_away(&node, &replica, &words).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn living_rooms_are_told_when_redis_refuses_to_write() {
    let (server, other) = (Server::start(), Server::start());
    let follow = |whom: &str, port: &str| assert_eq!(other.ask(&["REPLICAOF", whom, port]), "OK");
    let master = Server::start();
    let master_port = master.port().to_string();
    goes_away_and_comes_back(
        &server.url(),
        &server,
        "NOREPLICAS",
        || {
            assert_eq!(server.ask(&["CONFIG", "SET", "min-replicas-to-write", "1"]), "OK");
        },
        || {
            assert_eq!(server.ask(&["CONFIG", "SET", "min-replicas-to-write", "0"]), "OK");
        },
    )
    .await;
    goes_away_and_comes_back(
        &other.url(),
        &other,
        "READONLY",
        || follow("127.0.0.1", &master_port),
        || follow("NO", "ONE"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_cannot_save_is_away() {
    let server = Server::start_with(|_| {
        ["--save", "3600 1000000", "--appendonly", "no"].map(str::to_owned).to_vec()
    });
    let nowhere = server.dir().join("dump.rdb");
    goes_away_and_comes_back(
        &server.url(),
        &server,
        "MISCONF",
        || {
            std::fs::create_dir(&nowhere).unwrap();
            server.ask(&["BGSAVE"]);
        },
        || {
            assert_eq!(server.ask(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]), "OK");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_rights_are_told_and_enough_of_them_heal() {
    let full = RIGHTS.to_owned();
    for (lacks, words) in [
        ("-ssubscribe", "NOPERM this user has no permissions to run the 'ssubscribe' command"),
        ("-evalsha", "NOPERM this user has no permissions to run the 'evalsha' command"),
        ("-hincrby", "ERR The user executing the script can't run this command or subcommand"),
        ("-spublish", "ERR The user executing the script can't run this command or subcommand"),
        ("resetkeys ~other:*", "NOPERM this user has no permissions to access one of the keys"),
        (
            "resetchannels &other:*",
            "ERR The user executing the script can't publish to the channel",
        ),
    ] {
        let server = Server::start();
        user(&server, &full);
        let rights = format!("{full} {lacks}");
        goes_away_and_comes_back(
            &as_user(&server),
            &server,
            words,
            || user_may(&server, &rights),
            || user_may(&server, &full),
        )
        .await;
    }
}

/// Without a reset, which would hang up.
fn user_may(server: &Server, rights: &str) {
    let rules: Vec<&str> = ["ACL", "SETUSER", "parlor", "resetkeys", "resetchannels"]
        .into_iter()
        .chain(rights.split_whitespace())
        .collect();
    assert_eq!(server.ask(&rules), "OK");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_without_scripts_or_without_sharded_channels_is_no_place_for_rooms() {
    for (command, words) in [
        ("EVAL", "ERR unknown command 'EVAL'"),
        ("EVALSHA", "ERR unknown command 'EVALSHA'"),
        ("SSUBSCRIBE", "ERR unknown command 'SSUBSCRIBE'"),
    ] {
        let server = Server::start_with(|dir| {
            let file = dir.join("redis.conf");
            std::fs::write(&file, format!("save \"\"\nrename-command {command} \"\"\n")).unwrap();
            vec![file.to_str().unwrap().to_owned()]
        });
        is_away(&node(&server.url()).await, &server, words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_wrong_or_missing_and_a_database_that_is_not_there_are_told() {
    let server = Server::start();
    let node_99 = node(&format!("{}/99", server.url())).await;
    is_away(&node_99, &server, "ERR DB index is out of range").await;
    let locked = Server::start();
    user(&locked, &RIGHTS);
    let wrong = node(&format!("redis://parlor:hunter2@127.0.0.1:{}", locked.port())).await;
    is_away(&wrong, &locked, "WRONGPASS").await;
    user_may(&locked, &format!("{} >hunter2", *RIGHTS));
    ready(&wrong, 200).await;
    let shut = Server::start();
    assert_eq!(shut.ask(&["CONFIG", "SET", "requirepass", "hunter2"]), "OK");
    is_away(&node(&shut.url()).await, &shut, "NOAUTH").await;
    assert_eq!(LOG.lines(&["hunter2"]), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urls_of_another_kind_than_the_server_are_told() {
    let watched = Watched::start();
    let sentinel = &watched.sentinels()[0];
    is_away(&node(&sentinel.url()).await, sentinel, "ERR unknown command 'EVAL'").await;
    let said = |words: &str| LOG.lines(&["WARN", words]).len();
    let wrong = node(&watched.url().replace("/rooms", "/chat")).await;
    until("the log says why", async || said("ERR No such master with that name") > 0).await;
    assert_eq!((join(&wrong).await.0, ask(&wrong, "/readyz").await.0), (503, 503));
    let single = Server::start();
    let (as_cluster, as_sentinel) = (
        node(&single.url().replace("redis:", "redis-cluster:")).await,
        node(&format!("{}/rooms", single.url().replace("redis:", "redis-sentinel:"))).await,
    );
    until("the log says why", async || said("ERR This instance has cluster support disabled") > 0)
        .await;
    until("the log says why", async || said("ERR unknown command 'SENTINEL'") > 0).await;
    for node in [&as_cluster, &as_sentinel] {
        assert_eq!((join(node).await.0, ask(node, "/readyz").await.0), (503, 503));
    }
    for words in [
        "ERR No such master with that name",
        "cluster support disabled",
        "unknown command 'SENTINEL'",
    ] {
        assert_eq!(said(words), 1, "{words}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_a_cluster_is_not_taken_for_one_that_stands_alone() {
    let cluster = Cluster::start();
    for server in cluster.servers() {
        let node = node(&server.url()).await;
        is_away(&node, server, "REDIS_URL must be redis-cluster://").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_that_refuses_to_write_is_away_and_the_others_are_not() {
    let cluster = Cluster::start();
    let node = node(&cluster.url()).await;
    ready(&node, 200).await;
    let home = cluster.masters()[0];
    let room = (0..)
        .map(|number| format!("room-{number}"))
        .find(|room| cluster.master_of(cluster.slot_of(room)) == home)
        .unwrap();
    let elsewhere = (0..)
        .map(|number| format!("room-{number}"))
        .find(|room| cluster.master_of(cluster.slot_of(room)) != home)
        .unwrap();
    let (mut ann, mut bob) =
        (Client::join(&node, &room, "Ann").await, Client::join(&node, &elsewhere, "Bob").await);
    let server = &cluster.servers()[home];
    assert_eq!(server.ask(&["CONFIG", "SET", "min-replicas-to-write", "9"]), "OK");
    assert_eq!(ann.until("status").await["code"], "store_unavailable");
    bob.publish("all is well here", 1).await;
    assert_eq!(ask(&node, "/readyz").await.0, 200);
    assert_eq!(server.ask(&["CONFIG", "SET", "min-replicas-to-write", "0"]), "OK");
    assert_eq!(ann.until("status").await["code"], "store_available");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_failover_under_sentinels_is_told_and_followed() {
    let watched = Watched::start();
    let node = node(&watched.url()).await;
    ready(&node, 200).await;
    let mut ann = Client::join(&node, "living", "Ann").await;
    ann.publish("before", 1).await;
    let old = &watched.servers()[watched.master()];
    let heir = watched.servers().iter().find(|server| server.port() != old.port()).unwrap();
    until("the master is left", async || {
        old.ask(&["FAILOVER", "TO", "127.0.0.1", &heir.port().to_string()]).starts_with("OK")
    })
    .await;
    assert_eq!(ann.until("status").await["code"], "store_unavailable");
    while ann.until("status").await["code"] != "store_available" {}
    // The Sentinels know of nothing yet.
    assert_eq!(watched.servers()[watched.master()].port(), old.port());
    assert!(heir.ask(&["INFO", "replication"]).contains("role:master"));
    ann.send(json!({"type": "chat", "text": "after", "n": 2}));
    assert_eq!(ann.until("ack").await["n"], 2);
    assert_eq!(reasons(old).len(), 1, "{:?}", reasons(old));
    // And whatever they make of it, the rooms are found.
    for sentinel in watched.sentinels() {
        assert_eq!(
            sentinel.ask(&[
                "SENTINEL",
                "SET",
                crate::support::sentinel::SERVICE,
                "down-after-milliseconds",
                "1000"
            ]),
            "OK"
        );
    }
    watched.await_successor(watched.master());
    until("sends go on", async || {
        ann.send(json!({"type": "chat", "text": "later", "n": 3}));
        matches!(ann.until("ack").await["n"].as_u64(), Some(3))
    })
    .await;
}
