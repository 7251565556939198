//! Rows: people go, many at once.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{
    crowd::Crowd,
    node,
    probe::Probe,
    table::{Case, Figure},
    tally::seconds,
};

const WIDTH: usize = 100;

const WAITS: &str = "a message waits at most 50 ms";
const FREED: &str = "at most twice the start within 60 s";

pub const CASES: &[Case] = &[
    Case {
        name: "leave-950x10",
        what: "9,500 in 950 x 10 leave at once, Redis",
        target: WAITS,
        measure: || left_at_once(950, 10),
    },
    Case {
        name: "leave-19x500",
        what: "9,500 in 19 x 500 leave at once, Redis",
        target: WAITS,
        measure: || left_at_once(19, 500),
    },
    Case {
        name: "freed-memory",
        what: "memory after 19,000 rooms of one have left",
        target: FREED,
        measure: || freed(false),
    },
    Case {
        name: "freed-redis",
        what: "the same with Redis",
        target: FREED,
        measure: || freed(true),
    },
];

fn left_at_once(rooms: usize, size: u32) -> io::Result<Figure> {
    let redis = node::redis()?;
    let node = node::parlor(Some(&redis), &["--rate", "1000"])?;
    let mut crowd = Crowd::new(&[node.address()], std::iter::repeat_n(size, rooms))?;
    crowd.gather(WIDTH)?;
    let probe = Probe::start(node.address())?;
    crowd.rest(Duration::from_secs(1))?;
    let began = Instant::now();
    crowd.leave();
    let all =
        crowd.until(Duration::from_secs(60), |crowd| Ok(crowd.gone() == crowd.members.len()))?;
    let took = began.elapsed();
    // A seat is freed after the goodbye.
    crowd.rest(Duration::from_secs(5))?;
    let waits = probe.stop()?;
    let met = all && waits.max <= Duration::from_millis(50) && waits.lost == 0;
    Ok(Figure { now: format!("{waits}; {} gone in {}", crowd.gone(), seconds(took)), met })
}

fn freed(shared: bool) -> io::Result<Figure> {
    const LIMIT: Duration = Duration::from_secs(60);
    let redis = if shared { Some(node::redis()?) } else { None };
    let node = node::parlor(redis.as_ref(), &[])?;
    let start = node.resident()?;
    let mut crowd = Crowd::new(&[node.address()], std::iter::repeat_n(1, 19_000))?;
    crowd.gather(WIDTH)?;
    let full = node.resident()?;
    crowd.leave();
    let all = crowd.members.len();
    if !crowd.until(LIMIT, |crowd| Ok(crowd.gone() == all))? {
        return Err(io::Error::other(format!("{} of {all} have left", crowd.gone())));
    }
    let began = Instant::now();
    crowd.until(LIMIT, |_| Ok(node.resident()? <= start * 2))?;
    let (took, left) = (began.elapsed(), node.resident()?);
    let mb = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let now = format!(
        "{} at the start, {} at the full, {} after {}",
        mb(start),
        mb(full),
        mb(left),
        seconds(took)
    );
    Ok(Figure { now, met: left <= start * 2 })
}
