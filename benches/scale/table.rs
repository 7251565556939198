//! What was measured beside what was aimed at.

use std::{fmt, io};

/// A row of the table, and what measures it.
pub struct Case {
    /// By which it is asked for.
    pub name: &'static str,
    pub what: &'static str,
    pub target: &'static str,
    pub measure: fn() -> io::Result<Figure>,
}

/// What was measured, and whether it is what was aimed at.
pub struct Figure {
    pub now: String,
    pub met: bool,
}

/// A row that was measured.
pub struct Row<'a> {
    pub case: &'a Case,
    pub figure: io::Result<Figure>,
}

pub const HEAD: &str = "| case | now | target | |\n|---|---|---|---|";

impl Row<'_> {
    pub fn is_met(&self) -> bool {
        self.figure.as_ref().is_ok_and(|figure| figure.met)
    }
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { what, target, .. } = self.case;
        match &self.figure {
            Ok(Figure { now, met }) => {
                write!(f, "| {what} | {now} | {target} | {} |", if *met { "met" } else { "missed" })
            }
            Err(error) => write!(f, "| {what} | not measured: {error} | {target} | missed |"),
        }
    }
}
