//! What the generator is told to do, and what it tells afterwards: one line of JSON each.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::dialect::{Dialect, Door, Text};

/// What to do, and to which connections.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The nodes; people are spread over them by turns, the first of a room speaks.
    pub addresses: Vec<SocketAddr>,
    pub dialect: Dialect,
    /// The server's processes.
    pub pids: Vec<u32>,
    /// What serves the server: Redis.
    pub aside: Vec<u32>,
    /// Where it listens.
    pub redis: Option<SocketAddr>,
    pub shape: Shape,
}

/// Who is there.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Crowd {
    pub rooms: usize,
    /// In each room.
    pub members: usize,
    /// How all but the first of a room read.
    pub door: Door,
    /// So many of each room come in and then read nothing.
    pub stalled: usize,
    /// So many of each room come and go, again and again; the last ones.
    pub restless: usize,
}

/// What people do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Shape {
    /// They come in and sit there for so many seconds.
    Idle { crowd: Crowd, seconds: f64 },
    /// One in each room says `rate` messages a second, whatever happens.
    Talk { crowd: Crowd, rate: f64, seconds: f64, text: Text },
    /// One in each room has always up to `window` messages on their way.
    Flood { crowd: Crowd, window: u64, seconds: f64, text: Text },
    /// So many at a time each come into a room of their own and leave it. In each of these rooms sit so many `residents`.
    Churn { at_once: usize, residents: usize, seconds: f64 },
    /// A Redis is asked for a sign of life, `rate` times a second.
    Ask { rate: f64, seconds: f64 },
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// Messages that reached a member, or joins with their leaves.
    pub deliveries: u64,
    pub messages: u64,
    pub lost: u64,
    pub doubled: u64,
    pub disordered: u64,
    pub seconds: f64,
    /// Deliveries a second.
    pub rate: f64,
    /// CPU time of the server a member-message, or a join with its leave, in microseconds.
    pub cpu: f64,
    /// CPU time of what serves the server a message, in microseconds.
    pub aside: f64,
    /// Time that Redis says it spent in a script, in microseconds a call.
    pub script: f64,
    /// Share of a core that the server used, and the generator, and what serves the server.
    pub server_load: f64,
    pub own_load: f64,
    pub aside_load: f64,
    /// From due to heard, in microseconds.
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
    /// Bytes of the server's memory a link.
    pub memory: f64,
    /// Links that came in, and how many a second.
    pub joins: u64,
    pub join_rate: f64,
    /// Bytes that came over the wire while people came in.
    pub join_bytes: u64,
    /// Joins of members who came and went beside the talk.
    pub comings: u64,
    /// Bytes that a join with its leave made the residents hear.
    pub told: f64,
    /// Links that the server closed.
    pub closed: u64,
    /// Readers who stalled; how many of them the server had told that they are too slow, and how many it had closed without
    /// a word. The others were still to hear everything, and count as the rest do if they did not.
    pub stalled: u64,
    pub sent_away: u64,
    pub dropped: u64,
}
