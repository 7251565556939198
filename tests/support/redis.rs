//! A Redis server for one test. `PARLOR_TEST_REDIS_SERVER` names another program than `redis-server`.

use std::{
    io::{BufRead, BufReader, ErrorKind, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::dir::Dir;
pub use super::port::free_port;

/// A server on a free port of the loopback, with a directory of its own. Dropping it ends both.
pub struct Server {
    port: u16,
    dir: Dir,
    /// What it is started with, beside port and directory.
    args: Vec<String>,
    child: Mutex<Option<Child>>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(|_| ["--save", "", "--appendonly", "no"].map(str::to_owned).to_vec())
    }

    /// Starts a server with the arguments that `args` makes for its directory; they may draw ports of
    /// their own. Another process may take a port between the look and the start: then all are drawn again.
    pub fn start_with(args: impl Fn(&Path) -> Vec<String>) -> Self {
        for _ in 0..10 {
            let dir = Dir::new();
            let args = args(&dir);
            let server = Self { port: free_port(), dir, args, child: Mutex::default() };
            if server.launch() {
                return server;
            }
        }
        panic!("redis-server does not start");
    }

    /// A port at which nothing answers, until [`Self::launch`].
    pub fn later() -> Self {
        let server = Self::start();
        server.kill();
        server
    }

    /// Starts the server, empty. False if it does not come up.
    pub fn launch(&self) -> bool {
        let program =
            std::env::var("PARLOR_TEST_REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let mut command = Command::new(program);
        // A configuration file, if there is one, must come first.
        let (file, options) = match self.args.split_first() {
            Some((first, rest)) if !first.starts_with('-') => (Some(first), rest),
            _ => (None, &self.args[..]),
        };
        command.args(file).args(["--bind", "127.0.0.1", "--dir"]).arg(&*self.dir);
        command.args(["--port", &self.port.to_string()]).args(options);
        let child = match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("these tests need redis-server and redis-cli: apt-get install redis-server")
            }
            Err(error) => panic!("redis-server: {error}"),
        };
        *self.child.lock() = Some(child);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if self.child.lock().as_mut().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            if self.try_ask(&["PING"]).is_some_and(|answer| answer == "PONG") {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// The directory in which it runs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends the server as a crash would.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.lock().as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Runs a command; the answer's lines.
    pub fn ask(&self, command: &[&str]) -> String {
        self.try_ask(command).unwrap_or_else(|| panic!("no answer to {command:?}"))
    }

    /// The same, if it answers within a few seconds.
    pub fn try_ask(&self, command: &[&str]) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        let mut request = format!("*{}\r\n", command.len());
        for word in command {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        stream.write_all(request.as_bytes()).ok()?;
        read_answer(&mut BufReader::new(stream))
    }

    /// Every key that there is, by SCAN.
    pub fn keys(&self) -> Vec<String> {
        let (mut keys, mut cursor) = (Vec::new(), "0".to_owned());
        loop {
            let answer = self.ask(&["SCAN", &cursor, "COUNT", "1000"]);
            let mut lines = answer.lines().map(str::to_owned);
            cursor = lines.next().unwrap();
            keys.extend(lines.filter(|line| !line.is_empty()));
            if cursor == "0" {
                return keys;
            }
        }
    }

    /// Everything that is kept under any key, whatever its type.
    pub fn contents(&self) -> String {
        let read = |key: &String| match &*self.ask(&["TYPE", key]) {
            "hash" => self.ask(&["HGETALL", key]),
            "list" => self.ask(&["LRANGE", key, "0", "-1"]),
            "set" => self.ask(&["SMEMBERS", key]),
            "string" => self.ask(&["GET", key]),
            // The key may be gone meanwhile.
            "none" => String::new(),
            other => panic!("{key} is a {other}"),
        };
        self.keys().iter().map(|key| format!("{key}\n{}\n", read(key))).collect()
    }

    /// How often a command was called, as INFO commandstats tells.
    pub fn calls(&self, command: &str) -> u64 {
        self.calls_of([command])[0]
    }

    /// How often commands were called, all at one moment.
    pub fn calls_of<const N: usize>(&self, commands: [&str; N]) -> [u64; N] {
        let stats = self.ask(&["INFO", "commandstats"]);
        commands.map(|command| {
            let prefix = format!("cmdstat_{command}:calls=");
            let calls = stats
                .lines()
                .find_map(|line| line.strip_prefix(&prefix)?.split(',').next()?.parse().ok());
            calls.unwrap_or(0)
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn read_answer(stream: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let line = line.trim_end();
    let (kind, rest) = line.split_at_checked(1)?;
    match kind {
        "$" => {
            let length: i64 = rest.parse().ok()?;
            let Ok(length) = usize::try_from(length) else { return Some(String::new()) };
            let mut bytes = vec![0; length + 2];
            stream.read_exact(&mut bytes).ok()?;
            bytes.truncate(length);
            String::from_utf8(bytes).ok()
        }
        "*" => {
            let parts: Option<Vec<String>> =
                (0..rest.parse::<usize>().ok()?).map(|_| read_answer(stream)).collect();
            Some(parts?.join("\n"))
        }
        _ => Some(rest.to_owned()),
    }
}
