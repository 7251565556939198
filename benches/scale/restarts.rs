//! Rows: nodes that are stopped, and started again.

use std::{io, time::Duration};

use super::{
    crowd::Crowd,
    meter::Usage,
    moves::Move,
    node,
    probe::Probe,
    rolling::{Rolling, mixed},
    table::{Case, Figure},
    tally::{millis, seconds},
};

/// So many are on their way in at a time while rooms are filled.
const WIDTH: usize = 100;

const MOVED: &str =
    "95 % within 6 s, all resumed, none refused, no member seen to leave, probe p99 at most 100 ms";

pub const CASES: &[Case] = &[
    Case {
        name: "move-1000x10",
        what: "SIGTERM of node A, 10,000 in 1,000 x 10 to node B",
        target: MOVED,
        measure: || moved(1000, 10),
    },
    Case {
        name: "move-10x500",
        what: "the same, 5,000 in 10 x 500",
        target: MOVED,
        measure: || moved(10, 500),
    },
    Case {
        name: "move-100x100",
        what: "the same, 10,000 in 100 x 100",
        target: MOVED,
        measure: || moved(100, 100),
    },
    Case {
        name: "move-20x500",
        what: "the same, 10,000 in 20 x 500",
        target: MOVED,
        measure: || moved(20, 500),
    },
    Case {
        name: "restart-redis",
        what: "one node with Redis, SIGTERM and start again, 5,000 in 500 x 10",
        target: "all resumed, port free within 1 s",
        measure: restarted_with_redis,
    },
    Case {
        name: "restart-memory",
        what: "one node without Redis, SIGTERM and start again, 10,000 in 1,000 x 10",
        target: "95 % need one try",
        measure: restarted_in_memory,
    },
    Case {
        name: "rolling",
        what: "three nodes restarted in turn, 6,000 people in 524 rooms of 2 to 500 who talk",
        target: "0 lost, 0 doubled, 0 `reset`, 0 `left`",
        measure: restarted_in_turn,
    },
];

fn moved(rooms: usize, size: u32) -> io::Result<Figure> {
    let redis = node::redis()?;
    let (mut from, to) =
        (node::parlor(Some(&redis), &[])?, node::parlor(Some(&redis), &["--rate", "1000"])?);
    let mut crowd = Crowd::new(&[from.address()], std::iter::repeat_n(size, rooms))?;
    crowd.gather(WIDTH)?;
    let probe = Probe::start(to.address())?;
    crowd.rest(Duration::from_secs(1))?;
    let before = Usage::of(&[redis.pid()])?.cpu;
    let told = Move::of(&mut crowd, &mut from, to.address())?;
    let busy = Usage::of(&[redis.pid()])?.cpu - before;
    let waits = probe.stop()?;
    let quick = told.most.is_some_and(|most| most <= Duration::from_secs(6));
    let unseen = told.tally.seen() == 0 && told.tally.refused() == 0;
    let met = told.is_whole()
        && quick
        && unseen
        && waits.p99 <= Duration::from_millis(100)
        && waits.lost == 0;
    Ok(Figure {
        now: format!("{}; probe {waits}; Redis busy for {}", told.told(), seconds(busy)),
        met,
    })
}

fn restarted_with_redis() -> io::Result<Figure> {
    let redis = node::redis()?;
    let mut node = node::parlor(Some(&redis), &[])?;
    let mut crowd = Crowd::new(&[node.address()], std::iter::repeat_n(10, 500))?;
    crowd.gather(WIDTH)?;
    let door = node.address();
    let told = Move::of(&mut crowd, &mut node, door)?;
    let free = told.ended.is_some_and(|ended| ended <= Duration::from_secs(1));
    let ended = told.ended.map_or("never".to_owned(), |ended| format!("after {}", millis(ended)));
    Ok(Figure { now: format!("port free {ended}; {}", told.told()), met: told.is_whole() && free })
}

fn restarted_in_memory() -> io::Result<Figure> {
    let mut node = node::parlor(None, &[])?;
    let mut crowd = Crowd::new(&[node.address()], std::iter::repeat_n(10, 1000))?;
    crowd.gather(WIDTH)?;
    let door = node.address();
    let told = Move::of(&mut crowd, &mut node, door)?;
    let share = told.at_once as f64 / told.people as f64;
    let moment = told.all.map_or("never".to_owned(), |all| format!("after {}", seconds(all)));
    let now = format!(
        "{:.1} % needed one try; all back {moment}; {} refused",
        share * 100.0,
        told.tally.refused()
    );
    Ok(Figure { now, met: told.all.is_some() && share >= 0.95 })
}

fn restarted_in_turn() -> io::Result<Figure> {
    let redis = node::redis()?;
    let mut nodes = [
        node::parlor(Some(&redis), &[])?,
        node::parlor(Some(&redis), &[])?,
        node::parlor(Some(&redis), &[])?,
    ];
    let mut crowd = Crowd::new(&nodes.each_ref().map(node::Server::address), mixed())?;
    crowd.gather(WIDTH)?;
    let told = Rolling::of(&mut crowd, &mut nodes)?;
    let broken = told.broken();
    let what = if broken.is_empty() {
        "0 lost, 0 doubled, 0 `reset`, 0 `left`".to_owned()
    } else {
        broken.join(", ")
    };
    let now = format!(
        "{what}; {} messages, {} heard, {} refused",
        told.said,
        told.tally.heard,
        told.tally.refused()
    );
    Ok(Figure { now: format!("{now}, {} in all", seconds(told.took)), met: broken.is_empty() })
}
