//! The lines, and what several runs of one thing make together.

use crate::{facts::Facts, job::Outcome, kind::Kind, plan::Line, spread::Spread};

/// What was measured.
pub struct Table<'a> {
    pub lines: &'a [Line],
    pub facts: Facts,
}

/// One figure of a run.
pub type Figure = fn(&Outcome) -> f64;

/// A server under a scenario.
pub type Case<'a> = (&'a str, Kind);

impl Table<'_> {
    /// A figure over the runs.
    pub fn figure(&self, scenario: &str, kind: Kind, figure: Figure) -> Option<Spread> {
        let of = |line: &&Line| line.scenario == scenario && line.kind == kind;
        Spread::of(self.lines.iter().filter(of).map(|line| figure(&line.outcome)).collect())
    }

    /// Its median.
    pub fn median(&self, scenario: &str, kind: Kind, figure: Figure) -> Option<f64> {
        Some(self.figure(scenario, kind, figure)?.median)
    }

    /// The ratios between two servers, each of the same run.
    pub fn ratio(&self, scenario: &str, kind: Kind, other: Kind, figure: Figure) -> Option<Spread> {
        self.compare((scenario, kind), (scenario, other), figure, |one, other| one / other)
    }

    /// What `compared` makes of two figures, each of the same run.
    pub fn compare(
        &self,
        one: Case<'_>,
        other: Case<'_>,
        figure: Figure,
        compared: fn(f64, f64) -> f64,
    ) -> Option<Spread> {
        let of = |case: Case<'_>, run: usize| {
            let line = self
                .lines
                .iter()
                .find(|line| (line.scenario.as_str(), line.kind) == case && line.run == run)?;
            Some(figure(&line.outcome))
        };
        let runs = self.lines.iter().map(|line| line.run).max()? + 1;
        Spread::of(
            (0..runs).filter_map(|run| Some(compared(of(one, run)?, of(other, run)?))).collect(),
        )
    }

    /// What was measured in a scenario.
    pub fn kinds(&self, scenario: &str) -> Vec<Kind> {
        let mut kinds = Vec::new();
        for line in self.lines.iter().filter(|line| line.scenario == scenario) {
            if !kinds.contains(&line.kind) {
                kinds.push(line.kind);
            }
        }
        kinds
    }

    /// Lost, doubled, out of order: all in all.
    pub fn faults(&self, scenario: &str, kind: Kind) -> [u64; 3] {
        let of = |line: &&Line| line.scenario == scenario && line.kind == kind;
        let sum = |figure: fn(&Outcome) -> u64| {
            self.lines.iter().filter(of).map(|line| figure(&line.outcome)).sum()
        };
        [sum(|o| o.lost), sum(|o| o.doubled), sum(|o| o.disordered)]
    }
}
