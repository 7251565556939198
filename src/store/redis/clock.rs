//! The time of a Redis server, as exactly as a node can know it: the answer to TIME lies between question and answer.

use fred::{
    clients::WithOptions,
    interfaces::ClientLike,
    prelude::Client,
    types::{ClusterHash, CustomCommand},
};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::{client::TRY, codec::Str};
use crate::room::{Millis, Moment};

/// Two clocks drift apart by a thousandth at most.
const DRIFT: i64 = 1000;

/// The clock of one server.
pub(super) struct Clock {
    /// The moment from which this clock counts.
    base: Instant,
    known: Mutex<Option<Known>>,
}

/// By how much the server's clock is ahead of the node's, in microseconds.
#[derive(Clone, Copy)]
struct Known {
    least: i64,
    most: i64,
    at: i64,
}

impl Known {
    /// The same at a later time, with the drift since.
    fn aged(self, now: i64) -> Self {
        let drift = (now - self.at).abs() / DRIFT;
        Self { least: self.least - drift, most: self.most + drift, at: now }
    }
}

impl Clock {
    /// A clock of which nothing is known yet.
    pub(super) fn new() -> Self {
        Self { base: Instant::now(), known: Mutex::default() }
    }

    /// Asks the server for its time. Without an answer in time, nothing changes.
    pub(super) async fn ask(&self, client: &WithOptions<Client>) {
        let command = CustomCommand::new_static("TIME", ClusterHash::FirstKey, false);
        let sent = Instant::now();
        let asked = timeout(TRY, client.custom::<(i64, i64), Str>(command, vec![])).await;
        if let Ok(Ok((seconds, micros))) = asked {
            self.learn(sent, Instant::now(), seconds * 1_000_000 + micros);
        }
    }

    fn learn(&self, sent: Instant, got: Instant, said: i64) {
        let (sent, got) = (self.count(sent), self.count(got));
        let fresh = Known { least: said - got, most: said - sent, at: got };
        let mut known = self.known.lock();
        let old = known.map(|known| known.aged(got));
        let both = old.map(|old| Known {
            least: old.least.max(fresh.least),
            most: old.most.min(fresh.most),
            at: got,
        });
        // Where they contradict each other, one of the clocks was set.
        *known = both.filter(|both| both.least <= both.most).or(Some(fresh));
    }

    /// What the server's clock showed at a moment of this node's clock; `None` if that is not known.
    pub(super) fn moment(&self, at: Instant) -> Option<Moment> {
        let now = self.count(Instant::now());
        let known = self.known.lock().map(|known| known.aged(now))?;
        let at = self.count(at);
        let millis = |micros: i64| Millis::try_from(micros).unwrap_or(0);
        Some(Moment {
            earliest: millis((at + known.least).div_euclid(1000)),
            latest: millis((at + known.most + 999).div_euclid(1000)),
        })
    }

    /// A moment of this node's clock as a number of microseconds.
    fn count(&self, at: Instant) -> i64 {
        let micros =
            |time: std::time::Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        if at >= self.base { micros(at - self.base) } else { -micros(self.base - at) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn a_moment_is_as_exact_as_the_quickest_answer() {
        let clock = Clock::new();
        let start = Instant::now();
        assert_eq!(clock.moment(start), None);
        clock.learn(start, start + 8 * MS, 5_003_000);
        let Moment { earliest, latest } = clock.moment(start).unwrap();
        assert!(
            (4994..=4995).contains(&earliest) && (5003..=5004).contains(&latest),
            "{earliest} {latest}"
        );
        // A quick answer, and a late one that adds little.
        clock.learn(start + 10 * MS, start + 12 * MS, 5_011_000);
        clock.learn(start + 20 * MS, start + 1500 * MS, 6_400_000);
        tokio::time::advance(1500 * MS).await;
        let Moment { earliest, latest } = clock.moment(start).unwrap();
        assert!(
            (4997..=4999).contains(&earliest) && (5001..=5003).contains(&latest),
            "{earliest} {latest}"
        );
        // A moment before anything was known can be computed, too.
        let before = clock.moment(start - 100 * MS).unwrap();
        assert_eq!((before.earliest, before.latest), (earliest - 100, latest - 100));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_set_is_learned_anew_and_an_old_answer_says_less() {
        let clock = Clock::new();
        let start = Instant::now();
        clock.learn(start, start + MS, 5_000_000);
        clock.learn(start + 2 * MS, start + 3 * MS, 95_000_000);
        let Moment { earliest, latest } = clock.moment(start + 3 * MS).unwrap();
        assert!(earliest >= 94_999 && latest <= 95_002, "{earliest} {latest}");
        tokio::time::advance(Duration::from_secs(10)).await;
        let Moment { earliest, latest } = clock.moment(start + 3 * MS).unwrap();
        assert!(latest - earliest >= 20, "{earliest} {latest}");
    }
}
