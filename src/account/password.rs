//! Passwords: bcrypt, on threads of their own with a lower priority.

use std::{
    io,
    net::IpAddr,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{
    AccountError,
    queue::{Bounds, FairQueue, Permit},
};

/// How many requests may wait: as many as one thread serves within [`PATIENCE`]; of one address half of them.
const WAITING: Bounds = Bounds { all: 128, one: 64 };

/// How long a request waits. With the work itself it is less than the minute after which proxies give up.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The threads' niceness, of 19: a ninth of the chat's weight, and not starved where other programs share the machine.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// A password: 8 to 72 bytes without NUL. Bcrypt would truncate a longer one, and fail on a NUL.
pub struct Password(String);

impl Password {
    /// The shortest and the longest password, in bytes of UTF-8.
    pub const BYTES: std::ops::RangeInclusive<usize> = 8..=72;
}

impl FromStr for Password {
    type Err = AccountError;

    fn from_str(given: &str) -> Result<Self, AccountError> {
        let fits = Self::BYTES.contains(&given.len()) && !given.contains('\0');
        if fits { Ok(Self(given.to_owned())) } else { Err(AccountError::BadPassword) }
    }
}

/// The work of a hash: bcrypt's exponent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost(u32);

impl Cost {
    /// The cost in production: about a quarter of a second.
    pub const SERVED: Self = Self(12);

    /// The lowest that bcrypt allows: for tests of other things.
    pub const LEAST: Self = Self(4);
}

type Job = Box<dyn FnOnce() + Send>;

/// Hashes passwords on half the cores, so that one is free for the chat. The threads' niceness lets the chat go first
/// where there is only one core.
pub(super) struct Hasher {
    cost: Cost,
    jobs: mpsc::Sender<Job>,
    queue: Arc<FairQueue>,
    /// The hash that an unknown account's password is compared with. Its own password is random and forgotten.
    decoy: String,
    done: AtomicU64,
}

impl Hasher {
    /// Starts the threads; they end with the hasher.
    ///
    /// # Errors
    /// No thread can be started, or the system has no randomness.
    pub(super) fn start(cost: Cost) -> io::Result<Self> {
        let threads =
            thread::available_parallelism().map_or(1, |cores| (usize::from(cores) / 2).max(1));
        let (jobs, waiting) = mpsc::channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new().name("password".into()).spawn(move || {
                be_nice();
                loop {
                    // The lock is held while waiting: the thread that holds it takes the next job.
                    let job = waiting.lock().recv();
                    let Ok(job) = job else { return };
                    job();
                }
            })?;
        }
        let nobody = uuid::Uuid::new_v4().to_string();
        let decoy = bcrypt::hash(nobody, cost.0).map_err(io::Error::other)?;
        Ok(Self {
            cost,
            jobs,
            queue: FairQueue::new(threads, WAITING),
            decoy,
            done: AtomicU64::new(0),
        })
    }

    /// Waits for a permit. Addresses take turns, however many requests each of them sends.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when too many requests wait already, or this one waited too long.
    pub(super) async fn turn(&self, from: IpAddr) -> Result<HashPermit<'_>, AccountError> {
        let permit = self.queue.permit(from.into(), PATIENCE).await.ok_or(AccountError::Busy)?;
        Ok(HashPermit { hasher: self, permit: Arc::new(permit) })
    }

    /// How many passwords have been hashed or compared.
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

/// The permission to hash, one password after the other.
pub(super) struct HashPermit<'a> {
    hasher: &'a Hasher,
    permit: Arc<Permit>,
}

impl HashPermit<'_> {
    /// Hashes a password for the records.
    pub(super) async fn hash(&self, password: Password) -> Result<String, AccountError> {
        let cost = self.hasher.cost.0;
        self.work(move || bcrypt::hash(password.0, cost)).await
    }

    /// Whether `hash` was made of this password. Without a hash: the same work, and false.
    pub(super) async fn verify(
        &self,
        password: Password,
        hash: Option<&str>,
    ) -> Result<bool, AccountError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.hasher.decoy).to_owned();
        let right = self.work(move || bcrypt::verify(password.0, &hash)).await?;
        Ok(right && known)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> bcrypt::BcryptResult<T> + Send + 'static,
    ) -> Result<T, AccountError> {
        let (answer, answered) = oneshot::channel();
        let permit = Arc::clone(&self.permit);
        self.hasher.done.fetch_add(1, Ordering::Relaxed);
        let job = move || {
            // The permit ends with the work, even if the request was given up.
            let _permit = permit;
            let _ = answer.send(work());
        };
        let broken = |what: &str| AccountError::Broken(format!("no password was hashed: {what}"));
        self.hasher.jobs.send(Box::new(job)).map_err(|_| broken("the threads have ended"))?;
        answered
            .await
            .map_err(|_| broken("the thread has ended"))?
            .map_err(|error| broken(&error.to_string()))
    }
}

/// Lowers the priority of the thread. Where that is not possible, hashing merely competes with the chat.
fn be_nice() {
    // On Linux this affects the calling thread only; elsewhere it would affect the whole process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::FutureExt;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn passwords_are_measured_in_bytes_and_never_cut() {
        for good in ["12345678", "пароль", &"x".repeat(72), &"я".repeat(36), "        "] {
            assert!(good.parse::<Password>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "1234567",
            "дом",
            &"x".repeat(73),
            &"я".repeat(37),
            "1234567\0",
            &"x".repeat(60_000),
        ] {
            assert!(matches!(bad.parse::<Password>(), Err(AccountError::BadPassword)), "{bad}");
        }
    }

    #[tokio::test]
    async fn all_72_bytes_count() {
        let hasher = Hasher::start(Cost::LEAST).unwrap();
        let (long, other) = ("x".repeat(72), format!("{}y", "x".repeat(71)));
        let hash = hasher.turn(HERE).await.unwrap().hash(long.parse().unwrap()).await.unwrap();
        for (given, hash, right) in
            [(&long, Some(&*hash), true), (&other, Some(&*hash), false), (&long, None, false)]
        {
            let turn = hasher.turn(HERE).await.unwrap();
            assert_eq!(turn.verify(given.parse().unwrap(), hash).await.unwrap(), right);
        }
        assert!(hash.starts_with("$2b$04$"));
    }

    #[tokio::test]
    async fn an_address_that_floods_keeps_nobody_else_from_hashing() {
        let hasher = Hasher::start(Cost::LEAST).unwrap();
        let mut turns = Vec::new();
        while let Some(Ok(turn)) = hasher.turn(HERE).now_or_never() {
            turns.push(turn);
        }
        let mut flood = Vec::new();
        for _ in 0..WAITING.one {
            let mut turn = Box::pin(hasher.turn(HERE));
            assert!(turn.as_mut().now_or_never().is_none());
            flood.push(turn);
        }
        assert!(matches!(hasher.turn(HERE).await, Err(AccountError::Busy)), "more than its share");
        let mut other = Box::pin(hasher.turn(IpAddr::from([192, 0, 2, 1])));
        assert!(other.as_mut().now_or_never().is_none());
        let turn = turns.pop().unwrap();
        assert!(turn.hash("12345678".parse().unwrap()).await.is_ok());
        drop(turn);
        // The thread drops its share of the permit when its work is done, a moment after it has answered.
        let _turn = other.await.expect("the next turn is the other address's");
        assert!(
            flood.iter_mut().all(|turn| turn.as_mut().now_or_never().is_none()),
            "the flood waits"
        );
    }
}
