//! Nodes are restarted one after the other while people talk.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{crowd::Crowd, node::Server, tally::Tally};

/// Sizes of rooms and how many there are of each: 6,000 people.
const MIX: [(u32, usize); 5] = [(500, 4), (100, 10), (20, 60), (8, 150), (2, 300)];

/// How often a member in each room says something.
const PACE: Duration = Duration::from_secs(2);

/// How long one node may take to end, or to serve all again.
const LIMIT: Duration = Duration::from_secs(90);

/// How it went.
pub struct Rolling {
    pub said: u64,
    /// Entries that the rooms have, beyond or below what was said.
    pub amiss: u64,
    /// Nodes whose people did not all come back, or where words waited for their acks in vain.
    pub stuck: Vec<String>,
    pub took: Duration,
    pub tally: Tally,
}

/// The rooms of [`MIX`].
pub fn mixed() -> impl Iterator<Item = u32> {
    MIX.into_iter().flat_map(|(size, rooms)| std::iter::repeat_n(size, rooms))
}

/// Who speaks next: a member of each room in turn, so that within [`PACE`] all rooms have been heard.
struct Talk {
    began: Instant,
    turns: usize,
    /// The first member of each room.
    firsts: Vec<usize>,
}

impl Talk {
    fn new(crowd: &Crowd) -> Self {
        let firsts = crowd
            .sizes
            .iter()
            .scan(0, |first, size| Some(std::mem::replace(first, *first + *size as usize)));
        Self { began: Instant::now(), turns: 0, firsts: firsts.collect() }
    }

    /// Goes on until `done` says so, or until `limit` is over: then false.
    fn until(
        &mut self,
        crowd: &mut Crowd,
        limit: Duration,
        mut done: impl FnMut(&Crowd) -> io::Result<bool>,
    ) -> io::Result<bool> {
        crowd.until(limit, |crowd| {
            self.go_on(crowd);
            done(crowd)
        })
    }

    fn go_on(&mut self, crowd: &mut Crowd) {
        let rooms = self.firsts.len();
        let due = (self.began.elapsed().as_secs_f64() / PACE.as_secs_f64() * rooms as f64) as usize;
        for turn in self.turns..due {
            let room = turn % rooms;
            crowd.publish(self.firsts[room] + fastrand::usize(..crowd.sizes[room] as usize));
        }
        self.turns = due;
    }
}

impl Rolling {
    /// Each node is asked to stop and started again. New connections go to the others, as those of a proxy would.
    ///
    /// # Errors
    /// The kernel's, or that a node does not start.
    pub fn of(crowd: &mut Crowd, nodes: &mut [Server]) -> io::Result<Self> {
        let addresses: Vec<SocketAddr> = nodes.iter().map(Server::address).collect();
        let (all, began, mut talk, mut stuck) =
            (crowd.members.len(), Instant::now(), Talk::new(crowd), Vec::new());
        crowd.recount();
        talk.until(crowd, PACE * 2, |_| Ok(false))?;
        for (number, node) in nodes.iter_mut().enumerate() {
            crowd.doors =
                addresses.iter().copied().filter(|address| *address != node.address()).collect();
            node.signal(Signal::TERM);
            let mut ended = false;
            let moved = talk.until(crowd, LIMIT, |crowd| {
                ended = ended || node.ended()?;
                Ok(ended && crowd.inside() == all)
            })?;
            if !moved {
                stuck.push(format!(
                    "node {number}: ended {ended}, {} of {all} are inside",
                    crowd.inside()
                ));
            }
            node.spawn()?;
            talk.until(crowd, LIMIT, |_| Ok(node.is_ready()))?;
            crowd.doors.clone_from(&addresses);
            talk.until(crowd, PACE * 2, |_| Ok(false))?;
        }
        let took = began.elapsed();
        let quiet = |crowd: &mut Crowd| Ok(crowd.members.iter().all(|member| !member.pending));
        if !crowd.until(LIMIT, quiet)? {
            stuck.push(format!(
                "{} wait for an ack",
                crowd.members.iter().filter(|member| member.pending).count()
            ));
        }
        crowd.rest(Duration::from_secs(2))?;
        let (said, amiss) = Self::compare(crowd);
        Ok(Self { said, amiss, stuck, took, tally: crowd.recount() })
    }

    /// What all have said, and by how many entries what each member knows differs from it.
    fn compare(crowd: &Crowd) -> (u64, u64) {
        let mut said = vec![0; crowd.sizes.len()];
        for member in &crowd.members {
            said[member.room as usize] += member.said;
        }
        let amiss = crowd
            .members
            .iter()
            .map(|member| member.seq.abs_diff(said[member.room as usize]))
            .sum();
        (said.iter().sum(), amiss)
    }

    /// Promises that were broken.
    pub fn broken(&self) -> Vec<String> {
        let Self { amiss, stuck, tally, .. } = self;
        let counts = [
            (tally.skipped, "entries lost"),
            (tally.doubled, "entries heard twice"),
            (*amiss, "entries too many or too few"),
            (tally.reset, "resets"),
            (tally.welcomes - tally.resumed.min(tally.welcomes), "came back as strangers"),
            (tally.left, "`left`"),
            (tally.joined, "`joined`"),
            (tally.fewer, "counts below the room's"),
        ];
        let broken = counts
            .into_iter()
            .filter(|(times, _)| *times > 0)
            .map(|(times, what)| format!("{times} {what}"));
        broken.chain(stuck.iter().cloned()).collect()
    }
}
