//! `docs/benchmarks.md`, but for what is held to a target.

use std::fmt::Write;

use crate::{
    facts::Facts,
    kind::Kind,
    plan,
    table::{Figure, Table},
};

/// A column of a table: its head, what stands there, and how many digits of it.
#[derive(Clone, Copy)]
enum Column {
    /// The median.
    Median(&'static str, Figure, usize),
    /// The median and between what the runs lie.
    Spread(&'static str, Figure, usize),
    /// The same of the ratios to the floor.
    OverFloor(&'static str, Figure),
    /// What did not reach every member once and in order.
    Faults,
}

use Column::{Faults, Median, OverFloor, Spread};

impl Column {
    fn head(&self) -> &str {
        match self {
            Median(head, ..) | Spread(head, ..) | OverFloor(head, _) => head,
            Faults => "lost, doubled, out of order",
        }
    }

    fn cell(&self, table: &Table<'_>, scenario: &str, kind: Kind) -> String {
        let cell = match *self {
            Median(_, figure, digits) => {
                table.median(scenario, kind, figure).map(|value| format!("{value:.digits$}"))
            }
            Spread(_, figure, digits) => {
                table.figure(scenario, kind, figure).map(|spread| spread.cell(digits))
            }
            OverFloor(_, figure) => {
                table.ratio(scenario, kind, Kind::Floor, figure).map(|spread| spread.cell(2))
            }
            Faults => Some(match table.faults(scenario, kind) {
                [0, 0, 0] => "none".to_owned(),
                [lost, doubled, disordered] => format!("{lost}, {doubled}, {disordered}"),
            }),
        };
        cell.unwrap_or_default()
    }
}

const TALK: &[Column] = &[
    Median("CPU a member-message, us", |o| o.cpu, 2),
    OverFloor("over the floor", |o| o.cpu),
    Median("p50, us", |o| o.p50, 0),
    Median("p99, us", |o| o.p99, 0),
    Faults,
];
const FLOOD: &[Column] = &[
    Spread("deliveries/s", |o| o.rate, 0),
    OverFloor("over the floor", |o| o.rate),
    Median("CPU a member-message, us", |o| o.cpu, 2),
    Median("core used by the server", |o| o.server_load, 2),
    Median("core used by the load", |o| o.own_load, 2),
    Faults,
];
const CHURN: &[Column] = &[
    Median("CPU a join with its leave, us", |o| o.cpu, 1),
    OverFloor("over the floor", |o| o.cpu),
    Median("a second", |o| o.rate, 0),
];
const IDLE: &[Column] = &[
    Spread("bytes a member", |o| o.memory, 0),
    Median("joins/s", |o| o.join_rate, 0),
    Median("core used while idle", |o| o.server_load, 4),
];

/// A row a server, if the scenario was measured; its title goes before it.
fn rows(table: &Table<'_>, out: &mut String, title: &str, scenario: &str, columns: &[Column]) {
    let kinds = table.kinds(scenario);
    if kinds.is_empty() {
        return;
    }
    // Where there is no floor, nothing is over it.
    let columns: Vec<&Column> = columns
        .iter()
        .filter(|column| !matches!(column, OverFloor(..)) || kinds.contains(&Kind::Floor))
        .collect();
    let heads: Vec<&str> = columns.iter().map(|column| column.head()).collect();
    let _ = writeln!(
        out,
        "\n{title}\n\n| server | {} |\n|---|{}",
        heads.join(" | "),
        "---|".repeat(columns.len())
    );
    for kind in kinds {
        let cells: Vec<String> =
            columns.iter().map(|column| column.cell(table, scenario, kind)).collect();
        let _ = writeln!(out, "| {} | {} |", kind.name(), cells.join(" | "));
    }
}

/// All of it.
pub fn page(table: &Table<'_>) -> String {
    let Facts { cores, memory, runs, binary, start, autogroups } = &table.facts;
    let autogroups = if *autogroups { "1 on this machine" } else { "not 1 on this machine" };
    let mut out = format!(
        "# What Parlor costs\n\n\
         Made by `make bench`: each server alone on one core, the load on the other, all over the loopback, on a machine of {cores} cores and \
         {memory} GiB. Medians of {least} runs or more (of Parlor and the floor, where a target is a ratio between them, {runs}). In brackets: \
         the least and the greatest of them. The servers take turns within a run, and a ratio is between figures of the same run.\n\n\
         *Floor*: one thread, one epoll, which copies what is said into a prebuilt frame of the size of Parlor's and writes it to every member \
         with one write(2) each; it checks, numbers and keeps nothing. *Member-message*: one message for one member of its room, so that a \
         message to a room of 20 is 20 of them; CPU a member-message is the server's CPU / (messages x members), and the sender's `ack` or own \
         copy is its delivery. *CPU*: user and system time of the server, the kernel's work on its behalf included. *p50*, *p99*: from the \
         moment a message was due, whether or not it could be sent then, until a member has it. Every message is numbered, and every member \
         checks that it hears each once and in order.\n\n\
         The peers' programs and settings are in `benches/peers`:\n\n\
         - Nchan passes on what it is given, and keeps 200 messages for 30 minutes as Parlor does. A new member gets none of them here, and \
         members are not told of each other.\n\
         - Centrifugo numbers messages and keeps as many; members come with what is kept, and joins and leaves are pushed to all in the room, \
         as Parlor does. It does not send the list of members.\n\
         - The gorilla hub is the chat example of gorilla/websocket with a hub a room: it keeps nothing, numbers nothing, acknowledges nothing.\n\
         - `ws` and socket.io do not either.\n\
         - uWebSockets is not here: its authors publish it, and `uWebSockets.js`, on GitHub only and in no package manager. Where a target was set by it, its figures \
         over Nchan's, measured once on another occasion, stand for it: see the targets.\n\n\
         *Who goes first on a core*: Redis shares the core of the load, which runs under `nice -n 10` then. Linux groups processes by login session \
         if `/proc/sys/kernel/sched_autogroup_enabled` is 1 (it is {autogroups}): `nice` then counts only between processes of one session. \
         All processes of a measurement are of one. What runs in another session shares a core with all of them as one with one, whatever its `nice`.\n\n\
         ![CPU a member-message over the floor's, and growth](../assets/benchmarks.svg)\n\n## Talk\n",
        least = least_runs(table),
    );
    let talk = |out: &mut String, title: &str, scenario| rows(table, out, title, scenario, TALK);
    talk(&mut out, "**10 rooms of 100, each 10 messages a second of 128 bytes**", "10x100");
    talk(&mut out, "**500 rooms of 4, each 5 messages a second**", "500x4");
    talk(&mut out, "**1 room of 1,000, 10 messages a second**", "1x1000");
    talk(&mut out, "**10 rooms of 100, each 5 messages a second of 4,000 bytes**", "4000 B");
    talk(
        &mut out,
        "**50 rooms of 20, each 4 messages a second of 700 bytes of Cyrillic, emoji and what JSON escapes**",
        "mixed",
    );
    talk(
        &mut out,
        "**The same while a fifth comes and goes**: four of each room leave every eight seconds and come back at once. The CPU of that is included; the \
         delays are those of the others.",
        "coming and going",
    );
    let flood = |out: &mut String, title: &str, scenario| rows(table, out, title, scenario, FLOOD);
    flood(
        &mut out,
        "**As much as goes**: 10 rooms of 100, in each up to 64 messages on their way, which one speaker sends 32 or more at a time. A server \
         that hands out together what came together can gain by that, as one of the floors does.",
        "saturated",
    );
    flood(
        &mut out,
        "**As much as goes, 4 on their way**: the same, sent two or more at a time",
        "4 on their way",
    );
    flood(
        &mut out,
        "**As much as goes, one by one**: the same, but each speaker waits for the `ack` or own copy of a message before saying the next",
        "one by one",
    );
    flood(&mut out, "**As much as goes, one by one, in 500 rooms of 4**", "500x4 one by one");
    out += "\n## Coming, going, sitting there\n";
    rows(
        table,
        &mut out,
        "**Join and leave**, 20 people at a time, each in a room of their own",
        "churn",
        CHURN,
    );
    let told: &[Column] = &[Median("bytes a join makes the two hear", |o| o.told, 0)];
    let columns: Vec<Column> = CHURN.iter().chain(told).copied().collect();
    rows(
        table,
        &mut out,
        "**Join and leave, into rooms of two**: the two are there all the time, and hear of it if the server tells them",
        "churn beside two",
        &columns,
    );
    rows(
        table,
        &mut out,
        "**Idle**: 5,000 people in 500 rooms; memory is what no file stands behind",
        "idle",
        IDLE,
    );
    rows(
        table,
        &mut out,
        "**Idle, Server-Sent Events**: 3,000 people in 300 rooms",
        "idle streams",
        IDLE,
    );
    let _ = writeln!(
        out,
        "\nThe program is {:.1} MB and answers its first request {start:.0} ms after it is started.",
        *binary as f64 / 1e6
    );
    out += "\n## Other doors\n";
    talk(
        &mut out,
        "**Server-Sent Events: as the first table, but all except who speaks read streams**",
        "streams",
    );
    talk(
        &mut out,
        "**Long polls: 10 rooms of 100, each 2 messages a second; a delivery is a request**",
        "polls",
    );
    stalled(table, &mut out);
    redis(table, &mut out);
    growth(table, &mut out);
    out
}

/// Of any case, the fewest.
fn least_runs(table: &Table<'_>) -> usize {
    let count = |scenario: &str, kind| {
        table.lines.iter().filter(|line| line.scenario == scenario && line.kind == kind).count()
    };
    table.lines.iter().map(|line| count(&line.scenario, line.kind)).min().unwrap_or(0)
}

fn stalled(table: &Table<'_>, out: &mut String) {
    *out += "\n## A reader that stalls\n";
    let title = "**5 rooms of 19, each 100 messages a second of 4,000 bytes**";
    rows(table, out, title, "beside", TALK);
    rows(
        table,
        out,
        "**The same, and one more in each room who reads nothing; CPU and delays are those of the others**",
        "stalled",
        TALK,
    );
    rows(
        table,
        out,
        "Afterwards the load reads what is left for those who stalled, until the end. *Sent away*: the last of it was `too_slow`, so that the \
         socket was full and Parlor's queue behind it as well. *Dropped*: the server had closed without that word. *Kept*: it had not, and what \
         was missing then counts as lost.",
        "stalled",
        &[
            Median("stalled", |o| o.stalled as f64, 0),
            Median("sent away", |o| o.sent_away as f64, 0),
            Median("dropped", |o| o.dropped as f64, 0),
            Median("kept", |o| (o.stalled - o.sent_away - o.dropped) as f64, 0),
        ],
    );
}

fn redis(table: &Table<'_>, out: &mut String) {
    *out += "\n## Redis\n\nRedis runs beside the load. With two nodes, both share the server's core, people are spread over both, and delays are \
             those from one node to the other. The scenarios are those of the tables above; *saturated* is as much as goes with 64 on their way, \
             *one by one* as much as goes in 10 rooms of 100. *In a script*: of that CPU, the time of one call by Redis's own count \
             (`INFO commandstats`); the rest goes into waking up, reading and writing.\n\n\
             | scenario | server | messages/s | p50, us | Redis CPU a message, us | in a script, us | core used by Redis |\n|---|---|---|---|---|---|---|\n";
    for scenario in ["10x100", "500x4", "saturated", "one by one", "500x4 one by one"] {
        for kind in table.kinds(scenario).into_iter().filter(|kind| kind.is_shared()) {
            let cells = [
                Median("", |o| o.messages as f64 / o.seconds, 0),
                Spread("", |o| o.p50, 0),
                Spread("", |o| o.aside, 1),
                Median("", |o| o.script, 1),
                Median("", |o| o.aside_load, 3),
            ]
            .map(|column| column.cell(table, scenario, kind));
            let _ = writeln!(out, "| {scenario} | {} | {} |", kind.name(), cells.join(" | "));
        }
    }
    if let Some(ping) = table.median("ping", Kind::Redis, |o| o.aside) {
        let _ = writeln!(
            out,
            "\nA bare PING, as often as 500x4 has messages, takes Redis {ping:.1} us."
        );
    }
    rows(
        table,
        out,
        "10,000 idle rooms of one:",
        "idle rooms",
        &[
            Spread("core used by the server", |o| o.server_load, 4),
            Spread("core used by Redis", |o| o.aside_load, 4),
            Median("bytes a member", |o| o.memory, 0),
        ],
    );
}

fn growth(table: &Table<'_>, out: &mut String) {
    *out += "\n## Growth\n\nThe same number of deliveries a second in more rooms (of two), or in one larger room.\n\n\
             | | CPU a member-message, us | over the floor | bytes a member |\n|---|---|---|---|\n";
    for scenario in plan::GROWTH {
        let columns = [TALK[0], TALK[1], Median("", |o| o.memory, 0)];
        if table.kinds(scenario.name).contains(&Kind::Parlor) {
            let cells = columns.map(|column| column.cell(table, scenario.name, Kind::Parlor));
            let _ = writeln!(out, "| {} | {} |", scenario.name, cells.join(" | "));
        }
    }
    rows(
        table,
        out,
        "**More nodes, more masters**: 500 rooms of 4, each 5 messages a second. All nodes share the server's core, all masters that of the load",
        "nodes and masters",
        &[
            Spread("CPU of all nodes a member-message, us", |o| o.cpu, 2),
            Spread("CPU of all masters a message, us", |o| o.aside, 1),
            Median("p50, us", |o| o.p50, 0),
            Faults,
        ],
    );
    *out += "\n**Presence**: everybody comes into one room, one after the other\n\n| people | bytes on the wire, all in all | a pair of people |\n|---|---|---|\n";
    for (scenario, people) in [("presence 100", 100.0), ("presence 500", 500.0)] {
        if let Some(bytes) = table.median(scenario, Kind::Parlor, |o| o.join_bytes as f64) {
            let _ = writeln!(out, "| {people} | {bytes:.0} | {:.0} |", bytes / people / people);
        }
    }
}
