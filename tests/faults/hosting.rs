//! Faults of hosts, and of nodes that do not hear of the end of a room.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    Fault,
    fleet::HubConfig,
    manner::{Patience, Wish},
    storm::Storm,
    support::{http, line::Line, redis::Server},
    table::Row,
    until,
};

pub const FAULTS: &[Fault] = &[
    ("hosts_die", || Box::pin(hosts_die())),
    ("hosts_lose_their_node", || Box::pin(hosts_lose_their_node())),
    ("node_misses_a_burn", || Box::pin(node_misses_a_burn())),
];

/// After the grace the member that joined next decides.
async fn hosts_die() -> Row {
    let mut storm = Storm::gather_on(Server::start(), HubConfig::of_this_run()).await;
    storm.strike();
    for room in 0..storm.crowd.len() {
        let host = storm.crowd[room].remove(0);
        host.wish(Wish::Die);
        storm.guests.push((room, host));
    }
    for guest in 0..storm.guests.len() {
        storm.heard_to_leave(guest, "lost").await;
    }
    let mut wrong = Vec::new();
    for (number, room) in storm.crowd.iter().enumerate() {
        let heir = room[0].diary().id.clone();
        for person in room {
            let name = person.diary().name.clone();
            let host = until("there is another host", || {
                let host = person.diary().rules.host.clone();
                let passed = host.as_ref() != Some(&storm.hosts[number]);
                async move { passed.then_some(host) }
            })
            .await;
            if host.as_ref() != Some(&heir) {
                wrong.push(format!("storm-{number}: {name} has {host:?} for {heir}"));
            }
        }
    }
    let mut row = storm.settle("hosts die without a word", &["left lost"]).await;
    row.broken.extend(wrong);
    row
}

/// Whichever node it is: each is killed and started again.
async fn hosts_lose_their_node() -> Row {
    let mut storm = Storm::gather(Server::start()).await;
    storm.strike();
    for node in 0..storm.fleet.nodes.len() {
        storm.fleet.nodes[node].kill();
        storm.all_hear_again().await;
        assert!(storm.fleet.nodes[node].launch().await);
    }
    let may = [
        "link lost",
        "upgrade broken off",
        "HTTP 502",
        "resumed",
        "ack of a repetition",
        "status store_available",
    ];
    let mut row = storm.settle("every host's node killed, one after the other", &may).await;
    // None of them was away for longer than the grace.
    row.note = "; every host is one still".to_owned();
    row
}

/// A node without a line to Redis does not bring back what was ended meanwhile.
async fn node_misses_a_burn() -> Row {
    let redis = Server::start();
    let line = Line::to(redis.port()).await;
    let urls = [line.url(), redis.url(), redis.url()];
    let mut storm = Storm::gather_with(redis, urls, HubConfig::of_this_run(), Patience::PAGE).await;
    storm.strike();
    let mut wrong = storm.calm().await;
    storm.everybody(Wish::Stay);
    line.hold(true);
    for (number, room) in storm.crowd.iter().enumerate() {
        let host = room.iter().find(|person| person.diary().decides()).unwrap();
        let ticket = host.diary().ticket.clone();
        let url = format!("http://{}/api/rooms/storm-{number}/host", storm.fleet.nodes[1].address);
        let burn = http::client().post(url).bearer_auth(ticket);
        let answer = burn.body(json!({"type": "burn"}).to_string()).send().await.unwrap();
        let (status, answer) = (answer.status(), answer.json::<Value>().await.unwrap());
        if status != 200 || !answer["receipt"].is_string() {
            wrong.push(format!("storm-{number}: the burn is answered by {status}: {answer}"));
        }
    }
    sleep(storm.config.lease).await;
    line.hold(false);
    wrong.extend(storm.all_go().await);
    wrong.extend(storm.burned().await);
    // As long as a node may bring back what it holds for lost.
    sleep(storm.config.lease * 2 + Duration::from_secs(2)).await;
    let keys = storm.redis.keys();
    if !keys.is_empty() {
        wrong.push(format!("brought back: {keys:?}"));
    }
    let mut row = Row::new(
        "rooms are ended while a node is cut off from Redis",
        Default::default(),
        &[],
        None,
        Default::default(),
    );
    row.note = format!("; {} rooms ended, each member has the receipt", storm.crowd.len());
    row.broken = wrong;
    if !row.broken.is_empty() {
        storm.print_logs();
    }
    row
}
