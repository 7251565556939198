//! A node ends, and its people go where they are told.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    crowd::Crowd,
    node::Server,
    tally::{Tally, seconds},
};

/// How long a move may take before it has failed.
const LIMIT: Duration = Duration::from_secs(90);

/// Between the end of a process and its next start, as systemd has it (RestartSec).
const PAUSE: Duration = Duration::from_millis(100);

/// How a move went.
pub struct Move {
    /// Until so many were back, if they were.
    pub most: Option<Duration>,
    pub all: Option<Duration>,
    /// Until the process had ended.
    pub ended: Option<Duration>,
    /// Those who needed a single try.
    pub at_once: usize,
    pub people: usize,
    pub tally: Tally,
}

impl Move {
    /// The share of the first moment.
    pub const MOST: f64 = 0.95;

    /// The node is asked to stop; its people go to `door`, where another node is or where the same is started again.
    ///
    /// # Errors
    /// The kernel's, or that the node does not start.
    pub fn of(crowd: &mut Crowd, node: &mut Server, door: SocketAddr) -> io::Result<Self> {
        let again = door == node.address();
        crowd.doors = vec![door];
        crowd.recount();
        let people = crowd.members.len();
        let mut told = Self {
            most: None,
            all: None,
            ended: None,
            at_once: 0,
            people,
            tally: Tally::default(),
        };
        let began = Instant::now();
        node.signal(Signal::TERM);
        let mut started = !again;
        crowd.until(LIMIT, |crowd| {
            let now = began.elapsed();
            if told.ended.is_none() && node.ended()? {
                told.ended = Some(now);
            }
            if !started && told.ended.is_some_and(|ended| now > ended + PAUSE) {
                started = true;
                node.spawn()?;
            }
            let back = crowd.tally.welcomes as usize;
            if told.most.is_none() && back as f64 >= people as f64 * Self::MOST {
                told.most = Some(now);
            }
            if told.all.is_none() && back >= people {
                told.all = Some(now);
            }
            Ok(told.all.is_some() && told.ended.is_some())
        })?;
        // Whatever the others are told of it, they have been told by then.
        crowd.rest(Duration::from_secs(1))?;
        told.at_once = crowd.members.iter().filter(|member| member.came == 1).count();
        told.tally = crowd.recount();
        Ok(told)
    }

    /// Every member is who they were.
    pub fn is_whole(&self) -> bool {
        self.all.is_some() && self.tally.resumed == self.people as u64 && self.tally.reset == 0
    }

    /// What there is to say of it.
    pub fn told(&self) -> String {
        let moment = |moment: Option<Duration>| moment.map_or("not".to_owned(), seconds);
        format!("95 % after {}, all after {}; {}", moment(self.most), moment(self.all), self.tally)
    }
}
