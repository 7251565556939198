//! The rate limit of a sender: free in bursts, then slowed, then refused.

use std::{
    hash::Hash,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::{StateInformationMiddleware, StateSnapshot},
    state::{InMemoryState, NotKeyed, keyed::DefaultKeyedStateStore},
};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{budget::Usage, protocol::ApiError};

/// A burst, in seconds of the sustained rate. Its first half is free, its second half is slowed.
const BURST_SECONDS: u32 = 10;

/// After this many requests, counted over all keys, idle keys are forgotten.
const SWEEP: u32 = 1024;

type Now = <DefaultClock as Clock>::Instant;

/// The limit of one sender: this many frames a second, sustained.
#[derive(Clone, Copy)]
struct PaceQuota(NonZeroU32);

impl PaceQuota {
    fn burst(self) -> NonZeroU32 {
        self.0.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1))
    }

    fn quota(self) -> Quota {
        Quota::per_second(self.0).allow_burst(self.burst())
    }

    /// Waits as long as this frame has to, or returns the error that refuses it.
    async fn heed(self, state: Result<StateSnapshot, NotUntil<Now>>) -> Result<(), ApiError> {
        let verdict = match state {
            Ok(state) if state.remaining_burst_capacity() >= self.burst().get() / 2 => {
                return Ok(());
            }
            Ok(_) => Ok(()),
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                Err(ApiError::RateLimited(wait.max(Duration::from_millis(1))))
            }
        };
        self.slow().await;
        verdict
    }

    /// Delays a slowed frame. Its sender still spends twice as fast as it earns, or a flood would never be refused.
    async fn slow(self) {
        // Boxed: every connection would carry the room for a sleep that hardly any needs.
        Box::pin(tokio::time::sleep(Duration::from_secs(1) / self.0.get() / 2)).await;
    }
}

/// After a refused message, later ones of its sender are refused until none has come for this long.
const TURN: Duration = Duration::from_secs(1);

/// And for this long at most: the sender may have given the refused message up.
const LAST_TURN: Duration = Duration::from_secs(10);

/// The first message that was refused.
#[derive(Clone, Copy)]
struct Turn {
    n: u64,
    until: Instant,
    last: Instant,
}

/// The rate limit of one connection.
pub(super) struct FramePacer {
    limiter: RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>,
    measure: PaceQuota,
    usage: Arc<Usage>,
    /// Messages with a greater counter are refused until this one comes again.
    turn: Mutex<Option<Turn>>,
}

impl FramePacer {
    /// `rate` frames a second, sustained, counted for the client's address as well.
    pub(super) fn new(rate: NonZeroU32, usage: Arc<Usage>) -> Self {
        let measure = PaceQuota(rate);
        let limiter = RateLimiter::direct(measure.quota()).with_middleware();
        Self { limiter, measure, usage, turn: Mutex::default() }
    }

    /// Waits as long as a frame has to, or returns the error that refuses it. Messages sent after a refused one are
    /// refused, too: once a greater counter `n` is accepted, a lesser one never would be.
    pub(super) async fn check(&self, n: Option<u64>) -> Result<(), ApiError> {
        if let Some(wait) = n.and_then(|n| self.is_behind(n)) {
            // Spends nothing of the allowance that the first message waits for.
            self.measure.slow().await;
            return Err(ApiError::RateLimited(wait));
        }
        let paced = match self.measure.heed(self.limiter.check()).await {
            Ok(()) => self.usage.frame(),
            refused => refused,
        };
        let Some(n) = n else { return paced };
        let mut turn = self.turn.lock();
        if let Err(ApiError::RateLimited(wait)) = paced {
            let now = Instant::now();
            *turn = Some(Turn { n, until: now + wait + TURN, last: now + wait + LAST_TURN });
        } else {
            *turn = turn.filter(|turn| n != turn.n && Instant::now() < turn.until);
        }
        paced
    }

    /// Whether a refused message goes before this one, and for how long.
    fn is_behind(&self, n: u64) -> Option<Duration> {
        let mut turn = self.turn.lock();
        let turn = turn.as_mut().filter(|turn| n > turn.n)?;
        let now = Instant::now();
        if now >= turn.until {
            return None;
        }
        turn.until = turn.last.min(now + TURN);
        Some(turn.until.saturating_duration_since(now).max(Duration::from_millis(1)))
    }
}

/// The rate limits of senders without a connection of their own: one limit for each key.
pub struct FramePacers<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>,
    measure: PaceQuota,
    words: AtomicU32,
}

impl<K: Hash + Eq + Clone> FramePacers<K> {
    /// `rate` requests a second, sustained, for each key.
    pub fn new(rate: NonZeroU32) -> Self {
        let measure = PaceQuota(rate);
        Self {
            limiter: RateLimiter::keyed(measure.quota()).with_middleware(),
            measure,
            words: AtomicU32::new(0),
        }
    }

    /// Waits as long as this request of `who` has to.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`].
    pub async fn check(&self, who: &K) -> Result<(), ApiError> {
        if self.words.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.measure.heed(self.limiter.check_key(who)).await
    }
}
