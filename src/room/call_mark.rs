//! Whether a member is in the room's video call.

use super::Millis;

/// A member's stays in the call, as a mark that only grows. It is twice the moment at which the newest stay began,
/// and one more when that stay is over. So events about it may come twice, late or in any order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct CallMark(pub u64);

impl CallMark {
    /// The member has a LiveKit token, and was not seen in the call yet.
    pub const INVITED: Self = Self(1);

    /// The latest moment that a mark can hold: stores count exactly up to 2^53.
    const LAST: Millis = (1 << 52) - 1;

    /// In the call since `at`, by the clock of the media server.
    pub fn since(at: Millis) -> Self {
        Self(at.clamp(1, Self::LAST) * 2)
    }

    /// The same stay, when it is over.
    pub fn over(self) -> Self {
        Self(self.0 | 1)
    }

    /// A stay that follows this one, by any clock.
    pub fn next(self) -> Self {
        Self(self.over().0 + 1)
    }

    /// Whether the newest stay goes on.
    pub fn is_on(self) -> bool {
        self.0 != 0 && self.0.is_multiple_of(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_whatever_order_news_come_the_newest_stay_counts() {
        let (first, second) =
            (CallMark::since(1_700_000_000_000), CallMark::since(1_700_000_000_001));
        let history =
            [CallMark::default(), CallMark::INVITED, first, first.over(), second, second.over()];
        assert!(history.is_sorted());
        assert_eq!(history.map(CallMark::is_on), [false, false, true, false, true, false]);
        assert_eq!(first.over().over(), first.over());
        assert!(
            second.next() > second.over()
                && second.next().is_on()
                && second.over().next() == second.next()
        );
        assert!(CallMark::since(u64::MAX).over().0 < 1 << 53);
    }
}
