//! How fast a link may speak: freely in bursts, then slowed, then refused.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};

use crate::protocol::Trouble;

/// A burst, in seconds of the lasting rate. Its first half is free, its second half is slowed.
const BURST_SECONDS: u32 = 10;

pub(super) struct Pace {
    limiter: RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>,
    burst: u32,
    slow: Duration,
}

impl Pace {
    /// `rate` frames a second for long.
    pub(super) fn new(rate: NonZeroU32) -> Self {
        let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1));
        let limiter = RateLimiter::direct(Quota::per_second(rate).allow_burst(burst)).with_middleware();
        // Slowed links still spend twice as fast as they earn, or a flood would never be refused.
        Self { limiter, burst: burst.get(), slow: Duration::from_secs(1) / rate.get() / 2 }
    }

    /// Waits as long as this frame has to, or says that it is refused.
    pub(super) async fn frame(&self) -> Result<(), Trouble> {
        let (wait, verdict) = match self.limiter.check() {
            Ok(state) if state.remaining_burst_capacity() >= self.burst / 2 => return Ok(()),
            Ok(_) => (self.slow, Ok(())),
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                (self.slow, Err(Trouble::RateLimited(wait.max(Duration::from_millis(1)))))
            }
        };
        // Boxed: every link would carry the room for a sleep that hardly any of them needs.
        Box::pin(tokio::time::sleep(wait)).await;
        verdict
    }
}
