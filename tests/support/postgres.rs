//! A PostgreSQL server for the tests that run at the same time, with a database for each of them.

use std::{
    io::ErrorKind,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::dir::Dir;

/// `nobody` of Debian: PostgreSQL refuses to be run by root.
const NOBODY: u32 = 65534;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A server on a free port of the loopback, with a directory of its own. Dropping the last of it ends both.
pub struct Postgres {
    port: u16,
    dir: Dir,
    child: Option<Child>,
}

impl Postgres {
    /// The server that is running, or a new one.
    pub fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock();
        if let Some(server) = running.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start());
        *running = Arc::downgrade(&server);
        server
    }

    fn start() -> Self {
        let dir = Dir::new();
        std::fs::set_permissions(&*dir, std::fs::Permissions::from_mode(0o700)).unwrap();
        if is_root() {
            chown(&*dir, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut server = Self { port: 0, dir, child: None };
        let made = server
            .command("initdb")
            .args([
                "--auth",
                "trust",
                "--username",
                "parlor",
                "--encoding",
                "UTF8",
                "--locale",
                "C.UTF-8",
                "--no-sync",
            ])
            .output()
            .unwrap_or_else(|error| missing(&error));
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        // Another process may take the port between the look and the start.
        for _ in 0..10 {
            server.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if server.launch() {
                return server;
            }
        }
        panic!("postgres does not start");
    }

    /// A program of the server's, in its directory, by a user who may run it.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(find(program));
        command
            .current_dir(&*self.dir)
            .env_clear()
            .env("PGDATA", self.dir.join("data"))
            .stdout(Stdio::null())
            .stdin(Stdio::null());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn launch(&mut self) -> bool {
        let spawned = self
            .command("postgres")
            .args([
                "-p",
                &self.port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
            ])
            .args(["-c", "unix_socket_directories=", "-c", "max_connections=200"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| missing(&error));
        self.child = Some(spawned);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            // It writes this line when it takes connections.
            let lines =
                std::fs::read_to_string(self.dir.join("data/postmaster.pid")).unwrap_or_default();
            if lines.lines().any(|line| line.trim() == "ready") {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// A new, empty database.
    pub async fn database(&self) -> String {
        let name = format!("test{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://parlor@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Killed, it would leave its children to find out by themselves.
            let _ = Command::new("kill").args(["-QUIT", &child.id().to_string()]).status();
            let _ = child.wait();
        }
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// On the path, or where Debian puts it.
fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"));
    let mut places =
        std::env::split_paths(&path).chain(debian).map(|dir: PathBuf| dir.join(program));
    places
        .find(|place| Path::is_file(place))
        .unwrap_or_else(|| missing(&ErrorKind::NotFound.into()))
}

fn missing(error: &std::io::Error) -> ! {
    panic!("these tests need the PostgreSQL server: apt-get install postgresql ({error})")
}
