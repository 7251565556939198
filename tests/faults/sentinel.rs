//! Faults of a Redis under Sentinels: a master, two replicas.

use super::{AWAY, Fault, LOSSY, storm::Storm, support::sentinel::Watched, table::Row};

pub const FAULTS: &[Fault] = &[
    ("sentinels_replace_a_killed_master", || Box::pin(sentinels_replace_a_killed_master())),
    ("sentinels_hand_the_master_over", || Box::pin(sentinels_hand_the_master_over())),
];

async fn sentinels_replace_a_killed_master() -> Row {
    let mut storm = Storm::gather(Watched::start()).await;
    let master = storm.redis.master();
    storm.strike();
    storm.redis.kill(master);
    storm.redis.await_successor(master);
    storm.settle("Sentinel: the master killed", &[&AWAY[..], &LOSSY].concat()).await
}

async fn sentinels_hand_the_master_over() -> Row {
    let mut storm = Storm::gather(Watched::start()).await;
    storm.strike();
    storm.redis.failover();
    storm.settle("Sentinel: planned failover", &[&AWAY[..], &LOSSY].concat()).await
}
