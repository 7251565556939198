//! A setting that is a length of time.

use std::time::Duration;

use crate::room::Millis;

/// A length of time: `15s`, `30m`, `1h 30m`, or a bare number of seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Period(pub Duration);

impl Period {
    /// In milliseconds.
    pub fn millis(self) -> Millis {
        Millis::try_from(self.0.as_millis()).unwrap_or(Millis::MAX / 4).min(Millis::MAX / 4)
    }
}

impl std::str::FromStr for Period {
    type Err = humantime::DurationError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        given
            .parse()
            .map(Duration::from_secs)
            .or_else(|_| humantime::parse_duration(given))
            .map(Self)
    }
}
