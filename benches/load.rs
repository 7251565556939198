//! `make bench`: what Parlor costs, from outside. Starts the release binary,
//! loads it over loopback and prints one JSON line a scenario. Times are the
//! server's own CPU time, so that ratios hold when the machine is busy.

use std::{
    error::Error,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Barrier,
    task::JoinSet,
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A parlor process that ends with the value.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start() -> Outcome<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_parlor"))
            .args(["--listen", "127.0.0.1:0", "--room-members", "2000", "--rate", "1000000"])
            .stderr(Stdio::piped())
            .spawn()?;
        let log = process.stderr.take().ok_or("no log")?;
        let mut lines = BufReader::new(log).lines();
        let address = lines
            .find_map(|line| Some(line.ok()?.split_once("http://")?.1.split_whitespace().next()?.to_owned()))
            .ok_or("parlor did not start")?;
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { process, address })
    }

    /// (anonymous resident bytes, CPU time in microseconds) so far.
    fn usage(&self) -> Outcome<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon")?;
        let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse()?;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let fields: Vec<&str> = stat.rsplit_once(')').ok_or("no stat")?.1.split_whitespace().collect();
        // utime and stime, in ticks of 10 ms.
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok((kilobytes * 1024, ticks * 10_000))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A member that only counts what it is told.
struct Member {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Member {
    /// Joins a room and reads the welcome.
    async fn join(address: &str, room: &str) -> Outcome<Self> {
        let mut socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let request = format!(
            "GET /ws?room={room}&name=load HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await?;
        let mut member = Self { socket, buffer: Vec::new() };
        let head = loop {
            member.fill().await?;
            if let Some(end) = member.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        member.buffer.drain(..head);
        while !member.frames().iter().any(|frame| frame.starts_with(br#"{"type":"welcome""#)) {
            member.fill().await?;
        }
        Ok(member)
    }

    async fn fill(&mut self) -> Outcome<()> {
        match self.socket.read_buf(&mut self.buffer).await? {
            0 => Err("the server closed".into()),
            _ => Ok(()),
        }
    }

    /// The whole frames that have come; the rest stays.
    fn frames(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        let mut at = 0;
        while let Some((&[_, length], rest)) = self.buffer[at..].split_first_chunk::<2>() {
            let (skip, length) = match (length, rest) {
                (126, &[a, b, ..]) => (4, u64::from(u16::from_be_bytes([a, b]))),
                (127, &[a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([a, b, c, d, e, f, g, h])),
                (126 | 127, _) => break,
                (short, _) => (2, u64::from(short)),
            };
            let (start, end) = (at + skip, at + skip + usize::try_from(length).unwrap_or(usize::MAX));
            if self.buffer.len() < end {
                break;
            }
            frames.push(self.buffer[start..end].to_vec());
            at = end;
        }
        self.buffer.drain(..at);
        frames
    }
}

/// A masked client frame; the mask is zero, which the protocol allows.
fn chat(text: &str) -> Vec<u8> {
    let json = json!({ "type": "chat", "text": text }).to_string();
    let mut frame = vec![0x81];
    match u16::try_from(json.len()) {
        Ok(short) if short < 126 => frame.push(0x80 | short as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend(length.unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(json.as_bytes());
    frame
}

/// What a member costs that sits and says nothing.
async fn idle(members: usize, rooms: usize) -> Outcome<Value> {
    let server = Server::start()?;
    let warm = Member::join(&server.address, "warm").await?;
    drop(warm);
    let (before, _) = server.usage()?;
    let started = std::time::Instant::now();
    let mut seats = Vec::with_capacity(members);
    for i in 0..members {
        seats.push(Member::join(&server.address, &format!("idle-{}", i % rooms)).await?);
        // Those who came before must read that somebody came, or they would be slow readers.
        if i % 100 == 99 {
            for seat in &mut seats {
                while seat.socket.try_read_buf(&mut seat.buffer).is_ok_and(|read| read > 0) {}
                seat.buffer.clear();
            }
        }
    }
    let joining = started.elapsed();
    let (after, _) = server.usage()?;
    Ok(json!({
        "scenario": "idle", "members": members, "rooms": rooms,
        "bytes_per_member": (after.saturating_sub(before)) / members as u64,
        "joins_per_second": (members as f64 / joining.as_secs_f64()).round(),
    }))
}

/// Everybody in `rooms` rooms hears everything: `per_room` messages a room, `burst` at a time.
async fn fan_out(rooms: usize, members: usize, per_room: usize, burst: usize, bytes: usize) -> Outcome<Value> {
    let server = Server::start()?;
    let heard = Arc::new(AtomicU64::new(0));
    let ready = Arc::new(Barrier::new(rooms * members + 1));
    let text = "x".repeat(bytes);
    let mut people = JoinSet::new();
    for room in 0..rooms {
        for place in 0..members {
            let mut member = Member::join(&server.address, &format!("fan-{room}")).await?;
            let (heard, ready, frame) = (Arc::clone(&heard), Arc::clone(&ready), chat(&text));
            people.spawn(async move {
                ready.wait().await;
                let (mut chats, mut sent, mut acks) = (0, 0, 0);
                let speaks = place == 0;
                while chats < per_room && acks < per_room {
                    if speaks && sent == acks {
                        let now = burst.min(per_room - sent);
                        member.socket.write_all(&frame.repeat(now)).await?;
                        sent += now;
                    }
                    member.fill().await?;
                    for frame in member.frames() {
                        chats += usize::from(frame.starts_with(br#"{"type":"chat""#));
                        acks += usize::from(frame.starts_with(br#"{"type":"ack""#));
                    }
                }
                heard.fetch_add((chats + acks) as u64, Ordering::Relaxed);
                Outcome::Ok(member)
            });
        }
    }
    ready.wait().await;
    let ((_, before), started) = (server.usage()?, std::time::Instant::now());
    let mut done = Vec::new();
    while let Some(member) = tokio::time::timeout(Duration::from_secs(120), people.join_next()).await? {
        done.push(member??);
    }
    let (elapsed, (_, after)) = (started.elapsed(), server.usage()?);
    let deliveries = heard.load(Ordering::Relaxed);
    assert_eq!(deliveries, (rooms * members * per_room) as u64, "every message reaches everyone once");
    Ok(json!({
        "scenario": "fan-out", "rooms": rooms, "members": members, "messages": rooms * per_room, "burst": burst, "bytes": bytes,
        "deliveries_per_second": (deliveries as f64 / elapsed.as_secs_f64()).round(),
        "server_cpu_us_per_delivery": ((after - before) as f64 / deliveries as f64 * 100.0).round() / 100.0,
    }))
}

#[tokio::main]
async fn main() -> Outcome<()> {
    println!("{}", idle(5000, 100).await?);
    println!("{}", fan_out(10, 100, 2000, 1, 128).await?);
    println!("{}", fan_out(10, 100, 10_000, 200, 128).await?);
    println!("{}", fan_out(100, 4, 2000, 1, 128).await?);
    Ok(())
}
