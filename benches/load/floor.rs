//! The floor: what the kernel alone costs. One thread and one epoll; a frame is
//! read, copied once into a prebuilt frame of the size of Parlor's, and written
//! to every member with one write(2) each. It checks, numbers and keeps nothing.

use std::{
    collections::HashMap,
    io::{self, Read},
    net::{Ipv4Addr, TcpListener, TcpStream},
};

use rustix::{
    event::{Timespec, epoll},
    io::Errno,
};

const LISTENER: u64 = u64::MAX;
const ID: &str = "00000000-0000-0000-0000-000000000000";

struct Person {
    socket: TcpStream,
    /// What came but is not whole yet.
    rest: Vec<u8>,
    room: Option<usize>,
}

/// The program.
pub struct Floor {
    epoll: rustix::fd::OwnedFd,
    listener: TcpListener,
    people: Vec<Option<Person>>,
    free: Vec<usize>,
    rooms: Vec<Vec<usize>>,
    names: HashMap<Vec<u8>, usize>,
    /// Several messages that came in one read go out in one write a member.
    batching: bool,
    welcome: Vec<u8>,
    buffer: Vec<u8>,
}

/// A server's text frame.
fn framed(json: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u16::try_from(json.len()) {
        Ok(short @ ..126) => frame.push(short as u8),
        length => {
            frame.push(126);
            frame.extend(length.unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    frame.extend(json.as_bytes());
    frame
}

/// (whole length, opcode, payload) of a client's frame whose mask is zero.
fn parse(bytes: &[u8]) -> Option<(usize, u8, &[u8])> {
    let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
    let (skip, length) = match (second & 0x7f, rest) {
        (126, &[a, b, ..]) => (8, usize::from(u16::from_be_bytes([a, b]))),
        (126.., _) => return None,
        (short, _) => (6, usize::from(short)),
    };
    Some((skip + length, first & 0x0f, bytes.get(skip..skip + length)?))
}

impl Floor {
    /// Takes a free port.
    ///
    /// # Errors
    /// The kernel's.
    pub fn bind(batching: bool) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        rustix::net::listen(&listener, 4096)?;
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
        let key = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        let welcome = [key.as_bytes(), &framed(r#"{"type":"welcome"}"#)].concat();
        let (people, free, rooms, names) = Default::default();
        Ok(Self {
            epoll,
            listener,
            people,
            free,
            rooms,
            names,
            batching,
            welcome,
            buffer: vec![0; 1 << 16],
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The kernel's.
    pub fn address(&self) -> io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is killed.
    ///
    /// # Errors
    /// The kernel's, or that a member does not read as fast as it writes.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(1024);
        loop {
            events.clear();
            epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                None::<&Timespec>,
            )?;
            for event in &events {
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    place => self.read(place as usize)?,
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            let place = self.free.pop().unwrap_or_else(|| {
                self.people.push(None);
                self.people.len() - 1
            });
            epoll::add(
                &self.epoll,
                &socket,
                epoll::EventData::new_u64(place as u64),
                epoll::EventFlags::IN,
            )?;
            self.people[place] = Some(Person { socket, rest: Vec::new(), room: None });
        }
    }

    fn read(&mut self, place: usize) -> io::Result<()> {
        let Some(person) = self.people[place].as_mut() else { return Ok(()) };
        let kept = person.rest.len();
        self.buffer[..kept].copy_from_slice(&person.rest);
        person.rest.clear();
        let length = match person.socket.read(&mut self.buffer[kept..]) {
            Ok(0) => return self.forget(place),
            Ok(read) => kept + read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return self.forget(place),
        };
        if person.room.is_none() {
            return self.join(place, length);
        }
        let (mut at, mut out, mut acks) = (0, Vec::new(), Vec::new());
        while let Some((whole, opcode, payload)) = parse(&self.buffer[at..length]) {
            at += whole;
            if opcode == 8 {
                write(&person.socket, b"\x88\x02\x03\xe8")?;
                return self.forget(place);
            }
            // {"type":"chat","text":"…"}
            let text = payload.get(23..payload.len().saturating_sub(2)).unwrap_or_default();
            let text = std::str::from_utf8(text).map_err(io::Error::other)?;
            out.push(framed(&format!(
                r#"{{"type":"chat","seq":1,"from":"{ID}","user":"load","room":"load-0","text":"{text}","timestamp":"2000-01-01T00:00:00.000Z","cursor":"00000000000000000000.1"}}"#
            )));
            // Its number is all that the generator wants of an ack, and what the mark says.
            let number = text.get(2..12).unwrap_or("0").trim_start_matches('0');
            acks.push(framed(&format!(
                r#"{{"type":"ack","n":{number},"seq":1,"timestamp":"2000-01-01T00:00:00.000Z","cursor":"00000000000000000000.1"}}"#
            )));
        }
        person.rest.extend_from_slice(&self.buffer[at..length]);
        if self.batching && out.len() > 1 {
            (out, acks) = (vec![out.concat()], vec![acks.concat()]);
        }
        let room = person.room.unwrap_or_default();
        for (frame, ack) in out.iter().zip(&acks) {
            for &member in &self.rooms[room] {
                let Some(other) = &self.people[member] else { continue };
                write(&other.socket, if member == place { ack } else { frame })?;
            }
        }
        Ok(())
    }

    /// Takes in the head of a request; once it is whole, its sender is in the room.
    fn join(&mut self, place: usize, length: usize) -> io::Result<()> {
        let Some(person) = self.people[place].as_mut() else { return Ok(()) };
        let head = &self.buffer[..length];
        if !head.ends_with(b"\r\n\r\n") {
            person.rest.extend_from_slice(head);
            return Ok(());
        }
        let name = memchr::memmem::find(head, b"room=").map_or(&head[..0], |at| &head[at + 5..]);
        let name = name.split(|byte| matches!(byte, b'&' | b' ')).next().unwrap_or_default();
        let room = *self.names.entry(name.to_vec()).or_insert_with(|| {
            self.rooms.push(Vec::new());
            self.rooms.len() - 1
        });
        person.room = Some(room);
        self.rooms[room].push(place);
        write(&person.socket, &self.welcome)
    }

    fn forget(&mut self, place: usize) -> io::Result<()> {
        if let Some(room) = self.people[place].take().and_then(|person| person.room) {
            self.rooms[room].retain(|member| *member != place);
        }
        self.free.push(place);
        Ok(())
    }
}

fn write(socket: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    match rustix::io::write(socket, bytes) {
        Ok(written) if written == bytes.len() => Ok(()),
        // A peer that has gone will be read as gone.
        Err(Errno::PIPE | Errno::CONNRESET) => Ok(()),
        Ok(_) | Err(Errno::AGAIN) => {
            Err(io::Error::other("the floor keeps nothing for slow readers"))
        }
        Err(error) => Err(error.into()),
    }
}
