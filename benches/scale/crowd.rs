//! Thousands of people, as pages are: they come back by themselves with ticket and cursor, and wait as they are asked to.
//! One thread, one epoll: a client that cost as much as the server would measure itself.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io::{self, Read},
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use rustix::event::{Timespec, epoll};

use super::{
    frame::{self, CLOSE, GOODBYE, PING, PONG, TEXT},
    member::{Member, Phase},
    tally::Tally,
};

pub struct Crowd {
    pub members: Vec<Member>,
    /// How many belong to each room.
    pub sizes: Vec<u32>,
    /// Where people come in, by chance: the nodes that a proxy would ask.
    pub doors: Vec<SocketAddr>,
    pub tally: Tally,
    inside: usize,
    gone: usize,
    /// The first that has never come.
    next: usize,
    epoll: rustix::fd::OwnedFd,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
    /// When to come again; and when to say again what was refused.
    tries: BinaryHeap<Reverse<(Instant, usize)>>,
    words: BinaryHeap<Reverse<(Instant, usize)>>,
}

/// How long a turn waits at most, so that what else is to be looked at is looked at.
const TURN: Duration = Duration::from_millis(5);

/// When to say again what was refused, if the server does not say.
const AGAIN: Duration = Duration::from_millis(250);

impl Crowd {
    /// No member has joined yet.
    ///
    /// # Errors
    /// The kernel's.
    pub fn new(doors: &[SocketAddr], sizes: impl IntoIterator<Item = u32>) -> io::Result<Self> {
        let sizes: Vec<u32> = sizes.into_iter().collect();
        let rooms = sizes
            .iter()
            .enumerate()
            .flat_map(|(room, size)| std::iter::repeat_n(room as u32, *size as usize));
        Ok(Self {
            members: rooms.map(Member::new).collect(),
            sizes,
            doors: doors.to_vec(),
            tally: Tally::default(),
            inside: 0,
            gone: 0,
            next: 0,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(512),
            buffer: vec![0; 1 << 18],
            tries: BinaryHeap::new(),
            words: BinaryHeap::new(),
        })
    }

    pub fn inside(&self) -> usize {
        self.inside
    }

    pub fn gone(&self) -> usize {
        self.gone
    }

    /// Counts from now on, and returns what was counted so far.
    pub fn recount(&mut self) -> Tally {
        self.members.iter_mut().for_each(|member| member.came = 0);
        std::mem::take(&mut self.tally)
    }

    /// Lets people come, at most `width` on their way at a time, until `done` or until `limit` is over.
    ///
    /// # Errors
    /// The kernel's.
    pub fn fill(
        &mut self,
        width: usize,
        limit: Duration,
        mut done: impl FnMut(&Self) -> bool,
    ) -> io::Result<bool> {
        self.until(limit, |crowd| {
            while crowd.next < crowd.members.len() && crowd.next < crowd.inside + width {
                crowd.next += 1;
                crowd.open(crowd.next - 1)?;
            }
            Ok(done(crowd))
        })
    }

    /// Every member comes, or the run is over: figures of half a crowd would mean nothing.
    ///
    /// # Errors
    /// The kernel's error, or that the node refused a member.
    pub fn gather(&mut self, width: usize) -> io::Result<Tally> {
        let all = self.members.len();
        if !self.fill(width, Duration::from_secs(240), |crowd| crowd.inside == all)? {
            return Err(io::Error::other(format!(
                "{} of {all} came in: {}",
                self.inside, self.tally
            )));
        }
        self.rest(Duration::from_millis(1500))?;
        Ok(self.recount())
    }

    /// Goes on until `done` says so, or until `limit` is over: then false.
    ///
    /// # Errors
    /// The kernel's.
    pub fn until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&mut Self) -> io::Result<bool>,
    ) -> io::Result<bool> {
        let end = Instant::now() + limit;
        while !done(self)? {
            if Instant::now() > end {
                return Ok(false);
            }
            self.turn()?;
        }
        Ok(true)
    }

    /// Goes on for a while.
    ///
    /// # Errors
    /// The kernel's.
    pub fn rest(&mut self, time: Duration) -> io::Result<()> {
        self.until(time, |_| Ok(false)).map(|_| ())
    }

    /// Every member who is inside says goodbye, at once.
    pub fn leave(&mut self) {
        for member in self.members.iter_mut().filter(|member| member.phase == Phase::Inside) {
            member.leaves = true;
            let _ = member.send(GOODBYE);
        }
    }

    /// Says something, unless the last words wait for their ack. True if it was said.
    pub fn publish(&mut self, who: usize) -> bool {
        let member = &mut self.members[who];
        if member.pending || member.phase != Phase::Inside {
            return false;
        }
        member.said += 1;
        member.pending = true;
        let _ = member.send(&member.words());
        true
    }

    /// Does what is due, and hears what has come.
    fn turn(&mut self) -> io::Result<()> {
        let due = |heap: &mut BinaryHeap<Reverse<(Instant, usize)>>| {
            heap.peek().is_some_and(|next| next.0.0 <= Instant::now()).then(|| heap.pop()).flatten()
        };
        while let Some(Reverse((_, who))) = due(&mut self.tries) {
            self.open(who)?;
        }
        while let Some(Reverse((_, who))) = due(&mut self.words) {
            let member = &mut self.members[who];
            if member.pending && member.phase == Phase::Inside {
                let _ = member.send(&member.words());
            }
        }
        let wait = Timespec { tv_sec: 0, tv_nsec: TURN.subsec_nanos().into() };
        let mut events = std::mem::take(&mut self.events);
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in events.drain(..) {
            let who = event.data.u64() as usize;
            if self.members[who].phase == Phase::Connecting {
                self.ask(who)?;
            } else {
                self.read(who);
            }
        }
        self.events = events;
        Ok(())
    }

    /// Begins to connect.
    ///
    /// # Errors
    /// The kernel's: no file or no port is left.
    pub fn open(&mut self, who: usize) -> io::Result<()> {
        // Another address for each, and none that a server listens at.
        let home = Ipv4Addr::new(127, 0, 1 + (who / 250) as u8, 1 + (who % 250) as u8);
        let door = self.doors[fastrand::usize(..self.doors.len())];
        match self.members[who].connect(home, door) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                self.come_back(who);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        if let Some(socket) = &self.members[who].socket {
            epoll::add(
                &self.epoll,
                socket,
                epoll::EventData::new_u64(who as u64),
                epoll::EventFlags::OUT,
            )?;
        }
        Ok(())
    }

    fn ask(&mut self, who: usize) -> io::Result<()> {
        let (room, name) = (format!("scale-{}", self.members[who].room), format!("N{who}"));
        if self.members[who].ask(&room, &name).is_err() {
            self.come_back(who);
        } else if let Some(socket) = &self.members[who].socket {
            epoll::modify(
                &self.epoll,
                socket,
                epoll::EventData::new_u64(who as u64),
                epoll::EventFlags::IN,
            )?;
        }
        Ok(())
    }

    /// Hears what a member was sent by now.
    pub fn read(&mut self, who: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let member = &mut self.members[who];
        let kept = member.rest.len();
        buffer[..kept].copy_from_slice(&member.rest);
        let open = match member.socket.as_mut().map(|socket| socket.read(&mut buffer[kept..])) {
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => true,
            Some(Ok(read @ 1..)) => {
                let bytes = &buffer[..kept + read];
                let mut done = 0;
                let mut open = true;
                while open && let Some((more, taken)) = self.take(who, &bytes[done..]) {
                    (open, done) = (more, done + taken);
                }
                let rest = &mut self.members[who].rest;
                *rest = Vec::from(&bytes[done..]);
                open
            }
            _ => false,
        };
        self.buffer = buffer;
        if !open {
            self.come_back(who);
        }
    }

    /// Takes in the next thing that is whole: whether the link goes on, and how many bytes that was.
    fn take(&mut self, who: usize, bytes: &[u8]) -> Option<(bool, usize)> {
        if self.members[who].phase == Phase::Asking {
            let head = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
            if bytes.starts_with(b"HTTP/1.1 101") {
                self.members[who].phase = Phase::Entering;
                return Some((true, head));
            }
            // The body of a refusal comes with its head.
            self.refused(who, bytes);
            return Some((false, bytes.len()));
        }
        let (frame, taken) = frame::next(bytes)?;
        let open = match frame.op {
            TEXT => {
                self.hear(who, frame.payload);
                true
            }
            PING => self.members[who].send(&frame::frame(PONG, frame.payload)).is_ok(),
            op => op != CLOSE,
        };
        Some((open, taken))
    }

    fn hear(&mut self, who: usize, payload: &[u8]) {
        let (member, tally) = (&mut self.members[who], &mut self.tally);
        match frame::kind(payload) {
            b"chat" => member.hear(frame::number(payload, br#""seq":"#).unwrap_or_default(), tally),
            b"ack" => {
                if !frame::has(payload, br#""duplicate":true"#) {
                    member.hear(frame::number(payload, br#""seq":"#).unwrap_or_default(), tally);
                }
                member.pending &= frame::number(payload, br#""n":"#) != Some(member.said);
            }
            b"joined" => tally.joined += 1,
            b"left" => tally.left += 1,
            b"presence" => {
                let count = frame::number(payload, br#""count":"#);
                tally.fewer += u64::from(count < Some(self.sizes[member.room as usize].into()));
            }
            kind @ (b"welcome" | b"reset") => {
                member.arrive(payload, tally);
                if kind == b"welcome" {
                    tally.welcomes += 1;
                    tally.waits.push(member.began.elapsed());
                    member.phase = Phase::Inside;
                    self.inside += 1;
                }
                if member.pending {
                    let _ = member.send(&member.words());
                }
            }
            b"error" | b"closing" => self.refused(who, payload),
            _ => {}
        }
    }

    /// Takes in what a frame or an answer says against it.
    fn refused(&mut self, who: usize, said: &[u8]) {
        let (member, tally) = (&mut self.members[who], &mut self.tally);
        let asked = frame::number(said, br#""retryAfter":"#).map(Duration::from_millis);
        let code = frame::text(said, br#""code":""#).unwrap_or("no code").to_owned();
        let inside = member.phase == Phase::Inside;
        if inside && member.pending && frame::kind(said) == b"error" {
            self.words.push(Reverse((Instant::now() + asked.unwrap_or(AGAIN), who)));
        } else {
            member.asked = asked.unwrap_or_default();
        }
        // A refusal may be an error and a closing frame: one of them counts.
        if inside {
            *tally.told.entry(code).or_default() += 1;
        } else if !std::mem::replace(&mut member.refused, true) {
            *tally.codes.entry(code).or_default() += 1;
        }
    }

    /// The link has ended: leaves for good, or comes again in a while.
    fn come_back(&mut self, who: usize) {
        let (member, tally) = (&mut self.members[who], &mut self.tally);
        let was = member.phase;
        match was {
            Phase::Inside => {
                self.inside -= 1;
                tally.lost += u64::from(member.asked.is_zero() && !member.leaves);
            }
            Phase::Asking | Phase::Entering => tally.broken += u64::from(!member.refused),
            _ => tally.unreached += 1,
        }
        if member.leaves {
            member.cut();
            member.phase = Phase::Gone;
            self.gone += 1;
            return;
        }
        let again = member.backoff();
        self.tries.push(Reverse((again, who)));
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.members.iter_mut().for_each(Member::cut);
    }
}
