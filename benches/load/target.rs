//! What was aimed at, and whether it was reached.

use std::fmt::Write;

use crate::{server::Kind, table::Table};

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
    figure: Option<f64>,
    bound: Bound,
    /// Behind the decimal point.
    digits: usize,
    unit: &'static str,
}

impl Target {
    fn is_met(&self) -> Option<bool> {
        let figure = self.figure?;
        match self.bound {
            Most(most) => Some(figure <= most),
            Least(least) => Some(figure >= least),
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
        let figure =
            figure.map_or("not measured".to_owned(), |figure| format!("{figure:.digits$}{unit}"));
        let verdict = match self.is_met() {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        };
        let _ = writeln!(out, "| {what} | {figure} | {bound} | {verdict} |");
    }
}

/// All of them, of what was measured.
fn targets(table: &Table<'_>) -> Vec<Target> {
    let over = |scenario| table.ratio(scenario, Kind::Parlor, Kind::Floor, |outcome| outcome.cpu);
    let nchan = |scenario| table.ratio(scenario, Kind::Parlor, Kind::Nchan, |outcome| outcome.rate);
    let own = |scenario, figure| table.median(scenario, Kind::Parlor, figure);
    let redis = |scenario, figure| table.median(scenario, Kind::ParlorRedis, figure);
    let beside = |figure| table.across("stalled", "beside", Kind::Parlor, figure);
    let ping =
        table.compare(("500x4", Kind::ParlorRedis), ("ping", Kind::Redis), |outcome| outcome.aside);
    let two_nodes = table.median("500x4", Kind::ParlorTwoNodes, |outcome| outcome.p50);
    let target = |what, figure, bound, digits, unit| Target { what, figure, bound, digits, unit };
    vec![
        target("CPU a delivery over the floor, 10 rooms of 100", over("10x100"), Most(1.08), 3, ""),
        target("CPU a delivery over the floor, 500 rooms of 4", over("500x4"), Most(1.05), 3, ""),
        target("CPU a delivery over the floor, 1 room of 1,000", over("1x1000"), Most(1.05), 3, ""),
        target(
            "as much as goes: deliveries a second over Nchan's",
            nchan("saturated"),
            Least(3.8),
            2,
            "",
        ),
        target("the same, one by one", nchan("one by one"), Open, 2, ""),
        target("CPU a join with its leave over the floor", over("churn"), Most(1.4), 3, ""),
        target(
            "memory a WebSocket member",
            own("idle", |outcome| outcome.memory),
            Most(3000.0),
            0,
            " B",
        ),
        target(
            "memory an SSE member",
            own("idle streams", |outcome| outcome.memory),
            Most(6000.0),
            0,
            " B",
        ),
        // Less than what would be written as one thousandth.
        target(
            "core used while idle",
            own("idle", |outcome| outcome.server_load),
            Most(0.0005),
            5,
            "",
        ),
        target("the program", Some(table.facts.binary as f64 / 1e6), Most(15.0), 2, " MB"),
        target("from start to the first answer", Some(table.facts.start), Most(50.0), 1, " ms"),
        target(
            "Redis CPU a message, saturated",
            redis("saturated", |outcome| outcome.aside),
            Most(12.0),
            2,
            " us",
        ),
        target(
            "Redis CPU a message, 500 rooms of 4",
            redis("500x4", |outcome| outcome.aside),
            Most(12.0),
            2,
            " us",
        ),
        target("the same over that of a bare PING", ping, Open, 2, ""),
        target("p50 from one node to another, 500 rooms of 4", two_nodes, Most(200.0), 0, " us"),
        target(
            "core used by the node, 10,000 idle rooms in Redis",
            redis("idle rooms", |o| o.server_load),
            Most(0.02),
            4,
            "",
        ),
        target(
            "core used by Redis, 10,000 idle rooms in it",
            redis("idle rooms", |o| o.aside_load),
            Most(0.02),
            4,
            "",
        ),
        target(
            "CPU a delivery beside a stalled reader over that without",
            beside(|outcome| outcome.cpu),
            Open,
            2,
            "",
        ),
        target(
            "p99 beside a stalled reader over that without",
            beside(|outcome| outcome.p99),
            Open,
            2,
            "",
        ),
    ]
}

/// Writes them all as a table, and which were missed.
pub fn tell(table: &Table<'_>, out: &mut String) {
    let targets = targets(table);
    *out += "\n## Targets\n\nWhere there is no target, the figure is only to be seen.\n\n| | measured | target | |\n|---|---|---|---|\n";
    targets.iter().for_each(|target| target.row(out));
    let missed: Vec<&str> = targets
        .iter()
        .filter(|target| target.is_met() == Some(false))
        .map(|target| target.what)
        .collect();
    let held = targets.iter().filter(|target| target.is_met().is_some()).count();
    let _ = match missed[..] {
        [] => writeln!(out, "\n**Missed**: none of the {held} that were measured."),
        _ => writeln!(
            out,
            "\n**Missed**: {} of the {held} that were measured: {}.",
            missed.len(),
            missed.join("; ")
        ),
    };
}
