//! Real proxies in front of some nodes, with the configurations that are shipped.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use super::dir::Dir;

/// Which proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    HAProxy,
    Apache,
    Caddy,
    Varnish,
}

/// A proxy that runs; ends with the value.
pub struct Proxy {
    process: Child,
    dir: Dir,
    pub address: SocketAddr,
}

/// What Debian's Apache loads from files of its own, and this one here.
const MODULES: [&str; 11] = [
    "setenvif",
    "mpm_event",
    "authz_core",
    "headers",
    "proxy",
    "proxy_http",
    "proxy_balancer",
    "proxy_hcheck",
    "slotmem_shm",
    "lbmethod_byrequests",
    "lbmethod_bybusyness",
];

impl Kind {
    /// The file that is shipped, for two nodes at 8081 and 8082 of this machine, on port 80.
    pub fn shipped(self) -> String {
        let name = match self {
            Self::HAProxy => "haproxy.cfg",
            Self::Apache => "apache.conf",
            Self::Caddy => "Caddyfile",
            Self::Varnish => panic!("there is no file for {self:?}"),
        };
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)).unwrap()
    }

    /// Starts the proxy with the shipped file, before these two nodes. Each of `changes` must change something.
    pub fn start(self, port: u16, nodes: [SocketAddr; 2], changes: &[(&str, &str)]) -> Proxy {
        let config = changed(self.shipped(), changes);
        let [one, two] = nodes.map(|node| node.to_string());
        self.start_with(
            port,
            &changed(config, &[("127.0.0.1:8081", &one), ("127.0.0.1:8082", &two)]),
        )
    }

    /// Starts the proxy with a file that is written as the shipped ones are.
    pub fn start_with(self, port: u16, config: &str) -> Proxy {
        let dir = Dir::new();
        let (name, file) = (dir.display(), dir.join("config"));
        let (program, config) = match self {
            Self::HAProxy => (
                "haproxy",
                changed(config.to_owned(), &[("bind :80\n", &format!("bind 127.0.0.1:{port}\n"))]),
            ),
            Self::Caddy => {
                let site = format!("http://:{port} {{\n\tbind 127.0.0.1\n");
                (
                    "caddy",
                    format!(
                        "{{\n\tadmin off\n}}\n{}",
                        changed(config.to_owned(), &[(":80 {\n", &site)])
                    ),
                )
            }
            Self::Apache => {
                let modules: String = MODULES
                    .map(|name| {
                        format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")
                    })
                    .concat();
                let main = format!(
                    "ServerRoot {name}\nServerName localhost\nDefaultRuntimeDir {name}\nPidFile {name}/pid\nErrorLog {name}/error.log\n\
                     DocumentRoot {name}/pages\nUser www-data\nGroup www-data\nListen 127.0.0.1:{port}\n"
                );
                fs::create_dir_all(dir.join("pages")).unwrap();
                (
                    "apache2",
                    modules
                        + &main
                        + &changed(config.to_owned(), &[("*:80>", &format!("127.0.0.1:{port}>"))]),
                )
            }
            Self::Varnish => ("varnishd", config.to_owned()),
        };
        fs::write(&file, config).unwrap();
        // Debian keeps these where only root looks for programs.
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/local/sbin:/usr/sbin";
        let mut command = Command::new(program);
        command
            .env("PATH", path)
            .env("XDG_DATA_HOME", &*dir)
            .env("XDG_CONFIG_HOME", &*dir)
            .current_dir(&*dir);
        match self {
            Self::HAProxy => command.arg("-db").arg("-f").arg(&file),
            Self::Apache => command.args(["-D", "FOREGROUND", "-f"]).arg(&file),
            Self::Caddy => command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file),
            Self::Varnish => {
                let address = format!("127.0.0.1:{port}");
                command
                    .args([
                        "-F",
                        "-j",
                        "none",
                        "-T",
                        "none",
                        "-s",
                        "malloc,16M",
                        "-p",
                        "pipe_timeout=86400",
                        "-a",
                        &address,
                        "-n",
                    ])
                    .arg(dir.join("work"));
                command.arg("-f").arg(&file)
            }
        };
        let said = fs::File::create(dir.join("said")).unwrap();
        command.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said);
        let process = command
            .spawn()
            .unwrap_or_else(|error| panic!("these tests need {program} (make tools): {error}"));
        Proxy { process, dir, address: ([127, 0, 0, 1], port).into() }
    }
}

/// Replaces each first by each second; all must be there.
fn changed(text: String, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "no {from:?} in\n{text}");
        text.replace(from, to)
    })
}

impl Proxy {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until it answers and its nodes are ready.
    pub async fn ready(mut self) -> Self {
        let asking = async {
            loop {
                let answer = super::http::get(self.url("/readyz")).await;
                if answer.is_ok_and(|answer| answer.status() == 200) {
                    return;
                }
                assert!(
                    self.process.try_wait().unwrap().is_none(),
                    "it has ended: {}",
                    self.said()
                );
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let asked = tokio::time::timeout(super::PATIENCE, asking).await;
        assert!(asked.is_ok(), "no answer: {}", self.said());
        self
    }

    /// What it complained of.
    pub fn said(&self) -> String {
        ["said", "error.log"]
            .map(|file| fs::read_to_string(self.dir.join(file)).unwrap_or_default())
            .concat()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Not KILL: it takes its workers along.
        let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}
