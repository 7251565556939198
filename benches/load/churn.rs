//! People who come into a room of their own and leave it, again and again.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use crate::{
    dialect::Door,
    job::Outcome,
    link::{Link, Phase, WelcomeParams},
    load::{Load, WARMING},
    masked::GOODBYE,
};

impl Load {
    /// `at_once` people for so many seconds. A delivery is a join with its leave.
    ///
    /// # Errors
    /// The kernel's, or that the server does not let in or out.
    pub fn churn(mut self, at_once: usize, seconds: f64) -> io::Result<Outcome> {
        self.come_and_go(at_once, seconds * WARMING)?;
        let start = self.look()?;
        self.delivered = self.come_and_go(at_once, seconds)?;
        self.closed = 0;
        Ok(self.outcome(start, self.look()?))
    }

    /// Returns how often a member came and went.
    fn come_and_go(&mut self, at_once: usize, seconds: f64) -> io::Result<u64> {
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        self.links.clear();
        for room in 0..at_once {
            let link = self.newcomer(room)?;
            self.hear(&link, room)?;
            self.links.push(link);
        }
        let (mut inside, mut stays) = (at_once, 0);
        while inside > 0 {
            self.changed.clear();
            if !self.turn(Duration::from_secs(5))? {
                return Err(io::Error::other("somebody is not let in or out"));
            }
            for index in std::mem::take(&mut self.changed) {
                match self.links[index].phase {
                    Phase::Opening => {}
                    Phase::Ready => (&self.links[index].socket).write_all(GOODBYE)?,
                    Phase::Closed => {
                        stays += 1;
                        if Instant::now() < until {
                            let link = self.newcomer(index)?;
                            self.hear(&link, index)?;
                            self.links[index] = link;
                        } else {
                            inside -= 1;
                        }
                    }
                }
            }
        }
        Ok(stays)
    }

    fn newcomer(&self, room: usize) -> io::Result<Link> {
        let (address, dialect) = (self.job.addresses[0], self.job.dialect);
        let name = format!("load-{room}");
        Link::open(WelcomeParams {
            address,
            dialect,
            door: Door::Socket,
            name: &name,
            room,
            speaks: false,
            afar: false,
            stalls: false,
        })
    }
}
