//! Servers of our own, on free ports of the loopback, with the default settings. They end with their values.

use std::{
    fs, io,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process, and how it is started.
pub struct Server {
    pub port: u16,
    program: &'static str,
    args: Vec<String>,
    env: Vec<(String, String)>,
    /// What is asked, and how an answer begins that says it is ready.
    ready: [&'static str; 2],
    child: Option<Child>,
}

/// Where nothing listens at the moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A node of Parlor: rooms live in the Redis at this port, or in the node. What else it is told by `args` may be
/// flags (`--rate`, `1000`) and variables (`NAME=value`).
///
/// # Errors
/// It does not start.
pub fn parlor(redis: Option<&Server>, args: &[&str]) -> io::Result<Server> {
    Server::start(|port| {
        let mut server = Server {
            port,
            program: env!("CARGO_BIN_EXE_parlor"),
            args: ["--listen", &format!("127.0.0.1:{port}"), "--log-filter", "parlor=warn"]
                .map(str::to_owned)
                .to_vec(),
            env: Vec::new(),
            ready: ["GET /readyz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", "HTTP/1.0 200"],
            child: None,
        };
        if let Some(redis) = redis {
            server
                .args
                .extend(["--redis-url".to_owned(), format!("redis://127.0.0.1:{}", redis.port)]);
        }
        for arg in args {
            match arg.split_once('=') {
                Some((name, value)) => server.env.push((name.to_owned(), value.to_owned())),
                None => server.args.push((*arg).to_owned()),
            }
        }
        server
    })
}

/// A Redis that keeps nothing.
///
/// # Errors
/// It does not start.
pub fn redis() -> io::Result<Server> {
    Server::start(|port| {
        let text = port.to_string();
        let args = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--port", &text]
            .map(str::to_owned)
            .to_vec();
        Server {
            port,
            program: "redis-server",
            args,
            env: Vec::new(),
            ready: ["PING\r\n", "+PONG"],
            child: None,
        }
    })
}

impl Server {
    /// Another program may take a port between the look and the start: then another is looked for.
    fn start(server: impl Fn(u16) -> Self) -> io::Result<Self> {
        let mut failed = None;
        for _ in 0..5 {
            let mut server = server(free_port()?);
            match server.launch() {
                Ok(()) => return Ok(server),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| io::Error::other("not started")))
    }

    /// Starts it, also again, and waits until it is ready.
    ///
    /// # Errors
    /// It ends instead, or it does not answer in time.
    pub fn launch(&mut self) -> io::Result<()> {
        self.spawn()?;
        let end = Instant::now() + PATIENCE;
        while !self.is_ready() {
            if self.ended()? || Instant::now() > end {
                self.kill();
                return Err(io::Error::other(format!("{} does not start", self.program)));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Starts it and waits for nothing.
    ///
    /// # Errors
    /// There is no such program.
    pub fn spawn(&mut self) -> io::Result<()> {
        self.kill();
        // Ends with this process, also where that is ended by a signal.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--", self.program])
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        // Nothing of the caller's settings.
        for (name, _) in std::env::vars()
            .filter(|(name, _)| name.starts_with("PARLOR_") || name.ends_with("_URL"))
        {
            command.env_remove(name);
        }
        self.child = Some(command.envs(self.env.iter().cloned()).env("NO_COLOR", "1").spawn()?);
        Ok(())
    }

    /// Whether it answers as it should.
    pub fn is_ready(&self) -> bool {
        let ask = || -> io::Result<bool> {
            let mut stream = TcpStream::connect(self.address())?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(self.ready[0].as_bytes())?;
            let mut answer = vec![0; self.ready[1].len()];
            stream.read_exact(&mut answer)?;
            // To HTTP/1.0 some answer by 1.1.
            Ok(String::from_utf8_lossy(&answer).replace("1.1", "1.0") == self.ready[1])
        };
        ask().unwrap_or(false)
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Sends a signal, if it is there.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.child.as_ref().and_then(|child| Pid::from_raw(child.id() as i32)) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Stops all of its threads, and returns when they have stopped; SIGCONT lets them go on.
    ///
    /// # Errors
    /// It is gone.
    pub fn freeze(&self) -> io::Result<()> {
        self.signal(Signal::STOP);
        loop {
            let mut all = true;
            for task in fs::read_dir(format!("/proc/{}/task", self.pid()))? {
                // The state stands behind the name, which is in brackets.
                all &= fs::read_to_string(task?.path().join("stat"))?
                    .rsplit(") ")
                    .next()
                    .is_some_and(|rest| rest.starts_with('T'));
            }
            if all {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether it has ended by itself.
    ///
    /// # Errors
    /// The kernel's.
    pub fn ended(&mut self) -> io::Result<bool> {
        self.child.as_mut().map_or(Ok(true), |child| Ok(child.try_wait()?.is_some()))
    }

    /// Memory that it holds, as `ps` tells it.
    ///
    /// # Errors
    /// It is gone.
    pub fn resident(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let kilobytes = status.lines().find_map(|line| {
            line.strip_prefix("VmRSS:")?.trim().trim_end_matches(" kB").parse::<u64>().ok()
        });
        Ok(kilobytes.unwrap_or_default() * 1024)
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
