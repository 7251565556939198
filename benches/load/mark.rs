//! What every message carries through any server, so that each delivery can be
//! checked and timed: its number in the room, and when it was due.

use std::collections::HashSet;

use memchr::memmem;

/// `@@`, ten digits of number, sixteen of nanoseconds.
pub const LENGTH: usize = 28;

/// What a message carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// Counts the messages of a room from 1.
    pub number: u64,
    /// When it was to be sent, in nanoseconds of the generator's clock.
    pub due: u64,
}

impl Mark {
    /// Writes the mark over the first [`LENGTH`] bytes.
    pub fn write(self, mut out: &mut [u8]) -> std::io::Result<()> {
        use std::io::Write;
        write!(out, "@@{:010}{:016}", self.number, self.due)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse().ok();
        Some(Self { number: number(&bytes[2..12])?, due: number(&bytes[12..LENGTH])? })
    }
}

/// Finds marks, or acks, in whatever surrounds them.
pub struct Ear {
    mark: memmem::Finder<'static>,
    ack: memmem::Finder<'static>,
}

const ACK: &[u8] = br#""type":"ack","n":"#;

impl Ear {
    pub fn new() -> Self {
        Self { mark: memmem::Finder::new(b"@@"), ack: memmem::Finder::new(ACK) }
    }

    /// Calls `heard` with every whole mark; returns where what is not yet whole begins.
    pub fn marks(&self, bytes: &[u8], mut heard: impl FnMut(Mark)) -> usize {
        let mut at = 0;
        while let Some(found) = self.mark.find(&bytes[at..]) {
            let start = at + found;
            let Some(whole) = bytes.get(start..start + LENGTH) else { return start };
            match Mark::read(whole) {
                Some(mark) => {
                    heard(mark);
                    at = start + LENGTH;
                }
                None => at = start + 1,
            }
        }
        bytes.len() - usize::from(bytes.len() > at && bytes.ends_with(b"@"))
    }

    /// The same for acks: calls `heard` with the number in each.
    pub fn acks(&self, bytes: &[u8], mut heard: impl FnMut(u64)) -> usize {
        let mut at = 0;
        while let Some(found) = self.ack.find(&bytes[at..]) {
            let start = at + found;
            let digits = &bytes[start + ACK.len()..];
            let Some(length) = digits.iter().position(|byte| !byte.is_ascii_digit()) else {
                return start;
            };
            heard(
                digits[..length]
                    .iter()
                    .fold(0, |number, digit| number * 10 + u64::from(digit - b'0')),
            );
            at = start + ACK.len() + length;
        }
        at.max(bytes.len().saturating_sub(ACK.len() - 1))
    }
}

/// What one reader has heard of its room: every number once and in order, or how not.
#[derive(Default)]
pub struct Tally {
    last: u64,
    /// The next message is the first, whatever its number.
    fresh: bool,
    /// Passed over so far. None is the rule.
    missing: Option<HashSet<u64>>,
}

/// How deliveries went wrong.
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Faults {
    pub lost: u64,
    pub doubled: u64,
    pub disordered: u64,
}

impl Tally {
    /// Of a reader who comes while messages are sent.
    pub fn from_first_heard() -> Self {
        Self { fresh: true, ..Self::default() }
    }

    pub fn hear(&mut self, number: u64, faults: &mut Faults) {
        if std::mem::take(&mut self.fresh) || number == self.last + 1 {
            self.last = number;
        } else if number > self.last {
            self.missing.get_or_insert_default().extend(self.last + 1..number);
            self.last = number;
        } else if self.missing.as_mut().is_some_and(|missing| missing.remove(&number)) {
            faults.disordered += 1;
        } else {
            faults.doubled += 1;
        }
    }

    /// How many of `sent` never came.
    pub fn lost(&self, sent: u64) -> u64 {
        sent.saturating_sub(self.last) + self.gaps()
    }

    /// How many came before and after, but not in between.
    pub fn gaps(&self) -> u64 {
        self.missing.as_ref().map_or(0, |missing| missing.len() as u64)
    }
}
