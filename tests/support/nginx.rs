//! A real NGINX with the configuration that is shipped.

use std::{
    fs,
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use super::dir::Dir;

/// What one address may have open, ask a second for long, and ask at once.
pub struct ClientLimits {
    pub connections: u32,
    pub rate: u32,
    pub burst: u32,
}

/// In front of some nodes; ends with the value.
pub struct Nginx {
    process: Child,
    dir: Dir,
    pub address: SocketAddr,
}

impl Nginx {
    pub fn start(port: u16, nodes: impl IntoIterator<Item = SocketAddr>) -> Self {
        // All the clients of a test come from one address.
        Self::start_with(
            port,
            nodes,
            ClientLimits { connections: 60_000, rate: 100_000, burst: 100_000 },
        )
    }

    pub fn start_with(
        port: u16,
        nodes: impl IntoIterator<Item = SocketAddr>,
        limits: ClientLimits,
    ) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let dir = Dir::new();
        let servers: String =
            nodes.into_iter().map(|node| format!("server {node} max_fails=0;")).collect();
        let shipped = include_str!("../../deploy/nginx.conf")
            .replace("${PARLOR_NODES}", &servers)
            .replace("${PARLOR_PORT}", &address.to_string())
            .replace("${PARLOR_CLIENT_CONNECTIONS}", &limits.connections.to_string())
            .replace("${PARLOR_CLIENT_RATE}", &limits.rate.to_string())
            .replace("${PARLOR_CLIENT_BURST}", &limits.burst.to_string());
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", dir.display()))
            .concat();
        let whole = format!(
            "pid {dir}/pid; error_log {dir}/error.log; daemon off;\nevents {{ worker_connections 4096; }}\nhttp {{ access_log off;\n{temporary}\n{shipped}\n}}\n",
            dir = dir.display()
        );
        fs::write(dir.join("nginx.conf"), whole).unwrap();
        let nginx = |check: &[&str]| {
            let mut command = Command::new("nginx");
            command
                .arg("-p")
                .arg(&*dir)
                .arg("-c")
                .arg(dir.join("nginx.conf"))
                .args(check)
                .stderr(Stdio::piped());
            command
        };
        let check =
            nginx(&["-t"]).output().expect("these tests need nginx: apt-get install nginx-light");
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
        let process = nginx(&[]).stderr(Stdio::null()).spawn().unwrap();
        Self { process, dir, address }
    }

    /// Reads the configuration again, as after a change of it.
    pub fn reload(&self) {
        self.signal("HUP");
    }

    /// What it complained of.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("error.log")).unwrap_or_default()
    }

    /// The master, by pid: it takes its workers along.
    fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.signal("TERM");
        let _ = self.process.wait();
    }
}
