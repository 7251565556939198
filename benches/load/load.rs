//! The load: people come in, say what is due, and check all that they hear. One
//! thread, one epoll, frames made beforehand.

use std::{
    io,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use rustix::event::{Timespec, epoll};

use crate::{
    dialect::Door,
    job::{Crowd, Job, Outcome, Shape},
    link::{End, Heard, Link, Phase, WelcomeParams},
    mark::{Ear, Faults, Mark},
    meter::{Usage, scripts_run},
};

/// How many may be on their way in at a time.
const OPENING: usize = 32;

/// What share of the measured time is spent warming up before it: programs that are compiled as they run need it.
pub const WARMING: f64 = 0.25;

/// Nothing has come for so long: nothing more will.
pub const SILENCE: Duration = Duration::from_secs(5);

/// The generator.
pub struct Load {
    pub job: Job,
    epoll: rustix::fd::OwnedFd,
    events: Vec<epoll::Event>,
    pub links: Vec<Link>,
    buffer: Vec<u8>,
    ear: Ear,
    pub began: Instant,
    pub faults: Faults,
    delays: Histogram<u64>,
    pub delivered: u64,
    read: u64,
    pub closed: u64,
    /// Joins of the restless.
    pub comings: u64,
    /// By room: messages said.
    pub said: Vec<u64>,
    /// Messages of the warming up.
    pub unmeasured: u64,
    /// By room: messages that their speaker knows to be said.
    pub acked: Vec<u64>,
    /// Rooms whose speaker has heard something.
    pub news: Vec<usize>,
    pub changed: Vec<usize>,
}

/// What the processes had used at a moment.
#[derive(Clone, Copy)]
pub struct Look {
    at: Instant,
    server: Usage,
    aside: Usage,
    own: Usage,
}

impl Load {
    /// No member is there yet.
    ///
    /// # Errors
    /// The kernel's.
    pub fn new(job: Job) -> io::Result<Self> {
        // Timers are to be on time: the slack would count as the server's delay.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        Ok(Self {
            job,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(1024),
            links: Vec::new(),
            buffer: vec![0; 1 << 20],
            ear: Ear::new(),
            began: Instant::now(),
            faults: Faults::default(),
            delays: Histogram::new_with_bounds(100, 60_000_000_000, 3).map_err(io::Error::other)?,
            delivered: 0,
            read: 0,
            closed: 0,
            comings: 0,
            said: Vec::new(),
            unmeasured: 0,
            acked: Vec::new(),
            news: Vec::new(),
            changed: Vec::new(),
        })
    }

    /// Does it.
    ///
    /// # Errors
    /// The kernel's, or that the server does not play along.
    pub fn run(mut self) -> io::Result<Outcome> {
        let before = self.look()?;
        let (crowd, seconds) = match self.job.shape {
            Shape::Churn { at_once, residents, seconds } => {
                return self.churn(at_once, residents, seconds);
            }
            Shape::Ask { rate, seconds } => return self.ask(rate, seconds),
            Shape::Idle { crowd, seconds }
            | Shape::Talk { crowd, seconds, .. }
            | Shape::Flood { crowd, seconds, .. } => (crowd, seconds),
        };
        let joining = self.gather(crowd)?;
        let (join_bytes, settled) = (self.read, self.look()?);
        self.act(crowd, seconds * WARMING)?;
        self.forget();
        let scripts = |load: &Self| load.job.redis.map(scripts_run).transpose();
        let before_that = scripts(&self)?;
        let start = self.look()?;
        self.act(crowd, seconds)?;
        let end = self.look()?;
        let script = before_that
            .zip(scripts(&self)?)
            .map_or(0.0, |(from, to)| (to.1 - from.1) / (to.0 - from.0).max(1.0));
        let joins = self.links.len() as u64;
        let lost = |link: &Link| {
            if link.restless { link.tally.gaps() } else { link.tally.lost(self.said[link.room]) }
        };
        self.faults.lost += self.links.iter().filter(|link| !link.stalls).map(lost).sum::<u64>();
        let [sent_away, dropped, kept] = self.wake()?;
        let outcome = self.outcome(start, end);
        self.links.iter().for_each(Link::cut);
        Ok(Outcome {
            memory: settled.server.memory.saturating_sub(before.server.memory) as f64
                / joins.max(1) as f64,
            joins,
            join_rate: joins as f64 / joining.as_secs_f64(),
            join_bytes,
            script,
            stalled: sent_away + dropped + kept,
            sent_away,
            dropped,
            ..outcome
        })
    }

    fn act(&mut self, crowd: Crowd, seconds: f64) -> io::Result<()> {
        match self.job.shape {
            Shape::Talk { rate, text, .. } => self.talk(crowd, rate, seconds, text),
            Shape::Flood { window, text, .. } => self.flood(crowd, window, seconds, text),
            _ => {
                let until = Instant::now() + Duration::from_secs_f64(seconds);
                while Instant::now() < until {
                    self.turn(until - Instant::now())?;
                }
                Ok(())
            }
        }
    }

    /// What has come so far was to warm up.
    pub fn forget(&mut self) {
        (self.delivered, self.comings) = (0, 0);
        self.delays.reset();
        self.unmeasured = self.said.iter().sum();
    }

    /// What came of it between two looks.
    pub fn outcome(&self, start: Look, end: Look) -> Outcome {
        let seconds = (end.at - start.at).as_secs_f64();
        let micros = |from: Usage, to: Usage| to.cpu.saturating_sub(from.cpu).as_secs_f64() * 1e6;
        let (server, aside, own) = (
            micros(start.server, end.server),
            micros(start.aside, end.aside),
            micros(start.own, end.own),
        );
        let messages = self.said.iter().sum::<u64>() - self.unmeasured;
        // Member-messages where there is talk; else what was done, such as joins.
        let shares = match self.job.shape {
            Shape::Talk { crowd, .. } | Shape::Flood { crowd, .. } => {
                messages * (crowd.members - crowd.stalled) as u64
            }
            _ => self.delivered,
        };
        let per = |sum: f64, count: u64| if count == 0 { 0.0 } else { sum / count as f64 };
        let delay = |quantile| self.delays.value_at_quantile(quantile) as f64 / 1e3;
        Outcome {
            deliveries: self.delivered,
            messages,
            lost: self.faults.lost,
            doubled: self.faults.doubled,
            disordered: self.faults.disordered,
            seconds,
            rate: self.delivered as f64 / seconds,
            cpu: per(server, shares),
            aside: per(aside, messages),
            server_load: server / 1e6 / seconds,
            own_load: own / 1e6 / seconds,
            aside_load: aside / 1e6 / seconds,
            p50: delay(0.5),
            p99: delay(0.99),
            max: self.delays.max() as f64 / 1e3,
            comings: self.comings,
            closed: self.closed,
            ..Outcome::default()
        }
    }

    /// Since this began.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// So much was said and heard, past the links.
    pub fn count(&mut self, messages: u64) {
        (self.said, self.delivered) = (vec![messages], messages);
    }

    /// What the processes have used by now.
    pub fn look(&self) -> io::Result<Look> {
        Ok(Look {
            at: Instant::now(),
            server: Usage::of(&self.job.pids)?,
            aside: Usage::of(&self.job.aside)?,
            own: Usage::of(&[std::process::id()])?,
        })
    }

    /// Lets every member in. Returns how long that took.
    fn gather(&mut self, crowd: Crowd) -> io::Result<Duration> {
        let Crowd { rooms, members, door, stalled, restless } = crowd;
        (self.said, self.acked) = (vec![0; rooms], vec![0; rooms]);
        let (start, mut opening) = (Instant::now(), 0);
        for i in 0..rooms * members {
            let (room, place) = (i / members, i % members);
            let (speaks, node) = (place == 0, place % self.job.addresses.len());
            self.open(WelcomeParams {
                address: self.job.addresses[node],
                dialect: self.job.dialect,
                door: if speaks { Door::Socket } else { door },
                room,
                speaks,
                afar: node > 0,
                stalls: place >= members - stalled,
                restless: place >= members - restless,
            })?;
            opening += 1;
            while opening >= OPENING {
                opening -= self.enter()?;
            }
        }
        while opening > 0 {
            opening -= self.enter()?;
        }
        let took = start.elapsed();
        // Until every member has heard of every member.
        while self.turn(Duration::from_millis(200))? {}
        for link in self.links.iter().filter(|link| link.stalls) {
            epoll::delete(&self.epoll, &link.socket)?;
        }
        if self.closed > 0 {
            return Err(io::Error::other(format!("{} could not stay", self.closed)));
        }
        Ok(took)
    }

    fn open(&mut self, arrival: WelcomeParams) -> io::Result<()> {
        let link = Link::open(arrival)?;
        self.hear(&link, self.links.len())?;
        self.links.push(link);
        Ok(())
    }

    /// From now on what comes for `link`, which is or will be at `index`, is heard.
    pub fn hear(&self, link: &Link, index: usize) -> io::Result<()> {
        Ok(epoll::add(
            &self.epoll,
            &link.socket,
            epoll::EventData::new_u64(index as u64),
            epoll::EventFlags::IN,
        )?)
    }

    /// Waits for those who are on their way in. Returns how many have arrived.
    fn enter(&mut self) -> io::Result<usize> {
        self.changed.clear();
        if !self.turn(SILENCE)? {
            return Err(io::Error::other("somebody is not let in"));
        }
        Ok(self.changed.len())
    }

    /// Hears what comes within `wait`. False when nothing did.
    pub fn turn(&mut self, wait: Duration) -> io::Result<bool> {
        let wait = Timespec { tv_sec: wait.as_secs() as _, tv_nsec: wait.subsec_nanos().into() };
        self.events.clear();
        match epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            Some(&wait),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let nodes = self.job.addresses.len();
        for event in &self.events {
            let index = event.data.u64() as usize;
            let link = &mut self.links[index];
            let (before, room, afar, restless) = (link.phase, link.room, link.afar, link.restless);
            let (mut acked, mut delivered) = (0, 0);
            let now = self.began.elapsed().as_nanos() as u64;
            let delays = &mut self.delays;
            let read = link.read(&mut self.buffer, &self.ear, &mut self.faults, |heard| {
                delivered += 1;
                match heard {
                    Heard::Ack(number) => acked = number,
                    // Who comes and goes also hears what was sent before.
                    Heard::Mark(Mark { due, .. }) if (afar || nodes == 1) && !restless => {
                        delays.saturating_record(now.saturating_sub(due))
                    }
                    Heard::Mark(_) => {}
                }
            });
            self.delivered += if restless { 0 } else { delivered };
            if acked > 0 {
                self.acked[room] = acked;
                self.news.push(room);
            }
            match read {
                Ok(Some(read)) => self.read += read as u64,
                Ok(None) | Err(_) => {
                    link.phase = Phase::Closed;
                    self.closed += 1;
                    epoll::delete(&self.epoll, &link.socket)?;
                }
            }
            if link.phase != before {
                self.changed.push(index);
            }
        }
        Ok(!self.events.is_empty())
    }

    /// Reads what those hold who stalled. Returns how many were sent away, dropped and kept. A member that was kept has lost what is
    /// not there, the others what is missing in between.
    fn wake(&mut self) -> io::Result<[u64; 3]> {
        let mut counts = [0; 3];
        let stalled = self.links.iter_mut().filter(|link| link.stalls);
        // All at once: a server waits only so long for a member that it sends away.
        let woken = std::thread::scope(|scope| {
            let threads: Vec<_> = stalled
                .map(|link| scope.spawn(|| link.wake(SILENCE).map(|woken| (link, woken))))
                .collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread.join().unwrap_or_else(|_| Err(io::Error::other("a reader fell")))
                })
                .collect()
        });
        let woken: Vec<io::Result<_>> = woken;
        for woken in woken {
            let (link, (end, bytes)) = woken?;
            self.ear.marks(&bytes, |mark| link.tally.hear(mark.number, &mut self.faults));
            self.faults.lost +=
                link.tally.lost(if end == End::Kept { self.said[link.room] } else { 0 });
            counts[end as usize] += 1;
        }
        Ok(counts)
    }
}
