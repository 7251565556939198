//! Rows: what a room of very many does to others, and what people cost who only sit there.

use std::{io, time::Duration};

use super::{
    crowd::Crowd,
    node,
    polls::Pollers,
    probe::Probe,
    table::{Case, Figure},
};

const WIDTH: usize = 100;

pub const CASES: &[Case] = &[
    Case {
        name: "told",
        what: "one message to a room of 10,000, what other rooms of the node notice",
        target: "probe p99 at most 10 ms",
        measure: told,
    },
    Case {
        name: "polls",
        what: "a waiting long poll (5,000 in 10 x 500)",
        target: "at most 4 kB",
        measure: polls,
    },
    Case {
        name: "alone-redis",
        what: "a member of a room of one through Redis, idle (10,000)",
        target: "at most 6 kB",
        measure: || alone(true),
    },
    Case {
        name: "alone-memory",
        what: "the same in memory",
        target: "at most 6 kB",
        measure: || alone(false),
    },
];

fn told() -> io::Result<Figure> {
    const TIMES: u64 = 20;
    let node = node::parlor(None, &["--room-members", "20000", "--rate", "1000"])?;
    let mut crowd = Crowd::new(&[node.address()], [10_000])?;
    crowd.gather(WIDTH)?;
    let quiet = Probe::start(node.address())?;
    crowd.rest(Duration::from_secs(5))?;
    let quiet = quiet.stop()?;
    let probe = Probe::start(node.address())?;
    crowd.rest(Duration::from_millis(500))?;
    for _ in 0..TIMES {
        crowd.publish(0);
        crowd.rest(Duration::from_millis(500))?;
    }
    let waits = probe.stop()?;
    let all = crowd.members[0].said * crowd.members.len() as u64;
    if !crowd.until(Duration::from_secs(60), |crowd| Ok(crowd.tally.heard == all))? {
        return Err(io::Error::other(format!(
            "{} of {all} deliveries: {}",
            crowd.tally.heard, crowd.tally
        )));
    }
    let now = format!("{waits}; while nothing is said {quiet}");
    Ok(Figure { now, met: waits.p99 <= Duration::from_millis(10) && waits.lost == 0 })
}

fn per_head(bytes: u64, people: usize, most: f64, note: &str) -> Figure {
    let each = bytes as f64 / people as f64 / 1e3;
    Figure { now: format!("{each:.1} kB{note}"), met: each <= most }
}

fn polls() -> io::Result<Figure> {
    const PEOPLE: usize = 5000;
    let node = node::parlor(None, &[])?;
    let before = node.resident()?;
    let mut pollers = Pollers::new(node.address())?;
    pollers.gather(PEOPLE, 500)?;
    // What the joins have stirred up is told, and all of them wait again.
    pollers.rest(Duration::from_secs(5))?;
    let waiting = pollers.waiting();
    if waiting != PEOPLE {
        return Err(io::Error::other(format!("{waiting} of {PEOPLE} wait: {}", pollers.trouble)));
    }
    Ok(per_head(node.resident()?.saturating_sub(before), PEOPLE, 4.0, ""))
}

fn alone(shared: bool) -> io::Result<Figure> {
    const PEOPLE: usize = 10_000;
    let redis = if shared { Some(node::redis()?) } else { None };
    let node = node::parlor(redis.as_ref(), &[])?;
    let before = node.resident()?;
    let mut crowd = Crowd::new(&[node.address()], std::iter::repeat_n(1, PEOPLE))?;
    crowd.gather(WIDTH)?;
    crowd.rest(Duration::from_secs(10))?;
    let asked = redis.map(|redis| redis.resident()).transpose()?;
    let note = asked.map_or(String::new(), |bytes| {
        format!(" (Redis {:.1} kB a room)", bytes as f64 / PEOPLE as f64 / 1e3)
    });
    Ok(per_head(node.resident()?.saturating_sub(before), PEOPLE, 6.0, &note))
}
