//! What a crowd has met with since it began to count.

use std::{collections::BTreeMap, fmt, time::Duration};

#[derive(Default, Debug)]
pub struct Tally {
    pub welcomes: u64,
    pub resumed: u64,
    pub reset: u64,
    /// Connections that were not taken, and those that ended before a welcome without a word.
    pub unreached: u64,
    pub broken: u64,
    /// By code: what those heard who were not let in.
    pub codes: BTreeMap<String, u64>,
    /// By code: what those heard who were inside, before a close or as an answer.
    pub told: BTreeMap<String, u64>,
    /// Links that ended without a word.
    pub lost: u64,
    pub joined: u64,
    pub left: u64,
    /// Counts of a crowd that were smaller than the room.
    pub fewer: u64,
    /// Entries that came, that were passed over, and that came again.
    pub heard: u64,
    pub skipped: u64,
    pub doubled: u64,
    /// From the try to its welcome.
    pub waits: Vec<Duration>,
}

impl Tally {
    /// Tries that did not lead in.
    pub fn refused(&self) -> u64 {
        self.unreached + self.broken + self.codes.values().sum::<u64>()
    }

    /// How often a member was seen to go, or to come who had been there.
    pub fn seen(&self) -> u64 {
        self.left + self.joined + self.fewer
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resumed, reset, unreached, broken, codes, left, joined, fewer, .. } = self;
        write!(f, "{resumed} resumed, {reset} reset, {} refused", self.refused())?;
        if self.refused() > 0 {
            let codes = codes.iter().map(|(code, times)| format!("{times} {code}"));
            let silent = [(unreached, "not reached"), (broken, "broken off")]
                .into_iter()
                .filter(|(times, _)| **times > 0);
            let all: Vec<_> =
                silent.map(|(times, what)| format!("{times} {what}")).chain(codes).collect();
            write!(f, " ({})", all.join(", "))?;
        }
        write!(f, ", {left} `left`, {joined} `joined`")?;
        if *fewer > 0 {
            write!(f, ", {fewer} counts below the room's")?;
        }
        Ok(())
    }
}

/// The value below which `share` of the sorted values lie.
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// With no more digits than a figure of one run bears.
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

pub fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    if millis < 10.0 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") }
}
