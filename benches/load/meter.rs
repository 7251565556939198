//! What a process has used so far, as the kernel counts it, and Redis itself.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// CPU time and memory of some processes.
#[derive(Clone, Copy, Default, Debug)]
pub struct Usage {
    /// User and system time of all threads.
    pub cpu: Duration,
    /// Bytes that no file stands behind: anonymous and shared.
    pub memory: u64,
}

impl Usage {
    /// The sum over `pids`.
    ///
    /// # Errors
    /// One of them is gone.
    pub fn of(pids: &[u32]) -> io::Result<Self> {
        let mut sum = Self::default();
        for pid in pids {
            for task in fs::read_dir(format!("/proc/{pid}/task"))? {
                // A thread may end between the two looks.
                let Ok(line) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
                let nanos = line.split_whitespace().next().and_then(|first| first.parse().ok());
                sum.cpu += Duration::from_nanos(nanos.unwrap_or(0));
            }
            let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
            for line in status.lines() {
                let Some(size) =
                    line.strip_prefix("RssAnon:").or_else(|| line.strip_prefix("RssShmem:"))
                else {
                    continue;
                };
                let kilobytes: u64 =
                    size.trim().trim_end_matches(" kB").parse().map_err(io::Error::other)?;
                sum.memory += kilobytes * 1024;
            }
        }
        Ok(sum)
    }
}

/// How many scripts a Redis has run, and for how many microseconds, by its own count.
///
/// # Errors
/// It does not answer.
pub fn scripts_run(redis: SocketAddr) -> io::Result<(f64, f64)> {
    let mut redis = TcpStream::connect(redis)?;
    redis.write_all(b"INFO commandstats\r\nQUIT\r\n")?;
    for line in BufReader::new(redis).lines() {
        let line = line?;
        let Some(stats) = line.strip_prefix("cmdstat_evalsha:") else { continue };
        let figure = |name: &str| {
            stats
                .split(',')
                .find_map(|word| word.strip_prefix(name)?.parse().ok())
                .unwrap_or_default()
        };
        return Ok((figure("calls="), figure("usec=")));
    }
    Ok((0.0, 0.0))
}

/// The cores that this process may use, in order.
pub fn cores() -> Vec<usize> {
    let set = rustix::thread::sched_getaffinity(None).unwrap_or_default();
    (0..rustix::thread::CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
}

/// As many open files as the machine allows.
pub fn open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most =
        fs::read_to_string("/proc/sys/fs/nr_open").ok().and_then(|most| most.trim().parse().ok());
    let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
    // Only root may raise the maximum; other users go up to it.
    if most.is_none_or(|most| setrlimit(Resource::Nofile, limit(most)).is_err()) {
        let allowed = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: allowed.maximum, ..allowed });
    }
}
