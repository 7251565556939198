//! Faults of nodes, and of the proxy before them.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    Fault,
    fleet::HubConfig,
    manner::{Patience, Wish},
    person::Person,
    storm::Storm,
    support::{line::Line, redis::Server},
    table::Row,
    until,
};

pub const FAULTS: &[Fault] = &[
    ("node_is_killed", || Box::pin(node_is_killed())),
    ("fleet_is_killed", || Box::pin(fleet_is_killed())),
    ("fleet_is_killed_and_started_again", || Box::pin(fleet_is_killed_and_started_again())),
    ("node_stops_for_longer_than_its_lease", || Box::pin(node_stops(Patience::PAGE))),
    ("node_stops_and_its_people_go_elsewhere", || Box::pin(node_stops(Patience::SHORT))),
    ("node_is_cut_off_from_redis", || Box::pin(node_is_cut_off_from_redis())),
    ("nginx_reloads", || Box::pin(nginx_reloads())),
    ("fleet_is_restarted_node_by_node", || Box::pin(fleet_is_restarted_node_by_node())),
];

/// For the promises that are times: what a busy machine may add.
const SLACK: Duration = Duration::from_secs(5);

async fn node_is_killed() -> Row {
    let mut storm = Storm::gather(Server::start()).await;
    for room in 0..storm.config.rooms {
        storm.guest(0, room).await;
    }
    let door = storm.fleet.nodes[0].address;
    let lonely = Person::start(door, "lonely", "Lonely", storm.config.pace, Patience::PAGE);
    let lonely_keys = |storm: &Storm<Server>| {
        storm.redis.keys().iter().filter(|key| key.contains("lonely")).count()
    };
    until("a lonely room", || {
        let keys = lonely_keys(&storm);
        async move { (keys == 3).then_some(()) }
    })
    .await;
    storm.strike();
    storm.fleet.nodes[0].kill();
    lonely.wish(Wish::Die);
    storm.guests.iter().for_each(|(_, guest)| guest.wish(Wish::Die));
    let mut latest = Duration::ZERO;
    for guest in 0..storm.guests.len() {
        latest = latest.max(storm.heard_to_leave(guest, "node_lost").await);
    }
    let bound = storm.config.lease + storm.config.period();
    let empty = until("nothing is left of the lonely room", || {
        let (keys, after) = (lonely_keys(&storm), storm.struck.elapsed());
        async move { (keys == 0).then_some(after) }
    })
    .await;
    let mut row = storm
        .settle("a node killed", &["link lost", "resumed", "left node_lost", "ack of a repetition"])
        .await;
    row.note = format!(
        "; the last at {:.1} s (promised: {:.1} s); a lonely room gone at {:.1} s",
        latest.as_secs_f32(),
        bound.as_secs_f32(),
        empty.as_secs_f32()
    );
    if latest > bound + SLACK {
        row.broken.push(format!("its dead were heard to leave after {latest:?}"));
    }
    row
}

async fn fleet_is_killed() -> Row {
    let mut storm = Storm::gather_on(Server::start(), HubConfig::of_this_run()).await;
    storm.strike();
    storm.fleet.nodes.iter_mut().for_each(super::fleet::Node::kill);
    storm.everybody(Wish::Die);
    let empty = until("Redis is empty", || {
        let (keys, after) = (storm.redis.keys().len(), storm.struck.elapsed());
        async move { (keys == 0).then_some(after) }
    })
    .await;
    let mut row = Row::new(
        "all nodes and all people killed",
        Default::default(),
        &[],
        None,
        Default::default(),
    );
    let ttl = storm.config.ttl();
    row.note = format!(
        "; Redis empty at {:.1} s (promised: {:.1} s)",
        empty.as_secs_f32(),
        ttl.as_secs_f32()
    );
    if empty > ttl + SLACK {
        row.broken.push(format!("Redis was empty after {empty:?}"));
    }
    row
}

async fn fleet_is_killed_and_started_again() -> Row {
    let mut storm = Storm::gather(Server::start()).await;
    storm.strike();
    for node in &mut storm.fleet.nodes {
        node.kill();
    }
    for node in &mut storm.fleet.nodes {
        assert!(node.launch().await);
    }
    let may = [
        "link lost",
        "upgrade broken off",
        "HTTP 502",
        "resumed",
        "left node_lost",
        "joined",
        "status store_available",
        "ack of a repetition",
    ];
    storm.settle("all nodes killed and started again", &may).await
}

async fn node_stops(patience: Patience) -> Row {
    let config = HubConfig::of_this_run();
    let redis = Server::start();
    let urls = std::array::from_fn(|_| redis.url());
    let mut storm = Storm::gather_with(redis, urls, config, patience).await;
    storm.strike();
    storm.fleet.nodes[0].signal("STOP");
    if patience.ping_after == Patience::PAGE.ping_after {
        storm.somebody_saw("left node_lost").await;
        sleep(config.period()).await;
    } else {
        storm.somebody_saw("link silent").await;
        sleep(config.lease + config.period()).await;
    }
    storm.fleet.nodes[0].signal("CONT");
    storm.over();
    // What was on its way to Redis when the node stopped is too late when it goes on: for it Redis was away.
    let may = [&super::AWAY[..], &["left node_lost", "joined"]].concat();
    if patience.ping_after == Patience::PAGE.ping_after {
        storm.settle("a node stopped for longer than its lease", &may).await
    } else {
        // Who comes back after the lease has a new seat, and the messages as they are by now.
        let back = ["link silent", "no answer", "no welcome", "resumed", "resumed, reset"];
        let may = [&may[..], &back].concat();
        storm.settle("the same, with clients that do not wait", &may).await
    }
}

async fn node_is_cut_off_from_redis() -> Row {
    let redis = Server::start();
    let line = Line::to(redis.port()).await;
    let urls = [line.url(), redis.url(), redis.url()];
    let mut storm = Storm::gather_with(redis, urls, HubConfig::of_this_run(), Patience::PAGE).await;
    storm.strike();
    line.hold(true);
    storm.somebody_saw("left node_lost").await;
    sleep(storm.config.period()).await;
    line.hold(false);
    storm.over();
    let may = [&super::AWAY[..], &["left node_lost", "joined"]].concat();
    storm.settle("a node cut off from Redis for longer than its lease", &may).await
}

async fn nginx_reloads() -> Row {
    let mut storm = Storm::gather(Server::start()).await;
    storm.strike();
    for _ in 0..3 {
        storm.fleet.nginx.reload();
        storm.all_hear_again().await;
    }
    storm.settle("nginx reloaded, three times", &[]).await
}

async fn fleet_is_restarted_node_by_node() -> Row {
    let mut storm = Storm::gather(Server::start()).await;
    storm.strike();
    for node in &mut storm.fleet.nodes {
        node.stop().await;
        assert!(node.launch().await);
    }
    let mut row = storm
        .settle(
            "three nodes restarted, one after the other",
            &["closing restarting", "close 1012", "resumed", "ack of a repetition"],
        )
        .await;
    let (first, last) = (row.retries.first().copied(), row.retries.last().copied());
    if first == last || row.retries.iter().any(|retry| !(200..2000).contains(retry)) {
        row.broken.push(format!("delays without jitter: {:?}", row.retries));
    }
    row.note = format!(
        "; to come back after {} to {} ms",
        first.unwrap_or_default(),
        last.unwrap_or_default()
    );
    row
}
