//! Rooms in a Redis that Sentinels watch: what becomes of them when they choose another master.

use crate::support::{
    a_room,
    ledger::{node, nothing_is_lost_in_silence_while, nothing_is_lost_while},
    sentinel::Watched,
    until,
};
use parlor::{
    room::{LeaveReason, Limits},
    store::Store,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_in_silence_when_the_master_is_killed() {
    let watched = Watched::start();
    nothing_is_lost_in_silence_while(&watched.url(), &a_room(), Limits::default(), async {
        let master = watched.master();
        watched.kill(master);
        watched.await_successor(master);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_in_silence_when_the_sentinels_change_the_master_as_planned() {
    let watched = Watched::start();
    // Writes may go on at the old master until it is told; what it takes until then is lost.
    for _ in 0..2 {
        let resets =
            nothing_is_lost_in_silence_while(&watched.url(), &a_room(), Limits::default(), async {
                let old = &watched.servers()[watched.master()];
                watched.failover();
                // Sentinels cut every connection to it, this one too.
                let is_told = || {
                    old.try_ask(&["INFO", "replication"])
                        .is_some_and(|info| info.contains("role:slave"))
                };
                until("the old master takes no more", async || is_told()).await;
            })
            .await;
        println!("resets: {resets:?}");
        watched.settle();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_that_are_away_are_not_needed_while_the_master_stays() {
    let watched = Watched::start();
    nothing_is_lost_while(&watched.url(), &a_room(), Limits::default(), async {
        for sentinel in watched.sentinels() {
            sentinel.kill();
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_have_users_of_their_own() {
    let watched = Watched::start();
    let rights =
        "-@all +hello +ping +client|id +info +sentinel|master +sentinel|get-master-addr-by-name";
    let mut command = vec!["ACL", "SETUSER", "asker", "on", ">a/sk"];
    command.extend(rights.split_whitespace());
    for sentinel in watched.sentinels() {
        assert_eq!(sentinel.ask(&command), "OK");
    }
    let url = format!("{}/1?sentinelUsername=asker&sentinelPassword=a%2Fsk", watched.url());
    let node = node(&url, Limits::default()).await;
    let room = a_room();
    let (ann, tag) = node.join(&room, "Ann").await;
    assert_eq!(watched.keys(), Vec::<String>::new(), "in another database");
    assert_eq!(node.people(&room).await, [ann]);
    node.store.leave(&room, ann, tag, LeaveReason::Left).await.unwrap();
}
