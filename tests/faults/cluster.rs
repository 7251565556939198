//! Faults of a Redis Cluster of three masters and three replicas.

use super::{AWAY, Fault, LOSSY, storm::Storm, support::cluster::Cluster, table::Row};

pub const FAULTS: &[Fault] = &[
    ("cluster_master_is_killed", || Box::pin(cluster_master_is_killed())),
    ("cluster_master_stops", || Box::pin(cluster_master_stops())),
    ("cluster_hands_a_master_over", || Box::pin(cluster_hands_a_master_over())),
    ("cluster_moves_living_rooms", || Box::pin(cluster_moves_living_rooms())),
];

async fn cluster_master_is_killed() -> Row {
    let mut storm = Storm::gather(Cluster::start()).await;
    let slot = storm.redis.slot_of("storm-0");
    let master = storm.redis.master_of(slot);
    storm.strike();
    storm.redis.kill(master);
    storm.redis.await_successor(slot, master);
    storm.settle("Cluster: a master killed", &[&AWAY[..], &LOSSY].concat()).await
}

async fn cluster_master_stops() -> Row {
    let mut storm = Storm::gather(Cluster::start()).await;
    let slot = storm.redis.slot_of("storm-0");
    let master = storm.redis.master_of(slot);
    storm.strike();
    storm.redis.stop(master);
    storm.redis.await_successor(slot, master);
    storm.all_hear_again().await;
    storm.redis.cont(master);
    storm.redis.settle();
    storm
        .settle("Cluster: a master stopped until it is replaced", &[&AWAY[..], &LOSSY].concat())
        .await
}

async fn cluster_hands_a_master_over() -> Row {
    let mut storm = Storm::gather(Cluster::start()).await;
    let slot = storm.redis.slot_of("storm-0");
    storm.strike();
    for _ in 0..2 {
        storm.redis.failover(slot);
        storm.all_hear_again().await;
    }
    storm.settle("Cluster: planned failover, there and back", &["ack of a repetition"]).await
}

async fn cluster_moves_living_rooms() -> Row {
    let mut storm = Storm::gather(Cluster::start()).await;
    let rooms: Vec<_> = (0..storm.config.rooms).map(|room| format!("storm-{room}")).collect();
    storm.strike();
    for room in &rooms {
        let slot = storm.redis.slot_of(room);
        let from = storm.redis.master_of(slot);
        let to = storm.redis.masters().into_iter().find(|master| *master != from).unwrap();
        // There at once; back key by key, so that for a while a room is in two places.
        storm.redis.move_slot(slot, to);
        storm.all_hear_again().await;
        storm.redis.begin_move(slot, from);
        storm.redis.move_keys(slot, from, 1);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        while storm.redis.move_keys(slot, from, 1) > 0 {}
        storm.redis.end_move(slot, from);
        storm.all_hear_again().await;
    }
    storm
        .settle("Cluster: every room moved to another master and back", &["ack of a repetition"])
        .await
}
