//! What is measured, started on a core of its own on free ports of the loopback.

use std::{
    fs, io,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::kind::Kind;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// What Parlor would hold one address, or all of them, to.
const UNLIMITED: [&str; 12] = [
    "PARLOR_ADDRESS_CONNECTIONS",
    "PARLOR_ADDRESS_SEATS",
    "PARLOR_ADDRESS_ROOMS",
    "PARLOR_ADDRESS_JOINS",
    "PARLOR_ADDRESS_RATE",
    "PARLOR_ADDRESS_TEXT",
    "PARLOR_ADDRESS_UNREAD",
    "PARLOR_MAX_CONNECTIONS",
    "PARLOR_MAX_SEATS",
    "PARLOR_MAX_ROOMS",
    "PARLOR_MAX_TEXT",
    "PARLOR_MAX_UNREAD",
];

/// Processes that end with the value.
pub struct Server {
    children: Vec<Child>,
    folder: Option<PathBuf>,
    pub addresses: Vec<SocketAddr>,
    /// The server's processes.
    pub pids: Vec<u32>,
    /// Redis.
    pub aside: Vec<u32>,
    /// Where it listens.
    pub redis: Option<SocketAddr>,
}

/// Where nothing listens at the moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A program that is to run on `core`.
fn on_core(core: usize, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program).stdout(Stdio::null());
    command
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}

/// A peer that `make bench` has built.
fn built(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers").join(name)
}

impl Server {
    /// Starts it on the first core given; what serves it runs on the second, beside the generator.
    ///
    /// # Errors
    /// It does not start: what it said, or what is missing.
    pub fn start(kind: Kind, [core, other]: [usize; 2]) -> io::Result<Self> {
        let mut server = Self {
            children: Vec::new(),
            folder: None,
            addresses: Vec::new(),
            pids: Vec::new(),
            aside: Vec::new(),
            redis: None,
        };
        match kind {
            Kind::Floor | Kind::FloorBatching => {
                let mut command = on_core(core, std::env::current_exe()?);
                command.arg("floor").args((kind == Kind::FloorBatching).then_some("batching"));
                server.talkative(command)?;
            }
            Kind::Parlor => server.parlor(core, None)?,
            Kind::ParlorRedis | Kind::ParlorTwoNodes | Kind::ParlorFourNodes => {
                let url = format!("redis://127.0.0.1:{}", server.redis(other, &[])?);
                let nodes = match kind {
                    Kind::ParlorRedis => 1,
                    Kind::ParlorTwoNodes => 2,
                    _ => 4,
                };
                for _ in 0..nodes {
                    server.parlor(core, Some(&url))?;
                }
            }
            Kind::ParlorThreeMasters => {
                let url = server.cluster(other)?;
                server.parlor(core, Some(&url))?;
            }
            Kind::Redis => {
                let port = server.redis(other, &[])?;
                server.addresses.push((Ipv4Addr::LOCALHOST, port).into());
            }
            Kind::Nchan => server.nchan(core)?,
            Kind::Gorilla => server.talkative(on_core(core, built("hub")))?,
            Kind::Centrifugo => server.centrifugo(core, None)?,
            Kind::CentrifugoRedis | Kind::CentrifugoTwoNodes => {
                let port = server.redis(other, &[])?;
                for _ in 0..1 + usize::from(kind == Kind::CentrifugoTwoNodes) {
                    server.centrifugo(core, Some(port))?;
                }
            }
            Kind::Ws | Kind::SocketIo => {
                let file = peers().join(if kind == Kind::Ws { "ws.mjs" } else { "socketio.mjs" });
                let mut command = on_core(core, "node");
                command.arg(file);
                server.talkative(command)?;
            }
        }
        Ok(server)
    }

    fn parlor(&mut self, core: usize, redis: Option<&str>) -> io::Result<()> {
        let mut command = on_core(core, env!("CARGO_BIN_EXE_parlor"));
        command.args(["--listen", "127.0.0.1:0", "--room-members", "2000", "--rate", "1000000"]);
        if let Some(url) = redis {
            command.arg("--redis-url").arg(url);
        }
        // Nothing of the caller's settings.
        for (name, _) in std::env::vars()
            .filter(|(name, _)| name.starts_with("PARLOR_") || name.ends_with("_URL"))
        {
            command.env_remove(name);
        }
        // All load comes from one address; as variables, because a build before this one does not know the flags.
        for limit in UNLIMITED {
            command.env(limit, "0");
        }
        self.talkative(command.env("NO_COLOR", "1"))
    }

    /// A program that says on its standard error where it listens.
    fn talkative(&mut self, mut command: impl std::borrow::BorrowMut<Command>) -> io::Result<()> {
        let mut child = command.borrow_mut().stderr(Stdio::piped()).spawn()?;
        let mut lines =
            BufReader::new(child.stderr.take().ok_or_else(|| io::Error::other("no log"))?).lines();
        self.pids.push(child.id());
        self.children.push(child);
        let mut said = String::new();
        let address = lines.find_map(|line| {
            let line = line.ok()?;
            said += &format!("{line}\n");
            line.split_once("http://")?.1.split_whitespace().next()?.parse().ok()
        });
        self.addresses.push(address.ok_or_else(|| {
            io::Error::other(format!("{command:?}: {said}", command = command.borrow()))
        })?);
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| eprintln!("{line}"))
        });
        Ok(())
    }

    fn redis(&mut self, core: usize, more: &[&str]) -> io::Result<u16> {
        let port = free_port()?;
        let mut command = on_core(core, "redis-server");
        command
            .args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--port"])
            .arg(port.to_string())
            .args(more);
        let child = command.spawn()?;
        self.aside.push(child.id());
        self.children.push(child);
        wait_for(port)?;
        self.redis = Some((Ipv4Addr::LOCALHOST, port).into());
        Ok(port)
    }

    /// Three masters without replicas. Returns the URL.
    fn cluster(&mut self, core: usize) -> io::Result<String> {
        let folder = std::env::temp_dir().join(format!("parlor-cluster-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let dir = folder.to_string_lossy().into_owned();
        self.folder = Some(folder);
        let mut hosts = Vec::new();
        for master in 0..3 {
            let (file, bus) = (format!("nodes-{master}.conf"), free_port()?.to_string());
            let more = ["--cluster-enabled", "yes", "--dir", &dir, "--cluster-config-file", &file];
            let port = self.redis(core, &[&more[..], &["--cluster-port", &bus]].concat())?;
            hosts.push(format!("127.0.0.1:{port}"));
        }
        let mut form = Command::new("redis-cli");
        form.args(["--cluster", "create"]).args(&hosts).arg("--cluster-yes").stdout(Stdio::null());
        if !form.status()?.success() {
            return Err(io::Error::other("the cluster does not form"));
        }
        Ok(format!("redis-cluster://{}", hosts.join(",")))
    }

    fn centrifugo(&mut self, core: usize, redis: Option<u16>) -> io::Result<()> {
        let port = free_port()?;
        let mut command = on_core(core, built("centrifugo"));
        command
            .arg("--config")
            .arg(peers().join("centrifugo.json"))
            .env("CENTRIFUGO_HTTP_SERVER_ADDRESS", "127.0.0.1")
            .env("CENTRIFUGO_HTTP_SERVER_PORT", port.to_string());
        if let Some(redis) = redis {
            command
                .env("CENTRIFUGO_ENGINE_TYPE", "redis")
                .env("CENTRIFUGO_ENGINE_REDIS_ADDRESS", format!("127.0.0.1:{redis}"));
        }
        let child = command.spawn()?;
        self.pids.push(child.id());
        self.children.push(child);
        wait_for(port)?;
        self.addresses.push((Ipv4Addr::LOCALHOST, port).into());
        Ok(())
    }

    fn nchan(&mut self, core: usize) -> io::Result<()> {
        let (folder, port) = (
            std::env::temp_dir().join(format!("parlor-nchan-{}", std::process::id())),
            free_port()?,
        );
        fs::create_dir_all(&folder)?;
        let config = folder.join("nginx.conf");
        let template = fs::read_to_string(peers().join("nchan.conf"))?;
        fs::write(
            &config,
            template
                .replace("FOLDER", &folder.to_string_lossy())
                .replace("PORT", &port.to_string()),
        )?;
        let child = on_core(core, "nginx")
            .arg("-p")
            .arg(&folder)
            .arg("-e")
            .arg(folder.join("error.log"))
            .arg("-c")
            .arg(&config)
            .spawn()?;
        let master = child.id();
        self.children.push(child);
        self.folder = Some(folder);
        wait_for(port)?;
        self.addresses.push((Ipv4Addr::LOCALHOST, port).into());
        // The port is open before there is anybody to serve it.
        let until = Instant::now() + PATIENCE;
        while self.pids.is_empty() {
            let workers = fs::read_to_string(format!("/proc/{master}/task/{master}/children"))?;
            self.pids.extend(workers.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
            if Instant::now() > until {
                return Err(io::Error::other("nginx has no worker"));
            }
        }
        Ok(())
    }
}

/// Until a server listens there.
fn wait_for(port: u16) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    while let Err(error) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
        if Instant::now() > until {
            return Err(error);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

impl Drop for Server {
    fn drop(&mut self) {
        // Redis, which is the first, goes last.
        for child in self.children.iter_mut().rev() {
            // nginx would leave its workers behind if it were killed.
            if let (Some(_), Some(pid)) =
                (&self.folder, rustix::process::Pid::from_raw(child.id() as i32))
            {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            } else {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}
