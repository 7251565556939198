//! What is measured, of which server, and in which order.

use std::{
    io::{self, Write},
    ops::Range,
    process::{Command, Stdio},
};

use serde::{Deserialize, Serialize};

use crate::{
    dialect::{Door, Text},
    job::{Crowd, Job, Outcome, Shape},
    kind::Kind,
    meter,
    server::Server,
};

/// One thing to measure.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub name: &'static str,
    pub shape: Shape,
    pub kinds: &'static [Kind],
}

/// One run of a scenario: a line of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    pub scenario: String,
    pub kind: Kind,
    pub run: usize,
    #[serde(flatten)]
    pub outcome: Outcome,
}

use Kind::{
    Centrifugo, CentrifugoRedis, CentrifugoTwoNodes, Floor, FloorBatching, Gorilla, Nchan, Parlor,
    ParlorFourNodes, ParlorRedis, ParlorThreeMasters, ParlorTwoNodes, SocketIo, Ws,
};

const ALL: &[Kind] = &[Floor, Parlor, Nchan, Centrifugo, Gorilla, Ws, SocketIo];
const FEW: &[Kind] = &[Floor, Parlor, Nchan, Centrifugo, Gorilla];
const FLOOD: &[Kind] = &[
    Floor,
    FloorBatching,
    Parlor,
    ParlorRedis,
    ParlorTwoNodes,
    Nchan,
    Centrifugo,
    CentrifugoRedis,
    CentrifugoTwoNodes,
    Gorilla,
    Ws,
    SocketIo,
];
const FEW_FLOOD: &[Kind] = &[Floor, FloorBatching, Parlor, Nchan, Centrifugo, Gorilla];
const REDIS: &[Kind] = &[
    Floor,
    Parlor,
    ParlorRedis,
    ParlorTwoNodes,
    Nchan,
    Centrifugo,
    CentrifugoRedis,
    CentrifugoTwoNodes,
    Gorilla,
    Ws,
    SocketIo,
];
const STREAMS: &[Kind] = &[Parlor, Nchan];
/// What Parlor's own figures are held to.
pub const OURS: &[Kind] = &[Floor, Parlor];

/// So many rooms of so many who read by sockets.
pub const fn crowd(rooms: usize, members: usize) -> Crowd {
    Crowd { rooms, members, door: Door::Socket, stalled: 0, restless: 0 }
}

const fn talk(crowd: Crowd, rate: f64, bytes: usize) -> Shape {
    Shape::Talk { crowd, rate, seconds: 3.0, text: Text::Plain(bytes) }
}

const fn flood(crowd: Crowd, window: u64) -> Shape {
    Shape::Flood { crowd, window, seconds: 3.0, text: Text::Plain(128) }
}

/// 50 rooms of 20 of whom some come and go, 4 messages a second of what people write.
const fn mixed(restless: usize) -> Shape {
    let crowd = Crowd { restless, ..crowd(50, 20) };
    Shape::Talk { crowd, rate: 4.0, seconds: 3.0, text: Text::Mixed(700) }
}

/// 20 at a time.
const fn churn(residents: usize) -> Shape {
    Shape::Churn { at_once: 20, residents, seconds: 3.0 }
}

/// Everything for the record, each of a few seconds.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "idle",
        shape: Shape::Idle { crowd: crowd(500, 10), seconds: 3.0 },
        kinds: ALL,
    },
    Scenario { name: "10x100", shape: talk(crowd(10, 100), 10.0, 128), kinds: REDIS },
    Scenario { name: "500x4", shape: talk(crowd(500, 4), 5.0, 128), kinds: REDIS },
    Scenario { name: "1x1000", shape: talk(crowd(1, 1000), 10.0, 128), kinds: ALL },
    Scenario { name: "mixed", shape: mixed(0), kinds: FEW },
    Scenario { name: "coming and going", shape: mixed(4), kinds: FEW },
    Scenario { name: "saturated", shape: flood(crowd(10, 100), 64), kinds: FLOOD },
    Scenario { name: "4 on their way", shape: flood(crowd(10, 100), 4), kinds: FEW_FLOOD },
    Scenario { name: "one by one", shape: flood(crowd(10, 100), 1), kinds: FLOOD },
    Scenario { name: "500x4 one by one", shape: flood(crowd(500, 4), 1), kinds: REDIS },
    Scenario { name: "churn", shape: churn(0), kinds: ALL },
    Scenario { name: "churn beside two", shape: churn(2), kinds: FEW },
    Scenario { name: "4000 B", shape: talk(crowd(10, 100), 5.0, 4000), kinds: ALL },
    // Few who hear much: a stalled one is to be behind by far more than a socket takes, also within a second.
    Scenario { name: "beside", shape: talk(crowd(5, 19), 100.0, 4000), kinds: STREAMS },
    Scenario {
        name: "stalled",
        shape: talk(Crowd { stalled: 1, ..crowd(5, 20) }, 100.0, 4000),
        kinds: STREAMS,
    },
    Scenario {
        name: "streams",
        shape: talk(Crowd { door: Door::Stream, ..crowd(10, 100) }, 10.0, 128),
        kinds: STREAMS,
    },
    Scenario {
        name: "polls",
        shape: talk(Crowd { door: Door::Poll, ..crowd(10, 100) }, 2.0, 128),
        kinds: &[Parlor],
    },
    Scenario {
        name: "idle streams",
        shape: Shape::Idle { crowd: Crowd { door: Door::Stream, ..crowd(300, 10) }, seconds: 3.0 },
        kinds: STREAMS,
    },
    Scenario {
        name: "idle rooms",
        shape: Shape::Idle { crowd: crowd(10_000, 1), seconds: 15.0 },
        kinds: &[Parlor, ParlorRedis],
    },
    // As 500x4, where it grows.
    Scenario {
        name: "nodes and masters",
        shape: talk(crowd(500, 4), 5.0, 128),
        kinds: &[ParlorRedis, ParlorTwoNodes, ParlorFourNodes, ParlorThreeMasters],
    },
    // As many as 500x4 has messages.
    Scenario {
        name: "ping",
        shape: Shape::Ask { rate: 2500.0, seconds: 3.0 },
        kinds: &[Kind::Redis],
    },
    Scenario {
        name: "presence 100",
        shape: Shape::Idle { crowd: crowd(1, 100), seconds: 0.1 },
        kinds: &[Parlor],
    },
    Scenario {
        name: "presence 500",
        shape: Shape::Idle { crowd: crowd(1, 500), seconds: 0.1 },
        kinds: &[Parlor],
    },
];

/// Growth: the same deliveries a second, in more rooms or in larger ones.
pub const GROWTH: &[Scenario] = &[
    Scenario { name: "100 rooms", shape: talk(crowd(100, 2), 25.0, 128), kinds: OURS },
    Scenario { name: "1000 rooms", shape: talk(crowd(1000, 2), 2.5, 128), kinds: OURS },
    // Not 10,000: with two files a room that is more than the 20,000 files that many machines allow a process.
    Scenario { name: "9000 rooms", shape: talk(crowd(9000, 2), 0.28, 128), kinds: OURS },
    Scenario { name: "10 members", shape: talk(crowd(1, 10), 500.0, 128), kinds: OURS },
    Scenario { name: "100 members", shape: talk(crowd(1, 100), 50.0, 128), kinds: OURS },
    Scenario { name: "500 members", shape: talk(crowd(1, 500), 10.0, 128), kinds: OURS },
    Scenario { name: "2000 members", shape: talk(crowd(1, 2000), 2.5, 128), kinds: OURS },
];

impl Scenario {
    /// Whether Parlor is held so close to the floor here that three runs do not tell.
    pub fn is_close(&self) -> bool {
        matches!(
            self.name,
            "10x100"
                | "500x4"
                | "1x1000"
                | "mixed"
                | "coming and going"
                | "churn"
                | "churn beside two"
        )
    }

    /// The same in a fraction of the time.
    pub fn shortened(mut self) -> Self {
        match &mut self.shape {
            Shape::Idle { seconds, .. } | Shape::Churn { seconds, .. } => {
                *seconds = seconds.min(0.5)
            }
            Shape::Talk { seconds, .. }
            | Shape::Flood { seconds, .. }
            | Shape::Ask { seconds, .. } => *seconds = seconds.min(1.0),
        }
        self
    }

    /// Starts a server and loads it.
    ///
    /// # Errors
    /// It does not start, or does not bear the load.
    pub fn measure(&self, kind: Kind, run: usize) -> io::Result<Line> {
        let cores = match meter::cores()[..] {
            [first, second, ..] => [first, second],
            // Shared, they still tell CPU time, but no delays.
            [only] => [only, only],
            [] => return Err(io::Error::other("no core")),
        };
        let server = Server::start(kind, cores)?;
        let (addresses, pids, aside) =
            (server.addresses.clone(), server.pids.clone(), server.aside.clone());
        let job = Job {
            addresses,
            dialect: kind.dialect(),
            pids,
            aside,
            redis: server.redis,
            shape: self.shape,
        };
        let job = serde_json::to_string(&job).map_err(io::Error::other)?;
        let mut load = Command::new("taskset");
        load.arg("-c").arg(cores[1].to_string());
        if server.redis.is_some() {
            // On the core of both, a Redis that waits for the load to sleep would be measured as slow.
            load.args(["nice", "-n", "10"]);
        }
        load.arg(std::env::current_exe()?).args(["load", &job]);
        let output = load.stdout(Stdio::piped()).spawn()?.wait_with_output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("{} under {}", kind.name(), self.name)));
        }
        let outcome = serde_json::from_slice(&output.stdout).map_err(io::Error::other)?;
        Ok(Line { scenario: self.name.to_owned(), kind, run, outcome })
    }
}

/// All `scenarios` once for each of `runs`, all servers by turns or `only` some, one line of JSON a run on standard output. What fails is
/// said and left out.
///
/// # Errors
/// Standard output is closed.
pub fn run(
    scenarios: &[Scenario],
    runs: Range<usize>,
    only: Option<&[Kind]>,
) -> io::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for run in runs {
        for scenario in scenarios {
            for kind in
                scenario.kinds.iter().filter(|kind| only.is_none_or(|only| only.contains(kind)))
            {
                // Once more: a median of fewer runs than were asked for is not what the page says.
                let again = |error: io::Error| {
                    eprintln!("once more: {} under {}: {error}", kind.name(), scenario.name);
                    scenario.measure(*kind, run)
                };
                match scenario.measure(*kind, run).or_else(again) {
                    Ok(line) => {
                        let mut out = io::stdout().lock();
                        serde_json::to_writer(&mut out, &line)?;
                        writeln!(out)?;
                        lines.push(line);
                    }
                    Err(error) => {
                        eprintln!("not measured: {} under {}: {error}", kind.name(), scenario.name)
                    }
                }
            }
        }
    }
    Ok(lines)
}
