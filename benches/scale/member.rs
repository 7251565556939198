//! A member of the crowd: a socket, a seat, and what is known of its room.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use rustix::io::Errno;
use socket2::{Domain, SockRef, Socket, Type};

use super::{
    frame::{self, UPGRADE},
    tally::Tally,
};

/// Where a member stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Has no socket; waits until it is time to come, or was never here.
    Away,
    Connecting,
    /// Has asked for the upgrade.
    Asking,
    /// Has been upgraded, and waits for its welcome.
    Entering,
    Inside,
    /// Has left for good.
    Gone,
}

pub struct Member {
    pub room: u32,
    pub phase: Phase,
    pub socket: Option<TcpStream>,
    /// What has come of a frame that is not whole yet.
    pub rest: Vec<u8>,
    /// When this try began.
    pub began: Instant,
    /// Tries since the last welcome, for the backoff; and since the tally was begun.
    pub tries: u32,
    pub came: u32,
    /// What the server asked to wait for before the next try.
    pub asked: Duration,
    /// This try was refused in words.
    pub refused: bool,
    pub leaves: bool,
    /// What it has said, and whether the last of it waits for its ack.
    pub said: u64,
    pub pending: bool,
    /// The newest entry that it knows.
    pub seq: u64,
    /// Of the room that it knows, as the cursor names it.
    pub life: String,
    ticket: String,
}

/// The longest pause between two tries, and the first, as the page has them.
const CAP: Duration = Duration::from_secs(15);
const BASE: Duration = Duration::from_millis(500);

impl Member {
    pub fn new(room: u32) -> Self {
        Self {
            room,
            phase: Phase::Away,
            socket: None,
            rest: Vec::new(),
            began: Instant::now(),
            tries: 0,
            came: 0,
            asked: Duration::ZERO,
            refused: false,
            leaves: false,
            said: 0,
            pending: false,
            seq: 0,
            life: String::new(),
            ticket: String::new(),
        }
    }

    /// Connects from an address of its own, as people do: what one address may do is less than a crowd does.
    ///
    /// # Errors
    /// The kernel's; a refusal of the server's may be among them.
    pub fn connect(&mut self, home: Ipv4Addr, door: SocketAddr) -> io::Result<()> {
        (self.began, self.asked, self.refused) = (Instant::now(), Duration::ZERO, false);
        self.came += 1;
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((home, 0)).into())?;
        match socket.connect(&door.into()) {
            Err(error) if error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => {}
            other => other?,
        }
        (self.socket, self.phase) = (Some(socket.into()), Phase::Connecting);
        Ok(())
    }

    /// Asks to be let in, and to be given back its seat if it had one.
    pub fn ask(&mut self, room: &str, name: &str) -> io::Result<()> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        socket.set_nodelay(true)?;
        let (cursor, bearer) = if self.ticket.is_empty() {
            Default::default()
        } else {
            (
                format!("&cursor={}-{}", self.life, self.seq),
                format!("Authorization: Bearer {}\r\n", self.ticket),
            )
        };
        let request = format!(
            "GET /ws?room={room}&name={name}{cursor} HTTP/1.1\r\nHost: 127.0.0.1\r\n{UPGRADE}{bearer}\r\n"
        );
        socket.write_all(request.as_bytes())?;
        self.phase = Phase::Asking;
        Ok(())
    }

    /// Sends a frame; a socket that does not take it is as good as closed.
    pub fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.socket.as_mut().map_or(Ok(()), |socket| socket.write_all(frame))
    }

    /// Takes in a `welcome` or a `reset`. What was missed is in it, or it says that it is not.
    pub fn arrive(&mut self, payload: &[u8], tally: &mut Tally) {
        let (life, seq) = frame::text(payload, br#""cursor":""#)
            .and_then(|cursor| cursor.split_once('-'))
            .unwrap_or_default();
        let (resumed, reset) =
            (frame::has(payload, br#""resumed":true"#), frame::has(payload, br#""reset":true"#));
        let seq: u64 = seq.parse().unwrap_or_default();
        tally.resumed += u64::from(resumed);
        tally.reset += u64::from(reset || frame::kind(payload) == b"reset");
        if resumed && !reset && self.life == life {
            frame::numbers(payload, br#""seq":"#).for_each(|seq| self.hear(seq, tally));
            if self.seq != seq {
                tally.skipped += seq.abs_diff(self.seq);
            }
        }
        self.seq = seq;
        life.clone_into(&mut self.life);
        frame::text(payload, br#""ticket":""#).unwrap_or_default().clone_into(&mut self.ticket);
        // A new member owes no old messages; of a resumed one, the node may have taken some.
        let said = frame::number(payload, br#""lastN":"#).unwrap_or_default();
        self.pending &= said < self.said;
        (self.tries, self.asked) = (0, Duration::ZERO);
    }

    /// The next entry, if all is well.
    pub fn hear(&mut self, seq: u64, tally: &mut Tally) {
        if seq <= self.seq {
            tally.doubled += 1;
            return;
        }
        tally.heard += 1;
        tally.skipped += seq - self.seq - 1;
        self.seq = seq;
    }

    /// What it says, under its own count: the same again, until it has its ack.
    pub fn words(&self) -> Vec<u8> {
        frame::chat("What was said is heard by all, once and in order.", self.said)
    }

    /// Gives up the socket, and says when to try again, as the page does: what was asked, then full jitter.
    pub fn backoff(&mut self) -> Instant {
        self.cut();
        self.phase = Phase::Away;
        let most = (BASE * (1 << self.tries.min(10))).min(CAP);
        self.tries += 1;
        Instant::now() + self.asked + most.mul_f64(fastrand::f64())
    }

    /// Makes an end without a word, so that the port is free at once.
    pub fn cut(&mut self) {
        if let Some(socket) = self.socket.take() {
            let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
        }
        self.rest = Vec::new();
    }
}
