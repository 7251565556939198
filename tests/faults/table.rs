//! The fault table: a row for each fault.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use super::ledger::Verdict;

pub struct Row {
    fault: String,
    seen: BTreeMap<String, usize>,
    lasted: Option<Duration>,
    verdict: Verdict,
    /// The different delays that were asked for before closes, in milliseconds.
    pub retries: BTreeSet<u64>,
    /// More that was measured.
    pub note: String,
    /// Promises that did not hold.
    pub broken: Vec<String>,
}

/// How many broken promises of a kind are shown.
const SHOWN: usize = 8;

impl Row {
    pub fn new(
        fault: &str,
        seen: BTreeMap<String, usize>,
        may: &[&str],
        lasted: Option<Duration>,
        verdict: Verdict,
    ) -> Self {
        let mut broken: Vec<String> = Vec::new();
        for (what, kind) in [
            ("lost", &verdict.lost),
            ("doubled", &verdict.doubled),
            ("out of order", &verdict.disordered),
            ("amiss", &verdict.amiss),
        ] {
            if !kind.is_empty() {
                broken.push(format!(
                    "{} {what}: {:#?}",
                    kind.len(),
                    &kind[..kind.len().min(SHOWN)]
                ));
            }
        }
        let not = seen.keys().filter(|what| !may.contains(&what.as_str()));
        broken.extend(not.map(|what| format!("members must not see: {what}")));
        Self {
            fault: fault.to_owned(),
            seen,
            lasted,
            verdict,
            retries: BTreeSet::new(),
            note: String::new(),
            broken,
        }
    }

    pub fn head() -> &'static str {
        "| fault | what members saw | heard by all again | slowest message | sent | acknowledged | lost | doubled | out of order |\n\
         |---|---|---|---|---|---|---|---|---|"
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen: Vec<_> =
            self.seen.iter().map(|(what, times)| format!("{times} {what}")).collect();
        let seen = if seen.is_empty() { "nothing".to_owned() } else { seen.join(", ") };
        let Verdict {
            sent,
            amendments,
            files,
            decisions,
            refusals,
            acknowledged,
            lost,
            gone,
            doubled,
            disordered,
            ..
        } = &self.verdict;
        let Verdict { again, slowest, .. } = &self.verdict;
        let after = self
            .lasted
            .map_or(String::new(), |lasted| format!(" after the {:.1} s", lasted.as_secs_f32()));
        let gone =
            if *gone > 0 { format!(" (and {gone} with Redis's data)") } else { String::new() };
        let undone = match self.verdict.undone {
            0 => String::new(),
            undone => format!(" ({undone} removals gone with Redis's data)"),
        };
        if *sent == 0 {
            return write!(
                f,
                "| {} | {} | | | | | | | |",
                self.fault,
                self.note.trim_start_matches("; ")
            );
        }
        write!(
            f,
            "| {} | {seen}{} | {:.2} s{after} | {:.2} s | {sent}, {amendments} of them amendments, {files} files read, {decisions} decisions of hosts, {refusals} of the removed refused{undone} | {acknowledged} | {}{gone} | {} | {} |",
            self.fault,
            self.note,
            again.as_secs_f32(),
            slowest.as_secs_f32(),
            lost.len(),
            doubled.len(),
            disordered.len(),
        )
    }
}
