//! People who poll: each has a connection, joins on it, and asks for what is new, over and over.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use rustix::event::{Timespec, epoll};
use socket2::{Domain, Socket, Type};

use super::frame;

struct Poller {
    room: usize,
    socket: TcpStream,
    ticket: String,
    cursor: String,
    heard: Vec<u8>,
    /// Its question is on its way or waits at the server.
    asks: bool,
}

pub struct Pollers {
    door: SocketAddr,
    epoll: rustix::fd::OwnedFd,
    all: Vec<Poller>,
    entering: usize,
    /// The last refusal.
    pub trouble: String,
}

/// So many are on their way in at a time.
const WIDTH: usize = 50;

impl Pollers {
    /// No member has joined yet.
    ///
    /// # Errors
    /// The kernel's.
    pub fn new(door: SocketAddr) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { door, epoll, all: Vec::new(), entering: 0, trouble: String::new() })
    }

    /// Those whose poll waits.
    pub fn waiting(&self) -> usize {
        self.all.iter().filter(|poller| poller.asks).count()
    }

    /// So many come in, so many to a room, and poll.
    ///
    /// # Errors
    /// The kernel's error, or that the node refused a member.
    pub fn gather(&mut self, people: usize, size: usize) -> io::Result<()> {
        for who in 0..people {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            // An address for each, as people have.
            socket.bind(
                &SocketAddr::from((
                    Ipv4Addr::new(127, 0, 1 + (who / 250) as u8, 1 + (who % 250) as u8),
                    0,
                ))
                .into(),
            )?;
            socket.connect(&self.door.into())?;
            socket.set_nodelay(true)?;
            let mut socket = TcpStream::from(socket);
            let room = who / size;
            let ask = format!(
                "POST /api/rooms/scale-{room}/join HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{{}}"
            );
            socket.write_all(ask.as_bytes())?;
            socket.set_nonblocking(true)?;
            epoll::add(
                &self.epoll,
                &socket,
                epoll::EventData::new_u64(who as u64),
                epoll::EventFlags::IN,
            )?;
            self.all.push(Poller {
                room,
                socket,
                ticket: String::new(),
                cursor: String::new(),
                heard: Vec::new(),
                asks: false,
            });
            self.entering += 1;
            self.let_in(WIDTH)?;
        }
        self.let_in(1)
    }

    /// Goes on until fewer than `width` are on their way in.
    fn let_in(&mut self, width: usize) -> io::Result<()> {
        let end = Instant::now() + Duration::from_secs(30);
        while self.entering >= width {
            self.turn()?;
            if Instant::now() > end {
                return Err(io::Error::other(format!(
                    "{} pollers are not let in: {}",
                    self.entering, self.trouble
                )));
            }
        }
        Ok(())
    }

    /// Goes on for a while.
    ///
    /// # Errors
    /// The kernel's.
    pub fn rest(&mut self, time: Duration) -> io::Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn()?;
        }
        Ok(())
    }

    fn turn(&mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(512);
        let wait = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in events {
            let poller = &mut self.all[event.data.u64() as usize];
            let was_inside = !poller.ticket.is_empty();
            if let Some(refusal) = poller.read()? {
                self.trouble = refusal;
            }
            self.entering -= usize::from(!was_inside && !poller.ticket.is_empty());
        }
        Ok(())
    }
}

impl Poller {
    /// Takes in what has come; asks again after a whole answer. A refusal is returned and ends it.
    fn read(&mut self) -> io::Result<Option<String>> {
        let mut buffer = [0; 1 << 16];
        match self.socket.read(&mut buffer) {
            Ok(0) => {
                self.asks = false;
                self.socket.shutdown(std::net::Shutdown::Both)?;
                return Ok(Some("closed".to_owned()));
            }
            Ok(read) => self.heard.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        let Some(head) = memchr::memmem::find(&self.heard, b"\r\n\r\n") else { return Ok(None) };
        let lines = String::from_utf8_lossy(&self.heard[..head]).to_ascii_lowercase();
        let length =
            frame::number(lines.as_bytes(), b"content-length: ").unwrap_or_default() as usize;
        if self.heard.len() < head + 4 + length {
            return Ok(None);
        }
        if ![" 200", " 204"]
            .iter()
            .any(|status| lines.lines().next().is_some_and(|line| line.contains(status)))
        {
            self.asks = false;
            return Ok(Some(String::from_utf8_lossy(&self.heard).into_owned()));
        }
        for (field, kept) in
            [(&b"\"ticket\":\""[..], &mut self.ticket), (b"\"cursor\":\"", &mut self.cursor)]
        {
            if let Some(new) = frame::text(&self.heard, field) {
                new.clone_into(kept);
            }
        }
        self.heard = Vec::new();
        let Self { room, ticket, cursor, .. } = self;
        let ask = format!(
            "GET /api/rooms/scale-{room}/messages?after={cursor}&wait=60 HTTP/1.1\r\nHost: 127.0.0.1\r\n\
             Authorization: Bearer {ticket}\r\n\r\n"
        );
        self.socket.write_all(ask.as_bytes())?;
        self.asks = true;
        Ok(None)
    }
}
