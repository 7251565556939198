//! Medians and ratios of the lines, and the page of documents that tells them.

use std::fmt::Write;

use crate::{
    job::Outcome,
    plan::Line,
    server::{Facts, Kind},
};

/// What was measured.
pub struct Table<'a> {
    pub lines: &'a [Line],
    pub facts: Facts,
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// One figure of a run.
pub type Figure = fn(&Outcome) -> f64;

impl Table<'_> {
    /// The median of a figure over the runs.
    pub fn median(&self, scenario: &str, kind: Kind, figure: Figure) -> Option<f64> {
        let of = |line: &&Line| line.scenario == scenario && line.kind == kind;
        median(self.lines.iter().filter(of).map(|line| figure(&line.outcome)).collect())
    }

    /// The median of the ratios between two servers, each of the same run.
    pub fn ratio(&self, scenario: &str, kind: Kind, other: Kind, figure: Figure) -> Option<f64> {
        self.compare((scenario, kind), (scenario, other), figure)
    }

    /// The median of the ratios between two figures, each of the same run.
    pub fn compare(&self, one: (&str, Kind), other: (&str, Kind), figure: Figure) -> Option<f64> {
        let of = |what: (&str, Kind), run: usize| {
            let line = self
                .lines
                .iter()
                .find(|line| (line.scenario.as_str(), line.kind) == what && line.run == run)?;
            Some(figure(&line.outcome))
        };
        let runs = self.lines.iter().map(|line| line.run).max()? + 1;
        median((0..runs).filter_map(|run| Some(of(one, run)? / of(other, run)?)).collect())
    }

    /// The median of the ratios between two scenarios of one server, each of the same run.
    pub fn across(&self, scenario: &str, other: &str, kind: Kind, figure: Figure) -> Option<f64> {
        self.compare((scenario, kind), (other, kind), figure)
    }

    fn kinds(&self, scenario: &str) -> Vec<Kind> {
        let mut kinds = Vec::new();
        for line in self.lines.iter().filter(|line| line.scenario == scenario) {
            if !kinds.contains(&line.kind) {
                kinds.push(line.kind);
            }
        }
        kinds
    }

    /// A row a server: CPU a delivery with its ratio to the floor, and delays.
    fn talk(&self, out: &mut String, title: &str, scenario: &str) {
        let kinds = self.kinds(scenario);
        if kinds.is_empty() {
            return;
        }
        let floor = kinds.contains(&Kind::Floor);
        let _ = writeln!(
            out,
            "\n**{title}**\n\n| server | CPU a delivery | over the floor | p50 | p99 | lost, doubled, out of order |"
        );
        let _ = writeln!(out, "|---|---|---|---|---|---|");
        for kind in kinds {
            let of = |figure: Figure| self.median(scenario, kind, figure).unwrap_or(f64::NAN);
            let over = floor
                .then(|| self.ratio(scenario, kind, Kind::Floor, |outcome| outcome.cpu))
                .flatten();
            let over = over.map_or("".to_owned(), |ratio| format!("{ratio:.2}"));
            let faults = self.faults(scenario, kind);
            let (cpu, p50, p99) =
                (of(|outcome| outcome.cpu), of(|outcome| outcome.p50), of(|outcome| outcome.p99));
            let _ = writeln!(
                out,
                "| {} | {cpu:.2} us | {over} | {p50:.0} us | {p99:.0} us | {faults} |",
                kind.name()
            );
        }
    }

    fn faults(&self, scenario: &str, kind: Kind) -> String {
        let of = |line: &&Line| line.scenario == scenario && line.kind == kind;
        let sum = |figure: fn(&Outcome) -> u64| {
            self.lines.iter().filter(of).map(|line| figure(&line.outcome)).sum::<u64>()
        };
        match (sum(|o| o.lost), sum(|o| o.doubled), sum(|o| o.disordered)) {
            (0, 0, 0) => "none".to_owned(),
            (lost, doubled, disordered) => format!("{lost}, {doubled}, {disordered}"),
        }
    }

    /// A row a server, a column a figure.
    fn rows(&self, out: &mut String, scenario: &str, columns: &[(&str, Figure, usize)]) {
        let kinds = self.kinds(scenario);
        if kinds.is_empty() {
            return;
        }
        let heads: Vec<&str> = columns.iter().map(|(head, ..)| *head).collect();
        let _ = writeln!(
            out,
            "\n| server | {} |\n|---|{}",
            heads.join(" | "),
            "---|".repeat(columns.len())
        );
        for kind in kinds {
            let cell = |(_, figure, digits): &(&str, Figure, usize)| {
                self.median(scenario, kind, *figure)
                    .map_or(String::new(), |value| format!("{value:.digits$}"))
            };
            let cells: Vec<String> = columns.iter().map(cell).collect();
            let _ = writeln!(out, "| {} | {} |", kind.name(), cells.join(" | "));
        }
    }

    /// `docs/benchmarks.md` without the targets.
    pub fn page(&self) -> String {
        let Facts { cores, memory, runs, binary, start } = &self.facts;
        let mut out = format!(
            "# What Parlor costs\n\n\
             Made by `make bench`: each server alone on one core, the load on the other, all over the loopback, on a machine of {cores} \
             cores and {memory} GiB. Medians of up to {runs} runs (of Parlor and the floor in the first three tables and in the one of joins; of a quarter as \
             many elsewhere); the servers take turns within a run, and a ratio is between figures of the same run.\n\n\
             *Floor*: one thread, one epoll, which copies what is said into a prebuilt frame of the size of Parlor's and writes it to every \
             member with one write(2) each; it checks, numbers and keeps nothing. *Delivery*: a message that reaches one member; the \
             sender's `ack` or own copy is one. *CPU*: user and system time of the server, the kernel's work on its behalf included. \
             *p50*, *p99*: from the moment a message was due, whether or not it could be sent then, until a member has it. Every message \
             is numbered, and every member checks that it hears each once and in order.\n\n\
             The peers do less than Parlor: `ws` and socket.io keep no log, number nothing and acknowledge nothing; Nchan passes on \
             what it is given, and keeps 200 messages as Parlor does. Their programs and settings are in `benches/peers`.\n\n\
             ![CPU a delivery over the floor's, and growth](../assets/benchmarks.svg)\n\n## Talk\n"
        );
        self.talk(&mut out, "10 rooms of 100, each 10 messages a second of 128 bytes", "10x100");
        self.talk(&mut out, "500 rooms of 4, each 5 messages a second", "500x4");
        self.talk(&mut out, "1 room of 1,000, 10 messages a second", "1x1000");
        self.talk(&mut out, "10 rooms of 100, each 5 messages a second of 4,000 bytes", "4000 B");
        let flood: &[(&str, Figure, usize)] = &[
            ("deliveries/s", |o| o.rate, 0),
            ("CPU a delivery, us", |o| o.cpu, 2),
            ("core used by the server", |o| o.server_load, 2),
            ("core used by the load", |o| o.own_load, 2),
        ];
        out += "\n**As much as goes**: 10 rooms of 100, in each up to 64 messages on their way, which one speaker sends 32 or more \
                at a time. A server that hands out together what came together can gain by that, as one of the floors does.\n";
        self.rows(&mut out, "saturated", flood);
        out += "\n**As much as goes, one by one**: the same, but each speaker waits for the `ack` or own copy of a message before \
                saying the next\n";
        self.rows(&mut out, "one by one", flood);
        out += "\n## Coming, going, sitting there\n\n**Join and leave**, 20 people at a time, each in a room of their own\n";
        self.rows(
            &mut out,
            "churn",
            &[("CPU a join with its leave, us", |o| o.cpu, 1), ("a second", |o| o.rate, 0)],
        );
        out += "\n**Idle**: 5,000 people in 500 rooms; memory is what no file stands behind\n";
        let idle: &[(&str, Figure, usize)] = &[
            ("bytes a member", |o| o.memory, 0),
            ("joins/s", |o| o.join_rate, 0),
            ("core used while idle", |o| o.server_load, 4),
        ];
        self.rows(&mut out, "idle", idle);
        out += "\n**Idle, Server-Sent Events**: 3,000 people in 300 rooms\n";
        self.rows(&mut out, "idle streams", idle);
        let _ = writeln!(
            out,
            "\nThe program is {:.1} MB and answers its first request {start:.0} ms after it is started.",
            *binary as f64 / 1e6
        );
        out += "\n## Other doors\n";
        self.talk(
            &mut out,
            "Server-Sent Events: as the first table, but all except who speaks read streams",
            "streams",
        );
        self.talk(
            &mut out,
            "Long polls: 10 rooms of 100, each 2 messages a second; a delivery is a request",
            "polls",
        );
        out += "\n## A reader that stalls\n";
        self.talk(&mut out, "5 rooms of 19, each 100 messages a second of 4,000 bytes", "beside");
        self.talk(
            &mut out,
            "The same, and one more in each room who reads nothing; CPU and delays are those of the others",
            "stalled",
        );
        out += "\nAfterwards the load reads what is left for those who stalled, until the end. *Sent away*: the last of it was \
                `too_slow`, so that the socket was full and Parlor's queue behind it as well. *Dropped*: the server had closed \
                without that word. *Kept*: it had not, and what was missing then counts as lost.\n";
        self.rows(
            &mut out,
            "stalled",
            &[
                ("stalled", |o| o.stalled as f64, 0),
                ("sent away", |o| o.sent_away as f64, 0),
                ("dropped", |o| o.dropped as f64, 0),
                ("kept", |o| (o.stalled - o.sent_away - o.dropped) as f64, 0),
            ],
        );
        out += "\n## Redis\n\nRedis runs beside the load. With two nodes, both share the server's core, people are spread over both, and \
                delays are those from one node to the other. *Saturated* and *one by one* are the two tables of as much as goes. *In a script*: \
                of that CPU, the time of one call by Redis's own count (`INFO commandstats`); the rest goes into waking up, reading and writing.\n\n\
                | scenario | server | messages/s | p50 | Redis CPU a message | in a script | core used by Redis |\n|---|---|---|---|---|---|---|\n";
        for scenario in ["10x100", "500x4", "saturated", "one by one"] {
            for kind in [Kind::ParlorRedis, Kind::ParlorTwoNodes] {
                let of = |figure: Figure| self.median(scenario, kind, figure);
                let said = of(|o| o.messages as f64 / o.seconds);
                let (Some(said), Some(p50), Some(aside)) = (said, of(|o| o.p50), of(|o| o.aside))
                else {
                    continue;
                };
                let (load, script) = (
                    of(|o| o.aside_load).unwrap_or_default(),
                    of(|o| o.script).unwrap_or_default(),
                );
                let name = kind.name();
                let _ = writeln!(
                    out,
                    "| {scenario} | {name} | {said:.0} | {p50:.0} us | {aside:.1} us | {script:.1} us | {load:.3} |"
                );
            }
        }
        if let Some(ping) = self.median("ping", Kind::Redis, |o| o.aside) {
            let _ = writeln!(
                out,
                "\nA bare PING, as often as 500x4 has messages, takes Redis {ping:.1} us."
            );
        }
        out += "\n10,000 idle rooms of one:\n";
        self.rows(
            &mut out,
            "idle rooms",
            &[
                ("core used by the server", |o| o.server_load, 4),
                ("core used by Redis", |o| o.aside_load, 4),
                ("bytes a member", |o| o.memory, 0),
            ],
        );
        out += "\n## Growth\n\nThe same number of deliveries a second in more rooms (of two), or in one larger room.\n\n\
                | | CPU a delivery | over the floor | bytes a member |\n|---|---|---|---|\n";
        for scenario in crate::plan::GROWTH {
            let cpu = self.median(scenario.name, Kind::Parlor, |o| o.cpu);
            let over = self.ratio(scenario.name, Kind::Parlor, Kind::Floor, |o| o.cpu);
            let memory = self.median(scenario.name, Kind::Parlor, |o| o.memory);
            if let (Some(cpu), Some(over), Some(memory)) = (cpu, over, memory) {
                let _ =
                    writeln!(out, "| {} | {cpu:.2} us | {over:.2} | {memory:.0} |", scenario.name);
            }
        }
        out += "\n**Presence**: everybody comes into one room, one after the other\n\n| people | bytes on the wire, all in all | a pair of people |\n|---|---|---|\n";
        for (scenario, people) in [("presence 100", 100.0), ("presence 500", 500.0)] {
            if let Some(bytes) = self.median(scenario, Kind::Parlor, |o| o.join_bytes as f64) {
                let _ = writeln!(out, "| {people} | {bytes:.0} | {:.0} |", bytes / people / people);
            }
        }
        out
    }
}
