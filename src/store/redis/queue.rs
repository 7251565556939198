//! Joins that wait for their turn: how many, how fast turns come, and when a rejected join should come back.
//! So many joins at once are not told that Redis is away.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a join may wait for its turn, if that can be foreseen. The rest of its deadline is for Redis.
const PATIENCE: Duration = Duration::from_secs(2);
/// The time between two turns, where none has been measured yet.
const USUAL: Duration = Duration::from_micros(250);
/// The upper bound of a measured time between two turns: Redis may have been silent for a moment.
const SLOWEST: Duration = Duration::from_millis(100);
/// Fewer waiting joins than this say nothing about how fast turns come.
const MEASURED: usize = 4;
/// When a rejected join comes back: from, to.
const BACK: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// A queue for turns that its user grants.
#[derive(Default)]
pub(super) struct Queue {
    waiting: AtomicUsize,
    /// Nanoseconds between two turns, as measured by the last joins that waited. Zero where nothing is known.
    pace: AtomicU64,
    /// The moment that the last rejected join was told.
    booked: Mutex<Option<Instant>>,
}

/// A place in the queue. Dropping it leaves the queue.
pub(super) struct Place<'a> {
    queue: &'a Queue,
    ahead: usize,
    since: Instant,
}

impl Queue {
    /// Whether a join would get its turn soon enough; if not, when to come back.
    pub(super) fn admit(&self) -> Result<(), Duration> {
        if self.delay() <= PATIENCE { Ok(()) } else { Err(self.book()) }
    }

    /// Enters the queue.
    pub(super) fn enter(&self) -> Place<'_> {
        Place {
            queue: self,
            ahead: self.waiting.fetch_add(1, Ordering::Relaxed),
            since: Instant::now(),
        }
    }

    /// When a rejected join should come back: once the waiting joins have had their turn, and one after the other.
    /// The times are somewhat further apart than turns, so that each join finds a short queue.
    pub(super) fn book(&self) -> Duration {
        let now = Instant::now();
        let (from, to) = (now + BACK.0.max(self.delay()), now + BACK.1);
        let mut booked = self.booked.lock();
        let moment = booked.map_or(from, |last| from.max(last + self.pace() * 5 / 4));
        if moment > to {
            let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            return Duration::from_millis(fastrand::u64(millis(BACK.1 / 2)..millis(BACK.1)));
        }
        *booked = Some(moment);
        moment - now
    }

    /// How many joins wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How long the waiting joins will take.
    fn delay(&self) -> Duration {
        self.pace() * u32::try_from(self.waiting()).unwrap_or(u32::MAX)
    }

    fn pace(&self) -> Duration {
        match self.pace.load(Ordering::Relaxed) {
            0 => USUAL,
            nanos => Duration::from_nanos(nanos),
        }
    }

    fn learn(&self, ahead: usize, waited: Duration) {
        if ahead >= MEASURED {
            let one = waited / u32::try_from(ahead + 1).unwrap_or(u32::MAX);
            let pace = ((self.pace() * 7 + one.min(SLOWEST)) / 8).as_nanos();
            self.pace.store(u64::try_from(pace).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
        }
    }
}

impl Place<'_> {
    /// The turn has come.
    pub(super) fn served(&self) {
        self.queue.learn(self.ahead, self.since.elapsed());
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Turns come this far apart for a while.
    async fn served(queue: &Queue, apart: Duration) {
        for _ in 0..40 {
            let places: Vec<Place<'_>> = (0..20).map(|_| queue.enter()).collect();
            for place in places {
                advance(apart).await;
                place.served();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_join_is_sent_away_only_where_its_turn_would_come_too_late() {
        let queue = Queue::default();
        let few: Vec<_> = (0..8000).map(|_| queue.enter()).collect();
        assert_eq!(queue.admit(), Ok(()), "at the usual pace");
        let one_more = queue.enter();
        assert!(queue.admit().is_err());
        drop((few, one_more));
        served(&queue, 4 * MS).await;
        let crowd: Vec<_> = (0..490).map(|_| queue.enter()).collect();
        assert_eq!((queue.admit(), queue.waiting()), (Ok(()), 490), "as turns come now");
        let more: Vec<_> = (0..20).map(|_| queue.enter()).collect();
        assert!(queue.admit().is_err());
        drop((crowd, more));
        assert_eq!((queue.admit(), queue.waiting()), (Ok(()), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_were_sent_away_come_back_one_after_the_other_when_the_queue_is_through() {
        let queue = Queue::default();
        served(&queue, 4 * MS).await;
        let crowd: Vec<_> = (0..1000).map(|_| queue.enter()).collect();
        let waits: Vec<Duration> = (0..1000).map(|_| queue.admit().unwrap_err()).collect();
        assert!(waits[0] > 3900 * MS && waits[0] < 4100 * MS, "{:?}", waits[0]);
        assert!(
            waits.windows(2).all(|pair| pair[1] > pair[0] + 4 * MS && pair[1] < pair[0] + 6 * MS)
        );
        // Turns have come meanwhile, so a join that comes back finds a short queue.
        drop(crowd);
        for wait in &waits {
            assert!(*wait < BACK.1);
        }
        advance(waits[0]).await;
        assert_eq!(queue.admit(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_sent_away_for_long_nor_all_to_the_same_moment() {
        let queue = Queue::default();
        let _crowd: Vec<_> = (0..200_000).map(|_| queue.enter()).collect();
        let waits: std::collections::BTreeSet<Duration> =
            (0..100).map(|_| queue.admit().unwrap_err()).collect();
        assert!(
            waits.len() > 50 && waits.iter().all(|wait| (BACK.1 / 2..=BACK.1).contains(wait)),
            "{waits:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_silence_counts_little_and_is_soon_forgotten() {
        let queue = Queue::default();
        let place: Vec<_> = (0..5).map(|_| queue.enter()).collect();
        advance(60_000 * MS).await;
        place[4].served();
        drop(place);
        assert!(queue.pace() < 15 * MS, "{:?}", queue.pace());
        served(&queue, MS).await;
        assert!(queue.pace() < 2 * MS, "{:?}", queue.pace());
    }
}
