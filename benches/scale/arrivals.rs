//! Rows: people come in, into one room or all at once.

use std::{
    collections::BTreeMap,
    fs, io,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    crowd::Crowd,
    meter::Usage,
    node,
    table::{Case, Figure},
    tally::{millis, quantile, seconds},
};

/// So many are on their way in at a time.
const WIDTH: usize = 50;

/// What a room must hold for these.
const LARGE: [&str; 2] = ["--room-members", "20000"];

pub const CASES: &[Case] = &[
    Case {
        name: "fill-memory",
        what: "filling one room in memory, CPU a join at 1,000 / 4,000 / 16,000",
        target: "at most 1.5 times from 1,000 to 16,000",
        measure: fill_in_memory,
    },
    Case {
        name: "fill-redis",
        what: "filling one room through Redis",
        target: "10,000 in 20 s",
        measure: fill_through_redis,
    },
    Case {
        name: "herd",
        what: "3,000 connect at once",
        target: "0 overflows, at most 0.5 s",
        measure: herd,
    },
];

fn fill_in_memory() -> io::Result<Figure> {
    const AROUND: usize = 500;
    const AT: [usize; 3] = [1000, 4000, 16_000];
    let node = node::parlor(None, &LARGE)?;
    let mut crowd = Crowd::new(&[node.address()], [(AT[2] + AROUND) as u32])?;
    let mut used: BTreeMap<usize, (usize, Duration)> = BTreeMap::new();
    let mut failed = None;
    let all = crowd.fill(WIDTH, Duration::from_secs(240), |crowd| {
        for mark in AT.into_iter().flat_map(|at| [at - AROUND, at + AROUND]) {
            if crowd.inside() >= mark && !used.contains_key(&mark) {
                match Usage::of(&[node.pid()]) {
                    Ok(usage) => drop(used.insert(mark, (crowd.inside(), usage.cpu))),
                    Err(error) => failed = Some(error),
                }
            }
        }
        failed.is_some() || crowd.inside() == crowd.members.len()
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if !all {
        return Err(io::Error::other(format!("{} came in: {}", crowd.inside(), crowd.tally)));
    }
    let join = AT.map(|at| {
        let ((before, from), (after, to)) = (used[&(at - AROUND)], used[&(at + AROUND)]);
        (to - from).as_secs_f64() * 1e6 / (after - before) as f64
    });
    let ratio = join[2] / join[0];
    Ok(Figure {
        now: format!("{:.0} / {:.0} / {:.0} us ({ratio:.2} times)", join[0], join[1], join[2]),
        met: ratio <= 1.5,
    })
}

fn fill_through_redis() -> io::Result<Figure> {
    const AT: [usize; 3] = [2000, 4000, 10_000];
    const LIMIT: Duration = Duration::from_secs(90);
    let redis = node::redis()?;
    let node = node::parlor(Some(&redis), &LARGE)?;
    let mut crowd = Crowd::new(&[node.address()], [AT[2] as u32])?;
    let (began, mut reached) = (Instant::now(), Vec::new());
    crowd.fill(WIDTH, LIMIT, |crowd| {
        while reached.len() < AT.len() && crowd.inside() >= AT[reached.len()] {
            reached.push(began.elapsed());
        }
        reached.len() == AT.len()
    })?;
    let mut told: Vec<_> =
        AT.iter().zip(&reached).map(|(at, took)| format!("{at} in {}", seconds(*took))).collect();
    if reached.len() < AT.len() {
        told.push(format!("{} in {}", crowd.inside(), seconds(LIMIT)));
    }
    let met = reached.get(2).is_some_and(|took| *took <= Duration::from_secs(20));
    Ok(Figure { now: format!("{}; {} refused", told.join(", "), crowd.tally.refused()), met })
}

/// How often the kernel dropped a connection because a program had not accepted those before it, on the whole machine.
fn overflows() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/net/netstat")?;
    let mut lines =
        text.lines().filter(|line| line.starts_with("TcpExt:")).map(str::split_whitespace);
    let (Some(names), Some(mut values)) = (lines.next(), lines.next()) else {
        return Err(io::Error::other("no TcpExt"));
    };
    let at = names.take_while(|name| *name != "ListenOverflows").count();
    values
        .nth(at)
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| io::Error::other("no ListenOverflows"))
}

fn herd() -> io::Result<Figure> {
    let node = node::parlor(None, &[])?;
    let mut crowd = Crowd::new(&[node.address()], std::iter::repeat_n(10, 300))?;
    let before = overflows()?;
    // The server's turn is to come when all have asked to connect.
    node.freeze()?;
    let sent = (0..crowd.members.len()).try_for_each(|who| crowd.open(who));
    std::thread::sleep(Duration::from_millis(100));
    node.signal(Signal::CONT);
    sent?;
    // As a server sees it that was busy: from its turn on.
    let began = Instant::now();
    crowd.until(Duration::from_secs(40), |crowd| Ok(crowd.inside() == crowd.members.len()))?;
    let (all, overflows) = (began.elapsed(), overflows()? - before);
    let mut waits = std::mem::take(&mut crowd.tally.waits);
    waits.sort_unstable();
    let (median, p99) = (quantile(&waits, 0.5), quantile(&waits, 0.99));
    let met = overflows == 0
        && p99 <= Duration::from_millis(500)
        && crowd.inside() == crowd.members.len();
    let joins = format!(
        "join p50 {}, p99 {}, of which it was stopped for 100 ms and more",
        millis(median),
        millis(p99)
    );
    Ok(Figure {
        now: format!("{overflows} overflows; {joins}; {} in after {}", crowd.inside(), millis(all)),
        met,
    })
}
