//! In which rows another server does better than Parlor.

use std::fmt::Write;

use crate::{
    job::Outcome,
    kind::Kind,
    table::{Figure, Table},
};

/// What is better.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Better {
    Less,
    More,
}

use Better::{Less, More};

type Compared = (&'static str, &'static str, Figure, Better);

const CPU: Figure = |outcome| outcome.cpu;
const RATE: Figure = |outcome| outcome.rate;
const MEMORY: Figure = |outcome| outcome.memory;
const REDIS: Figure = |outcome| outcome.aside;
const P50: Figure = |outcome| outcome.p50;

/// On one node.
const ALONE: &[Compared] = &[
    ("CPU a member-message, 10 rooms of 100", "10x100", CPU, Less),
    ("CPU a member-message, 500 rooms of 4", "500x4", CPU, Less),
    ("CPU a member-message, 1 room of 1,000", "1x1000", CPU, Less),
    ("CPU a member-message, 50 rooms of 20, mixed text", "mixed", CPU, Less),
    (
        "CPU a member-message, mixed text while a fifth comes and goes",
        "coming and going",
        CPU,
        Less,
    ),
    ("CPU a member-message, 4,000 bytes", "4000 B", CPU, Less),
    ("CPU a member-message, Server-Sent Events", "streams", CPU, Less),
    ("deliveries/s, 10 rooms of 100, 64 on their way", "saturated", RATE, More),
    ("deliveries/s, 10 rooms of 100, 4 on their way", "4 on their way", RATE, More),
    ("deliveries/s, 10 rooms of 100, one by one", "one by one", RATE, More),
    ("deliveries/s, 500 rooms of 4, one by one", "500x4 one by one", RATE, More),
    ("CPU a join with its leave, own room", "churn", CPU, Less),
    ("CPU a join with its leave, into rooms of two", "churn beside two", CPU, Less),
    ("memory a member, WebSocket", "idle", MEMORY, Less),
    ("memory a member, Server-Sent Events", "idle streams", MEMORY, Less),
];

/// Through Redis, with one node and with two.
const SHARED: &[Compared] = &[
    ("node CPU a member-message, 10 rooms of 100", "10x100", CPU, Less),
    ("node CPU a member-message, 500 rooms of 4", "500x4", CPU, Less),
    ("p50, 10 rooms of 100", "10x100", P50, Less),
    ("p50, 500 rooms of 4", "500x4", P50, Less),
    ("Redis CPU a message, 10 rooms of 100", "10x100", REDIS, Less),
    ("Redis CPU a message, 500 rooms of 4", "500x4", REDIS, Less),
    ("Redis CPU a message, 500 rooms of 4, one by one", "500x4 one by one", REDIS, Less),
    ("deliveries/s, 10 rooms of 100, 64 on their way", "saturated", RATE, More),
    ("deliveries/s, 10 rooms of 100, one by one", "one by one", RATE, More),
    ("deliveries/s, 500 rooms of 4, one by one", "500x4 one by one", RATE, More),
];

const PAIRS: [(Kind, Kind, &str); 2] = [
    (Kind::ParlorRedis, Kind::CentrifugoRedis, "Redis, one node"),
    (Kind::ParlorTwoNodes, Kind::CentrifugoTwoNodes, "Redis, two nodes"),
];

/// Writes the rows in which a peer is ahead, and out of how many.
pub fn tell(table: &Table<'_>, out: &mut String) {
    *out += "\n## Where a peer is ahead\n\nBy the median of ratios between figures of the same run, however small the difference. Behind each name: \
             its figure over Parlor's.\n\n| | ahead of Parlor |\n|---|---|\n";
    let (mut rows, mut behind) = (0, 0);
    let mut row = |what: &str, peers: Vec<String>| {
        rows += 1;
        if !peers.is_empty() {
            behind += 1;
            let _ = writeln!(out, "| {what} | {} |", peers.join(", "));
        }
    };
    for &(what, scenario, figure, better) in ALONE {
        let kinds = table.kinds(scenario);
        if kinds.contains(&Kind::Parlor) {
            let peers = kinds.iter().filter(|kind| kind.is_peer() && !kind.is_shared());
            let ahead = peers
                .filter_map(|peer| ahead(table, scenario, *peer, Kind::Parlor, figure, better));
            row(what, ahead.collect());
        }
    }
    for (parlor, peer, where_from) in PAIRS {
        for &(what, scenario, figure, better) in SHARED {
            let kinds = table.kinds(scenario);
            if kinds.contains(&parlor) && kinds.contains(&peer) {
                let ahead = ahead(table, scenario, peer, parlor, figure, better);
                row(&format!("{what} ({where_from})"), ahead.into_iter().collect());
            }
        }
    }
    let _ = writeln!(out, "\nIn the other {} of {rows} rows no peer is.", rows - behind);
}

/// What stands in the row for a peer that is ahead.
fn ahead(
    table: &Table<'_>,
    scenario: &str,
    peer: Kind,
    parlor: Kind,
    figure: fn(&Outcome) -> f64,
    better: Better,
) -> Option<String> {
    let ratio = table.ratio(scenario, peer, parlor, figure)?.median;
    let is_ahead = if better == Less { ratio < 1.0 } else { ratio > 1.0 };
    is_ahead.then(|| format!("{} ({ratio:.2})", peer.name()))
}
