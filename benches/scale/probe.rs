//! What others notice meanwhile: two people in a room of their own, a message each 50 ms, how long each takes.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use socket2::{Domain, Socket, Type};

use super::{
    frame::{self, PING, PONG, UPGRADE},
    tally::{millis, quantile},
};

/// Between two messages.
const PACE: Duration = Duration::from_millis(50);

/// How long the last messages are waited for.
const LINGER: Duration = Duration::from_secs(5);

pub struct Probe {
    /// Nothing more is to be said; and everything has been said.
    ends: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
    said: Arc<Mutex<Vec<Instant>>>,
    speaker: JoinHandle<io::Result<TcpStream>>,
    listener: JoinHandle<io::Result<Vec<Duration>>>,
}

/// How long messages took, from the moment at which each was due.
pub struct Waits {
    pub median: Duration,
    pub p99: Duration,
    pub max: Duration,
    /// Not heard at all.
    pub lost: usize,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, p99, max, lost } = self;
        write!(f, "p50 {}, p99 {}, max {}", millis(*median), millis(*p99), millis(*max))?;
        if *lost > 0 { write!(f, ", {lost} not heard") } else { Ok(()) }
    }
}

impl Probe {
    /// Two come in at a node, and begin.
    ///
    /// # Errors
    /// They are not let in.
    pub fn start(door: SocketAddr) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let room = format!("probe-{}", COUNT.fetch_add(1, Ordering::SeqCst));
        let [speaker, listener] = [enter(door, &room)?, enter(door, &room)?];
        let [ends, ended] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let said = Arc::new(Mutex::new(Vec::new()));
        let (over, due) = (Arc::clone(&ended), Arc::clone(&said));
        let listener = std::thread::spawn(move || listen(listener, &over, &due));
        let (over, due) = (Arc::clone(&ends), Arc::clone(&said));
        let speaker = std::thread::spawn(move || speak(speaker, &over, &due));
        Ok(Self { ends, ended, said, speaker, listener })
    }

    /// Ends it.
    ///
    /// # Errors
    /// A link broke, which in the room of a node that lives must not be.
    pub fn stop(self) -> io::Result<Waits> {
        self.ends.store(true, Ordering::SeqCst);
        let panicked = |_| io::Error::other("the probe panicked");
        // Stays until the last is heard: a socket that goes may take unread words with it.
        let _speaker = self.speaker.join().map_err(panicked)??;
        self.ended.store(true, Ordering::SeqCst);
        let mut waits = self.listener.join().map_err(panicked)??;
        waits.sort_unstable();
        let said = self.said.lock().len();
        Ok(Waits {
            median: quantile(&waits, 0.5),
            p99: quantile(&waits, 0.99),
            max: quantile(&waits, 1.0),
            lost: said - waits.len(),
        })
    }
}

/// A socket whose welcome has been heard.
fn enter(door: SocketAddr, room: &str) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 200, 1), 0)).into())?;
    socket.connect(&door.into())?;
    socket.set_nodelay(true)?;
    let mut socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    socket.write_all(
        format!("GET /ws?room={room}&name=probe HTTP/1.1\r\nHost: 127.0.0.1\r\n{UPGRADE}\r\n")
            .as_bytes(),
    )?;
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    // No member speaks yet, so nothing that is to be heard comes behind the welcome.
    loop {
        match socket.read(&mut buffer)? {
            0 => return Err(io::Error::other("the probe is not let in")),
            read => heard.extend_from_slice(&buffer[..read]),
        }
        let head = memchr::memmem::find(&heard, b"\r\n\r\n").map_or(heard.len(), |at| at + 4);
        if frame::next(&heard[head..])
            .is_some_and(|(frame, _)| frame::kind(frame.payload) == b"welcome")
        {
            return Ok(socket);
        }
    }
}

/// Says what is due, however long the server takes.
fn speak(
    mut socket: TcpStream,
    over: &AtomicBool,
    due: &Mutex<Vec<Instant>>,
) -> io::Result<TcpStream> {
    punctual();
    let (began, mut said) = (Instant::now(), 0);
    let mut buffer = [0; 4096];
    while !over.load(Ordering::SeqCst) {
        let at = began + PACE * said;
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        said += 1;
        due.lock().push(at);
        socket.set_nonblocking(false)?;
        socket.write_all(&frame::chat("probe", said.into()))?;
        // Acks are not waited for, but they must not pile up.
        socket.set_nonblocking(true)?;
        while matches!(socket.read(&mut buffer), Ok(1..)) {}
    }
    Ok(socket)
}

/// Notes when what was said is heard.
fn listen(
    mut socket: TcpStream,
    over: &AtomicBool,
    due: &Mutex<Vec<Instant>>,
) -> io::Result<Vec<Duration>> {
    punctual();
    socket.set_read_timeout(Some(Duration::from_millis(20)))?;
    let (mut waits, mut rest, mut buffer) = (Vec::new(), Vec::new(), [0; 4096]);
    let mut end = None;
    loop {
        if over.load(Ordering::SeqCst) {
            let end = *end.get_or_insert_with(|| Instant::now() + LINGER);
            if waits.len() == due.lock().len() || Instant::now() > end {
                return Ok(waits);
            }
        }
        match socket.read(&mut buffer) {
            Ok(0) => return Err(io::Error::other("the probe was put out")),
            Ok(read) => rest.extend_from_slice(&buffer[..read]),
            Err(error)
                if [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&error.kind()) =>
            {
                continue;
            }
            Err(error) => return Err(error),
        }
        let now = Instant::now();
        while let Some((heard, taken)) = frame::next(&rest) {
            if heard.op == PING {
                let pong = frame::frame(PONG, heard.payload);
                socket.write_all(&pong)?;
            } else if frame::kind(heard.payload) == b"chat" {
                let at = due.lock().get(waits.len()).copied();
                waits.extend(at.map(|at| now - at));
            }
            rest.drain(..taken);
        }
    }
}

/// Before the crowd, where that is allowed: its turn would count as the server's delay.
fn punctual() {
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), -10);
}
