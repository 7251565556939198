//! Passwords: bcrypt, on threads of their own that yield to everything else.

use std::{
    collections::{HashMap, hash_map::Entry},
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
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{AccountError, throttle::Home};

/// How many may wait for their turn: as many as one thread serves within their patience. Who comes later is told to
/// come back, rather than to wait in vain.
const LINE: usize = 128;

/// And how many of them from one address: nobody keeps everybody else from logging in.
const LINE_OF_ONE: usize = LINE / 2;

/// How long they wait. With the work itself it is less than the minute after which proxies give up.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How nice the threads are, of 19: a ninth of what the chat weighs, and not starved where others share the machine.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// A password: 8 to 72 bytes without NUL. Bcrypt would cut a longer one, and go wrong over a NUL.
pub struct Password(String);

impl Password {
    /// The least and the most, in bytes of UTF-8.
    pub const BYTES: std::ops::RangeInclusive<usize> = 8..=72;
}

impl FromStr for Password {
    type Err = AccountError;

    fn from_str(given: &str) -> Result<Self, AccountError> {
        let fits = Self::BYTES.contains(&given.len()) && !given.contains('\0');
        if fits { Ok(Self(given.to_owned())) } else { Err(AccountError::BadPassword) }
    }
}

/// How much work a hash is: bcrypt's exponent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost(u32);

impl Cost {
    /// What is served: a quarter of a second or so.
    pub const SERVED: Self = Self(12);

    /// The least that bcrypt knows: for tests whose point is something else.
    pub const LEAST: Self = Self(4);
}

type Job = Box<dyn FnOnce() + Send>;

/// Hashes passwords on half the cores, so that one is free for the chat, and so nicely that the chat goes first where
/// there is but one.
pub(super) struct Hasher {
    cost: Cost,
    jobs: mpsc::Sender<Job>,
    turns: Arc<Semaphore>,
    line: Semaphore,
    /// How many wait from where.
    waiting: Mutex<HashMap<Home, usize>>,
    /// What the password of somebody unknown is compared with. Nobody knows what it is the hash of.
    decoy: String,
    done: AtomicU64,
}

impl Hasher {
    /// Starts the threads; they end with the hasher.
    ///
    /// # Errors
    /// No thread can be started, or there is nothing random.
    pub(super) fn start(cost: Cost) -> io::Result<Self> {
        let threads = thread::available_parallelism().map_or(1, |cores| (usize::from(cores) / 2).max(1));
        let (jobs, waiting) = mpsc::channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new().name("password".into()).spawn(move || {
                be_nice();
                loop {
                    // The lock is held while waiting: whoever has it takes the next job.
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
            turns: Arc::new(Semaphore::new(threads)),
            line: Semaphore::new(LINE),
            waiting: Mutex::default(),
            decoy,
            done: AtomicU64::new(0),
        })
    }

    /// Waits for a turn, first come, first served.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when too many wait already, or for too long.
    pub(super) async fn turn(&self, from: IpAddr) -> Result<Turn<'_>, AccountError> {
        let _place = self.line.try_acquire().map_err(|_| AccountError::Busy)?;
        let _own = Place::take(&self.waiting, from.into()).ok_or(AccountError::Busy)?;
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let permit = turn.map_err(|_| AccountError::Busy)?.map_err(|_| AccountError::Busy)?;
        Ok(Turn { hasher: self, permit: Arc::new(permit) })
    }

    /// How many passwords have been hashed or compared.
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

/// A place in the line, among those of one address.
struct Place<'a> {
    waiting: &'a Mutex<HashMap<Home, usize>>,
    home: Home,
}

impl<'a> Place<'a> {
    fn take(waiting: &'a Mutex<HashMap<Home, usize>>, home: Home) -> Option<Self> {
        let mut all = waiting.lock();
        let own = all.entry(home).or_default();
        if *own == LINE_OF_ONE {
            return None;
        }
        *own += 1;
        Some(Self { waiting, home })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut own) = self.waiting.lock().entry(self.home) {
            *own.get_mut() -= 1;
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

/// The right to hash, one password after the other.
pub(super) struct Turn<'a> {
    hasher: &'a Hasher,
    permit: Arc<OwnedSemaphorePermit>,
}

impl Turn<'_> {
    /// The hash to keep.
    pub(super) async fn hash(&self, password: Password) -> Result<String, AccountError> {
        let cost = self.hasher.cost.0;
        self.work(move || bcrypt::hash(password.0, cost)).await
    }

    /// Whether this is the password that `hash` was made of; for nobody's hash the same work, and no.
    pub(super) async fn verify(&self, password: Password, hash: Option<&str>) -> Result<bool, AccountError> {
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
            // The turn ends with the work, even if nobody waits for it any more.
            let _permit = permit;
            let _ = answer.send(work());
        };
        let broken = |what: &str| AccountError::Broken(format!("no password was hashed: {what}"));
        self.hasher.jobs.send(Box::new(job)).map_err(|_| broken("the threads have ended"))?;
        answered.await.map_err(|_| broken("the thread has ended"))?.map_err(|error| broken(&error.to_string()))
    }
}

/// Lets everything else on this machine go first. Where that is not possible, hashing is merely less polite.
fn be_nice() {
    // On Linux this is a matter of the calling thread; elsewhere it would be one of the whole process.
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
        for bad in ["", "1234567", "дом", &"x".repeat(73), &"я".repeat(37), "1234567\0", &"x".repeat(60_000)] {
            assert!(matches!(bad.parse::<Password>(), Err(AccountError::BadPassword)), "{bad}");
        }
    }

    #[tokio::test]
    async fn all_72_bytes_count() {
        let hasher = Hasher::start(Cost::LEAST).unwrap();
        let (long, other) = ("x".repeat(72), format!("{}y", "x".repeat(71)));
        let hash = hasher.turn(HERE).await.unwrap().hash(long.parse().unwrap()).await.unwrap();
        for (given, hash, right) in [(&long, Some(&*hash), true), (&other, Some(&*hash), false), (&long, None, false)] {
            let turn = hasher.turn(HERE).await.unwrap();
            assert_eq!(turn.verify(given.parse().unwrap(), hash).await.unwrap(), right);
        }
        assert!(hash.starts_with("$2b$04$"));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_turn_until_the_request_is_over() {
        let hasher = Hasher::start(Cost::LEAST).unwrap();
        let turns = hasher.turns.available_permits();
        let _taken = hasher.turns.clone().acquire_many_owned(u32::try_from(turns).unwrap()).await.unwrap();
        let begun = tokio::time::Instant::now();
        assert!(matches!(hasher.turn(HERE).await, Err(AccountError::Busy)));
        assert_eq!(begun.elapsed(), PATIENCE);
    }

    #[tokio::test]
    async fn too_many_at_once_are_told_so() {
        let hasher = Hasher::start(Cost::LEAST).unwrap();
        let turns = hasher.turns.available_permits();
        let taken = hasher.turns.clone().acquire_many_owned(u32::try_from(turns).unwrap()).await.unwrap();
        let addresses = [HERE, IpAddr::from([192, 0, 2, 1])];
        let mut waiting = Vec::new();
        for from in addresses {
            for _ in 0..LINE_OF_ONE {
                let mut turn = Box::pin(hasher.turn(from));
                assert!(turn.as_mut().now_or_never().is_none(), "there is room for one address and for another");
                waiting.push(turn);
            }
            assert!(matches!(hasher.turn(from).await, Err(AccountError::Busy)), "but not for more of one");
        }
        assert!(matches!(hasher.turn(IpAddr::from([192, 0, 2, 2])).await, Err(AccountError::Busy)), "nor for more in all");
        drop((taken, waiting));
        assert!(hasher.turn(HERE).await.is_ok());
        assert!(hasher.waiting.lock().is_empty());
    }
}
