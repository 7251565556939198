//! When the members of a stopping node are asked to come back: each at a moment of its own. The more there
//! are, the longer the time.

use std::{ops::Range, time::Duration};

/// Before this, members do not ask the other nodes: a proxy needs a moment to see that this one stops.
const AT_ONCE: Duration = Duration::from_millis(200);
/// How long a node may take to be started again.
const RESTART: Duration = Duration::from_secs(2);
/// Over how long even a few members are spread.
const LEAST: Duration = Duration::from_millis(1800);
/// Members that the other nodes and Redis take in a second, with half of their time left for those they already have.
const MOVES: u32 = 4000;
/// The same for a node that has just started.
const RETURNS: u32 = 3000;
/// When the last member moves: a stopping node holds sessions for six seconds, if no member moves any more.
const MOVED: Duration = Duration::from_millis(4500);
/// When the last member comes back to a node that holds no sessions for them.
const RETURNED: Duration = Duration::from_secs(30);

/// Between which moments members are asked to come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Spread {
    from: Duration,
    to: Duration,
}

impl Spread {
    /// For members who move to other nodes.
    pub(super) fn over_nodes(sessions: usize) -> Self {
        Self { from: AT_ONCE, to: (AT_ONCE + time_for(sessions, MOVES)).min(MOVED) }
    }

    /// For members who wait until this node has been started again; their sessions may be `held` that long.
    pub(super) fn over_restart(sessions: usize, held: Option<Duration>) -> Self {
        let from = held.map_or(RESTART, |held| RESTART.min(held / 4));
        let most = held.map_or(RETURNED, |held| held * 2 / 3);
        Self { from, to: (from + time_for(sessions, RETURNS)).min(most) }
    }

    /// A random moment within.
    pub(super) fn draw(self) -> Duration {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let Range { start, end } = millis(self.from)..millis(self.to);
        Duration::from_millis(fastrand::u64(start..end.max(start + 1)))
    }
}

fn time_for(sessions: usize, a_second: u32) -> Duration {
    let millis = sessions as u64 * 1000 / u64::from(a_second);
    Duration::from_millis(millis).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(Spread { from, to }: Spread) -> (u128, u128) {
        (from.as_millis(), to.as_millis())
    }

    #[test]
    fn people_who_move_are_spread_by_their_number_and_all_come_while_their_seats_are_held() {
        for (sessions, to) in [
            (0, 2000),
            (1, 2000),
            (7200, 2000),
            (10_000, 2700),
            (16_000, 4200),
            (50_000, 4500),
            (usize::MAX >> 20, 4500),
        ] {
            assert_eq!(millis(Spread::over_nodes(sessions)), (200, to), "{sessions}");
        }
    }

    #[test]
    fn people_who_wait_for_a_restart_come_after_it() {
        let held = Some(Duration::from_secs(30));
        for (sessions, to) in
            [(1, 3800), (5400, 3800), (9000, 5000), (54_000, 20_000), (90_000, 20_000)]
        {
            assert_eq!(millis(Spread::over_restart(sessions, held)), (2000, to), "{sessions}");
        }
        for (sessions, to) in [(1, 3800), (9000, 5000), (54_000, 20_000), (900_000, 30_000)] {
            assert_eq!(
                millis(Spread::over_restart(sessions, None)),
                (2000, to),
                "without seats that are held: {sessions}"
            );
        }
        assert_eq!(
            millis(Spread::over_restart(9000, Some(Duration::from_secs(2)))),
            (500, 1333),
            "before a short lease ends"
        );
    }

    #[test]
    fn a_moment_lies_within_and_they_differ() {
        let spread = Spread::over_nodes(1);
        let drawn: std::collections::BTreeSet<Duration> = (0..100).map(|_| spread.draw()).collect();
        assert!(
            drawn.len() > 50
                && drawn.iter().all(|moment| (spread.from..spread.to).contains(moment)),
            "{drawn:?}"
        );
        let none = Spread { from: AT_ONCE, to: AT_ONCE };
        assert_eq!(none.draw(), AT_ONCE);
    }
}
