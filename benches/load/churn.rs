//! People who come into a room and leave it, again and again.

use std::{
    io,
    time::{Duration, Instant},
};

use crate::{
    dialect::Door,
    job::Outcome,
    link::{Link, Phase, WelcomeParams},
    load::{Load, WARMING},
};

impl Load {
    /// `at_once` people for so many seconds, each in a room where `residents` sit. A delivery is a join with its leave.
    ///
    /// # Errors
    /// The kernel's, or that the server does not let in or out.
    pub fn churn(mut self, at_once: usize, residents: usize, seconds: f64) -> io::Result<Outcome> {
        for index in 0..at_once * (1 + residents) {
            let link = self.newcomer(index % at_once)?;
            self.hear(&link, index)?;
            self.links.push(link);
        }
        self.come_and_go(at_once, seconds * WARMING)?;
        let told = |load: &Self| load.links[at_once..].iter().map(|link| link.heard).sum::<u64>();
        let (start, before) = (self.look()?, told(&self));
        for index in 0..at_once {
            self.open_again(index)?;
        }
        self.delivered = self.come_and_go(at_once, seconds)?;
        (self.closed, self.said) = (0, Vec::new());
        let outcome = self.outcome(start, self.look()?);
        let told = (told(&self) - before) as f64 / self.delivered.max(1) as f64;
        Ok(Outcome { told, ..outcome })
    }

    /// Returns how often a member came and went.
    fn come_and_go(&mut self, at_once: usize, seconds: f64) -> io::Result<u64> {
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        let (mut inside, mut stays) = (at_once, 0);
        while inside > 0 {
            self.changed.clear();
            if !self.turn(Duration::from_secs(5))? {
                return Err(io::Error::other("somebody is not let in or out"));
            }
            for index in std::mem::take(&mut self.changed) {
                // Residents stay.
                if index >= at_once {
                    continue;
                }
                match self.links[index].phase {
                    Phase::Opening | Phase::Leaving => {}
                    Phase::Ready => self.links[index].leave()?,
                    Phase::Closed => {
                        stays += 1;
                        if Instant::now() < until {
                            self.open_again(index)?;
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
        Link::open(WelcomeParams {
            address: self.job.addresses[0],
            dialect: self.job.dialect,
            door: Door::Socket,
            room,
            speaks: false,
            afar: false,
            stalls: false,
            restless: false,
        })
    }
}
