//! What stands beside the figures: the machine and the program.

use std::{fs, io, net::TcpStream, time::Instant};

use crate::{kind::Kind, meter, server::Server};

/// What the figures do not say.
pub struct Facts {
    pub cores: usize,
    /// GiB.
    pub memory: u64,
    pub runs: usize,
    /// Bytes of the program.
    pub binary: u64,
    /// Milliseconds from start to first answer.
    pub start: f64,
    /// Whether the kernel groups processes by login session.
    pub autogroups: bool,
}

impl Facts {
    /// Looks at this machine and at the program.
    ///
    /// # Errors
    /// The program does not start.
    pub fn gather(runs: usize) -> io::Result<Self> {
        let cores = meter::cores();
        let info = fs::read_to_string("/proc/meminfo")?;
        let kilobytes: u64 =
            info.split_whitespace().nth(1).and_then(|total| total.parse().ok()).unwrap_or(0);
        let mut starts = Vec::new();
        for _ in 0..5 {
            let began = Instant::now();
            let server = Server::start(Kind::Parlor, [cores[0], cores[0]])?;
            let mut socket = TcpStream::connect(server.addresses[0])?;
            io::Write::write_all(&mut socket, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")?;
            io::Read::read_exact(&mut socket, &mut [0; 12])?;
            starts.push(began.elapsed().as_secs_f64() * 1e3);
        }
        starts.sort_by(f64::total_cmp);
        let binary = fs::metadata(env!("CARGO_BIN_EXE_parlor"))?.len();
        Ok(Self {
            cores: cores.len(),
            memory: (kilobytes + (1 << 19)) >> 20,
            runs,
            binary,
            start: starts[2],
            autogroups: fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled")
                .is_ok_and(|enabled| enabled.trim() == "1"),
        })
    }
}
