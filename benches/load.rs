//! `make bench`: what Parlor costs, from outside. Starts the release binary,
//! loads it over loopback and prints one JSON line a scenario. Times are the
//! server's own CPU time, so that ratios hold when the machine is busy.

use std::{
    collections::HashMap,
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
    sync::{Barrier, Mutex},
    task::JoinSet,
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A server process that ends with the value.
struct Server {
    process: Child,
    address: String,
}

/// What is measured.
#[derive(Clone, Copy)]
enum Kind {
    Parlor,
    /// What the kernel alone costs: see [`floor`].
    Floor,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Parlor => "parlor",
            Self::Floor => "floor",
        }
    }
}

impl Server {
    fn start(kind: Kind) -> Outcome<Self> {
        let mut command = match kind {
            Kind::Parlor => Command::new(env!("CARGO_BIN_EXE_parlor")),
            Kind::Floor => Command::new(std::env::current_exe()?),
        };
        match kind {
            Kind::Parlor => command.args(["--listen", "127.0.0.1:0", "--room-members", "2000", "--rate", "1000000"]),
            Kind::Floor => command.arg("floor"),
        };
        let mut process = command.stderr(Stdio::piped()).spawn()?;
        let log = process.stderr.take().ok_or("no log")?;
        let mut lines = BufReader::new(log).lines();
        let address = lines
            .find_map(|line| Some(line.ok()?.split_once("http://")?.1.split_whitespace().next()?.to_owned()))
            .ok_or("the server did not start")?;
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
    let server = Server::start(Kind::Parlor)?;
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

/// Everybody in a room hears everything that one of them says.
#[derive(Clone, Copy)]
struct FanOut {
    rooms: usize,
    members: usize,
    per_room: usize,
    /// Messages on their way at a time.
    burst: usize,
    bytes: usize,
    /// Between the bursts of a room.
    pause: Duration,
}

async fn fan_out(kind: Kind, FanOut { rooms, members, per_room, burst, bytes, pause }: FanOut) -> Outcome<Value> {
    let server = Server::start(kind)?;
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
                        tokio::time::sleep(pause).await;
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
        "scenario": "fan-out", "server": kind.name(), "rooms": rooms, "members": members, "messages": rooms * per_room,
        "burst": burst, "bytes": bytes, "pause_ms": pause.as_millis() as u64,
        "deliveries_per_second": (deliveries as f64 / elapsed.as_secs_f64()).round(),
        "server_cpu_us_per_delivery": ((after - before) as f64 / deliveries as f64 * 100.0).round() / 100.0,
    }))
}

/// The floor: reads a frame, writes a prebuilt one to every member with one write(2) each, and knows nothing.
async fn floor() -> Outcome<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    let mut rooms: HashMap<String, Arc<Mutex<Vec<Arc<TcpStream>>>>> = HashMap::new();
    let framed = |json: String| [&[0x81, 126, 0, u8::try_from(json.len()).unwrap_or(0)][..], json.as_bytes()].concat();
    let id = "00000000-0000-0000-0000-000000000000";
    let chat = format!(r#"{{"type":"chat","seq":1,"from":"{id}","user":"load","text":"{}"}}"#, "x".repeat(128));
    let (chat, ack, welcome) = (framed(chat), framed(r#"{"type":"ack","n":1}"#.into()), framed(r#"{"type":"welcome"}"#.into()));
    loop {
        let (mut socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            socket.read_buf(&mut head).await?;
        }
        socket.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await?;
        socket.write_all(&welcome).await?;
        let name =
            String::from_utf8_lossy(&head).split("room=").nth(1).and_then(|rest| rest.split('&').next()).map(str::to_owned);
        let room = Arc::clone(rooms.entry(name.unwrap_or_default()).or_default());
        let (socket, chat, ack) = (Arc::new(socket), chat.clone(), ack.clone());
        room.lock().await.push(Arc::clone(&socket));
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                socket.readable().await?;
                match socket.try_read(&mut buffer) {
                    Ok(0) => return Outcome::Ok(()),
                    Ok(_) => {
                        for member in &*room.lock().await {
                            let frame = if Arc::ptr_eq(member, &socket) { &ack } else { &chat };
                            member.try_write(frame)?;
                        }
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error.into()),
                }
            }
        });
    }
}

fn main() -> Outcome<()> {
    if std::env::args().any(|word| word == "floor") {
        return tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(floor());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        println!("{}", idle(5000, 100).await?);
        let pause = Duration::from_millis(100);
        let talk = FanOut { rooms: 10, members: 100, per_room: 40, burst: 1, bytes: 128, pause };
        let busy = FanOut { per_room: 1000, pause: Duration::ZERO, ..talk };
        let small = FanOut { rooms: 500, members: 4, per_room: 20, pause: 2 * pause, ..talk };
        for scenario in [talk, busy, small] {
            for kind in [Kind::Floor, Kind::Parlor] {
                println!("{}", fan_out(kind, scenario).await?);
            }
        }
        println!("{}", fan_out(Kind::Parlor, FanOut { per_room: 10_000, burst: 200, ..busy }).await?);
        Ok(())
    })
}
