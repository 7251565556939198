//! What was aimed at, and whether it was reached.

use std::fmt::Write;

use crate::{
    kind::Kind,
    spread::Spread,
    table::{Figure, Table},
};

/// How far a figure may go.
enum Bound {
    Most(f64),
    Least(f64),
    /// Only to be seen.
    Open,
}

use Bound::{Least, Most, Open};

/// A figure that is held to something.
struct Target {
    what: &'static str,
    /// Not there when it was not measured.
    figure: Option<Spread>,
    bound: Bound,
    /// Behind the decimal point.
    digits: usize,
    unit: &'static str,
}

impl Target {
    /// Whether the median keeps to the bound.
    fn is_met(&self) -> Option<bool> {
        let median = self.figure?.median;
        match self.bound {
            Most(most) => Some(median <= most),
            Least(least) => Some(median >= least),
            Open => None,
        }
    }

    fn row(&self, out: &mut String) {
        let Self { what, figure, bound, digits, unit } = self;
        // A target needs no more digits than it has; a figure that is close to it does.
        let bound = match bound {
            Most(most) => format!("at most {most}{unit}"),
            Least(least) => format!("at least {least}{unit}"),
            Open => "none".to_owned(),
        };
        let figure = figure
            .map_or("not measured".to_owned(), |figure| format!("{}{unit}", figure.cell(*digits)));
        let verdict = match self.is_met() {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        };
        let _ = writeln!(out, "| {what} | {figure} | {bound} | {verdict} |");
    }
}

fn target(
    what: &'static str,
    figure: Option<Spread>,
    bound: Bound,
    digits: usize,
    unit: &'static str,
) -> Target {
    Target { what, figure, bound, digits, unit }
}

/// What uWebSockets C++ was measured at over Nchan beside it, when the targets were set: with 4 on their way 392 and 151 thousand
/// a second, with 64 521 and 181, in rooms of four 96 and 65.
const UWS: [f64; 3] = [392.0 / 151.0, 521.0 / 181.0, 96.0 / 65.0];

/// The deliveries a second through Redis when the targets were set, with one node and with two, over Centrifugo's with one.
const BEFORE: [f64; 2] = [84.0 / 57.0, 136.0 / 57.0];

/// Two digits: what is measured is not more precise.
fn rounded(bound: f64) -> f64 {
    (bound * 100.0).round() / 100.0
}

const CPU: Figure = |outcome| outcome.cpu;
const RATE: Figure = |outcome| outcome.rate;
const REDIS: Figure = |outcome| outcome.aside;

/// Of one node without Redis.
fn alone(table: &Table<'_>) -> Vec<Target> {
    let over = |what, scenario, most| {
        let figure = table.ratio(scenario, Kind::Parlor, Kind::Floor, CPU);
        target(what, figure, Most(most), 3, "")
    };
    let nchan = |what, scenario, least| {
        let figure = table.ratio(scenario, Kind::Parlor, Kind::Nchan, RATE);
        target(what, figure, Least(rounded(least)), 2, "")
    };
    let memory = table.figure("idle", Kind::Parlor, |outcome| outcome.memory);
    vec![
        over("CPU a member-message over the floor, 10 rooms of 100", "10x100", 1.05),
        over("the same, 500 rooms of 4", "500x4", 1.08),
        over("the same, 1 room of 1,000", "1x1000", 1.05),
        over("the same, 50 rooms of 20, mixed text of 700 bytes", "mixed", 1.1),
        over("the same while a fifth comes and goes", "coming and going", 1.3),
        nchan(
            "deliveries/s over Nchan's, 10 rooms of 100, 4 on their way (1.1 times uWebSockets)",
            "4 on their way",
            1.1 * UWS[0],
        ),
        nchan("the same, 64 on their way (4 times uWebSockets)", "saturated", 4.0 * UWS[1]),
        nchan(
            "the same, 500 rooms of 4, one by one (0.95 times uWebSockets)",
            "500x4 one by one",
            0.95 * UWS[2],
        ),
        over("CPU a join with its leave over the floor, own room", "churn", 1.2),
        over("the same, into rooms of two", "churn beside two", 1.5),
        target("memory a WebSocket member", memory, Most(2400.0), 0, " B"),
    ]
}

/// Through Redis, beside Centrifugo through Redis.
fn shared(table: &Table<'_>) -> Vec<Target> {
    const ONE: (Kind, Kind) = (Kind::ParlorRedis, Kind::CentrifugoRedis);
    const TWO: (Kind, Kind) = (Kind::ParlorTwoNodes, Kind::CentrifugoTwoNodes);
    let redis = |what, scenario, (parlor, peer): (Kind, Kind), most| {
        target(what, table.ratio(scenario, parlor, peer, REDIS), Most(most), 2, "")
    };
    let rate = |what, parlor, least| {
        let figure = table.ratio("saturated", parlor, Kind::CentrifugoRedis, RATE);
        target(what, figure, Least(rounded(least)), 2, "")
    };
    let (from, to) = (("500x4", Kind::ParlorRedis), ("ping", Kind::Redis));
    let over = table.ratio("500x4", Kind::ParlorRedis, Kind::Floor, CPU);
    let p50 = table.ratio("500x4", TWO.0, TWO.1, |outcome| outcome.p50);
    vec![
        redis("Redis CPU a message over Centrifugo's, 500 rooms of 4", "500x4", ONE, 0.8),
        redis("the same with two nodes", "500x4", TWO, 0.8),
        redis("the same saturated, one by one", "500x4 one by one", ONE, 0.55),
        redis("the same saturated, one by one, with two nodes", "500x4 one by one", TWO, 0.55),
        target(
            "Redis CPU a message above that of a bare PING, 500 rooms of 4",
            table.compare(from, to, REDIS, |message, ping| message - ping),
            Most(10.0),
            1,
            " us",
        ),
        rate(
            "deliveries/s over Centrifugo's, 10 rooms of 100, 64 on their way (10 times those of before)",
            Kind::ParlorRedis,
            10.0 * BEFORE[0],
        ),
        rate(
            "the same with two nodes, over Centrifugo's with one",
            Kind::ParlorTwoNodes,
            10.0 * BEFORE[1],
        ),
        target("node CPU a member-message over the floor, 500 rooms of 4", over, Most(1.5), 2, ""),
        target(
            "p50 from one node to another over Centrifugo's, 500 rooms of 4",
            p50,
            Most(0.7),
            2,
            "",
        ),
    ]
}

/// Everything else.
fn others(table: &Table<'_>) -> Vec<Target> {
    let own = |scenario, figure| table.figure(scenario, Kind::Parlor, figure);
    let idle = |figure| table.figure("idle rooms", Kind::ParlorRedis, figure);
    let beside = |figure| {
        let parlor = |scenario| (scenario, Kind::Parlor);
        table.compare(parlor("stalled"), parlor("beside"), figure, |one, other| one / other)
    };
    let single = |figure| Spread::of(vec![figure]);
    vec![
        target("memory an SSE member", own("idle streams", |o| o.memory), Most(6000.0), 0, " B"),
        // Less than what would be written as one thousandth.
        target("core used while idle", own("idle", |o| o.server_load), Most(0.0005), 5, ""),
        target("the program", single(table.facts.binary as f64 / 1e6), Most(15.0), 2, " MB"),
        target("from start to the first answer", single(table.facts.start), Most(50.0), 1, " ms"),
        target(
            "core used by the node, 10,000 idle rooms in Redis",
            idle(|o| o.server_load),
            Most(0.02),
            4,
            "",
        ),
        target(
            "core used by Redis, 10,000 idle rooms in it",
            idle(|o| o.aside_load),
            Most(0.02),
            4,
            "",
        ),
        target(
            "CPU a member-message beside a stalled reader over that without",
            beside(CPU),
            Open,
            2,
            "",
        ),
        target("p99 beside a stalled reader over that without", beside(|o| o.p99), Open, 2, ""),
    ]
}

/// Writes them all as tables, and which were missed.
pub fn tell(table: &Table<'_>, out: &mut String) {
    let _ = writeln!(
        out,
        "\n## Targets\n\nA target is met if the median keeps to it. Where there is none, the figure is only to be seen. Where uWebSockets is the measure, \
         it stands for {:.2} times Nchan's deliveries a second with 4 on their way, {:.2} with 64 and {:.2} in rooms of four: what it had beside Nchan \
         when the targets were set.",
        UWS[0], UWS[1], UWS[2]
    );
    let mut all = Vec::new();
    for (title, targets) in [
        ("On one node", alone(table)),
        ("Through Redis", shared(table)),
        ("Beyond that", others(table)),
    ] {
        let _ = writeln!(out, "\n**{title}**\n\n| | measured | target | |\n|---|---|---|---|");
        targets.iter().for_each(|target| target.row(out));
        all.extend(targets);
    }
    let missed: Vec<&str> = all
        .iter()
        .filter(|target| target.is_met() == Some(false))
        .map(|target| target.what)
        .collect();
    let held = all.iter().filter(|target| target.is_met().is_some()).count();
    let _ = match missed[..] {
        [] => writeln!(out, "\n**Missed**: none of the {held} that were measured."),
        _ => writeln!(out, "\n**Missed**: {} of the {held} that were measured.", missed.len()),
    };
}
