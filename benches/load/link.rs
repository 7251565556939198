//! One reader of a room, seen from outside: a socket, the way in, what it hears.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use socket2::{Domain, SockRef, Socket, Type};

use crate::{
    dialect::{Dialect, Door, Step, room_name},
    mark::{Ear, Faults, Mark, Tally},
    masked::GOODBYE,
};

/// Where a link stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    Opening,
    Ready,
    /// Has said goodbye.
    Leaving,
    Closed,
}

/// A member in a room.
pub struct Link {
    pub socket: TcpStream,
    pub phase: Phase,
    pub room: usize,
    /// At the node where the room's speaker is not.
    pub afar: bool,
    /// Reads nothing once every member is in.
    pub stalls: bool,
    /// Comes and goes: hears only a part of what is said.
    pub restless: bool,
    pub tally: Tally,
    /// Bytes so far.
    pub heard: u64,
    address: SocketAddr,
    dialect: Dialect,
    door: Door,
    speaks: bool,
    rest: Vec<u8>,
    poll: Option<Box<Poll>>,
}

/// Where a member who polls stands.
struct Poll {
    path: String,
    ticket: String,
    cursor: String,
}

/// What is heard.
pub enum Heard {
    Mark(Mark),
    /// By the speaker: message of this number has been said.
    Ack(u64),
}

/// Who comes in how.
#[derive(Clone, Copy)]
pub struct WelcomeParams {
    pub address: SocketAddr,
    pub dialect: Dialect,
    pub door: Door,
    pub room: usize,
    pub speaks: bool,
    pub afar: bool,
    /// Will read nothing once every member is in: takes in as little as a socket can.
    pub stalls: bool,
    pub restless: bool,
}

/// What became of a member who stalled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The server has said why it closed.
    SentAway,
    /// It closed without a word.
    Dropped,
    /// Still there.
    Kept,
}

/// What says why, in the last frame and in the close itself.
const TOO_SLOW: &[u8] = b"too_slow";

/// The segments of a member who stalls, as on an Ethernet: over the loopback's of 64 KiB a server's socket takes in megabytes
/// that no member reads.
const SEGMENT: u32 = 1460;

impl Link {
    /// Connects and asks to be let in.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open(arrival: WelcomeParams) -> io::Result<Self> {
        let WelcomeParams { address, dialect, door, room, speaks, afar, stalls, restless } =
            arrival;
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        if stalls {
            socket.set_recv_buffer_size(4096)?;
            socket.set_mss(SEGMENT)?;
        }
        socket.connect(&address.into())?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from(socket);
        socket.write_all(dialect.request(door, room).as_bytes())?;
        let path = || format!("/api/rooms/{}/messages", room_name(room));
        let poll = (door == Door::Poll)
            .then(|| Box::new(Poll { path: path(), ticket: String::new(), cursor: String::new() }));
        let tally = if restless { Tally::from_first_heard() } else { Tally::default() };
        let (rest, phase) = (Vec::new(), Phase::Opening);
        Ok(Self {
            socket,
            phase,
            room,
            afar,
            stalls,
            restless,
            tally,
            heard: 0,
            address,
            dialect,
            door,
            speaks,
            rest,
            poll,
        })
    }

    /// The same member once more.
    pub fn again(&self) -> WelcomeParams {
        let Self { address, dialect, door, room, speaks, afar, stalls, restless, .. } = *self;
        WelcomeParams { address, dialect, door, room, speaks, afar, stalls, restless }
    }

    /// Says goodbye.
    ///
    /// # Errors
    /// The kernel's.
    pub fn leave(&mut self) -> io::Result<()> {
        self.phase = Phase::Leaving;
        self.socket.write_all(GOODBYE)
    }

    /// Reads what there is, once; `None` when the server has closed.
    ///
    /// # Errors
    /// The kernel's.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        ear: &Ear,
        faults: &mut Faults,
        mut heard: impl FnMut(Heard),
    ) -> io::Result<Option<usize>> {
        let kept = self.rest.len();
        buffer[..kept].copy_from_slice(&self.rest);
        let read = match self.socket.read(&mut buffer[kept..]) {
            Ok(0) => {
                self.phase = Phase::Closed;
                return Ok(None);
            }
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Some(0)),
            Err(error) => return Err(error),
        };
        self.heard += read as u64;
        let bytes = &buffer[..kept + read];
        let done = match (self.phase, self.poll.is_some()) {
            (Phase::Opening, false) => self.step(bytes)?,
            (_, true) => {
                let mut done = 0;
                while let Some(length) = response(&bytes[done..]) {
                    self.answer(&bytes[done..done + length], ear, faults, &mut heard)?;
                    done += length;
                }
                done
            }
            (_, false) if self.speaks && self.dialect.acks() => ear.acks(bytes, |number| {
                self.tally.hear(number, faults);
                heard(Heard::Ack(number));
            }),
            (_, false) => ear.marks(bytes, |mark| {
                self.tally.hear(mark.number, faults);
                heard(if self.speaks { Heard::Ack(mark.number) } else { Heard::Mark(mark) });
            }),
        };
        self.rest.clear();
        self.rest.extend_from_slice(&bytes[done..]);
        if self.rest.is_empty() {
            self.rest = Vec::new();
        }
        Ok(Some(read))
    }

    fn step(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.dialect.step(self.door, self.room, bytes) {
            Step::Wait => return Ok(0),
            Step::Say(words) => self.socket.write_all(&words)?,
            Step::Ready => self.phase = Phase::Ready,
        }
        Ok(bytes.len())
    }

    /// Takes in the answer to a poll, or to the join before the first, and polls again.
    fn answer(
        &mut self,
        answer: &[u8],
        ear: &Ear,
        faults: &mut Faults,
        heard: &mut impl FnMut(Heard),
    ) -> io::Result<()> {
        let Some(poll) = self.poll.as_mut() else { return Ok(()) };
        self.phase = Phase::Ready;
        let text = String::from_utf8_lossy(answer);
        let field = |name: &str| {
            let (_, rest) = text.split_once(&format!("\"{name}\":\""))?;
            Some(rest.split('"').next()?.to_owned())
        };
        poll.ticket = field("ticket").unwrap_or(std::mem::take(&mut poll.ticket));
        poll.cursor = field("cursor").unwrap_or(std::mem::take(&mut poll.cursor));
        ear.marks(answer, |mark| {
            self.tally.hear(mark.number, faults);
            heard(Heard::Mark(mark));
        });
        let Poll { path, ticket, cursor } = &**poll;
        let request = format!(
            "GET {path}?after={cursor}&wait=20 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {ticket}\r\n\r\n"
        );
        self.socket.write_all(request.as_bytes())
    }

    /// Reads all that there is for a member who stalled, until the end or until nothing has come for `silence`. Blocks.
    ///
    /// # Errors
    /// The kernel's.
    pub fn wake(&mut self, silence: Duration) -> io::Result<(End, Vec<u8>)> {
        self.socket.set_nonblocking(false)?;
        self.socket.set_read_timeout(Some(silence))?;
        let mut bytes = std::mem::take(&mut self.rest);
        let end = match self.socket.read_to_end(&mut bytes) {
            _ if memchr::memmem::find(&bytes, TOO_SLOW).is_some() => End::SentAway,
            Ok(_) => End::Dropped,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => End::Kept,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => End::Dropped,
            Err(error) => return Err(error),
        };
        Ok((end, bytes))
    }

    /// Makes an end without a word, so that the port is free at once.
    pub fn cut(&self) {
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }
}

/// How long the whole answer is, if it is whole.
fn response(bytes: &[u8]) -> Option<usize> {
    let head = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?.to_ascii_lowercase();
    let length = text
        .split_once("content-length:")
        .map_or("0", |(_, rest)| rest.lines().next().unwrap_or("0").trim());
    let whole = head + length.parse::<usize>().ok()?;
    (bytes.len() >= whole).then_some(whole)
}
