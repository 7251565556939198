//! Members who leave a room and come back while others talk there.

use std::{
    collections::VecDeque,
    io,
    time::{Duration, Instant},
};

use crate::{
    link::{Link, Phase},
    load::{Load, SILENCE},
};

/// From one leave of a member to the next.
const ROUND: Duration = Duration::from_secs(8);

/// When which link leaves next: by time.
pub struct Rounds(VecDeque<(Duration, usize)>);

impl Rounds {
    /// Spreads the restless of `links` over the first round from `now`.
    pub fn new(links: &[Link], now: Duration) -> Self {
        let restless: Vec<usize> =
            (0..links.len()).filter(|index| links[*index].restless).collect();
        let gap = ROUND / restless.len().max(1) as u32;
        Self(restless.iter().zip(1..).map(|(index, place)| (now + gap * place, *index)).collect())
    }
}

impl Load {
    /// Who is due leaves; who has left comes back.
    ///
    /// # Errors
    /// The kernel's.
    pub fn send_round(&mut self, rounds: &mut Rounds) -> io::Result<()> {
        let now = self.now();
        while let Some(&(due, index)) = rounds.0.front().filter(|(due, _)| *due <= now) {
            rounds.0.rotate_left(1);
            if let Some(last) = rounds.0.back_mut() {
                last.0 = due + ROUND;
            }
            // One who is still on the way in stays for another round.
            if self.links[index].phase == Phase::Ready {
                self.links[index].leave()?;
            }
        }
        self.return_closed()
    }

    /// Until all of them are back.
    ///
    /// # Errors
    /// The kernel's, or that one is not let in.
    pub fn settle(&mut self) -> io::Result<()> {
        let until = Instant::now() + SILENCE;
        while self.links.iter().any(|link| link.restless && link.phase != Phase::Ready) {
            if Instant::now() > until {
                return Err(io::Error::other("who left is not let in again"));
            }
            self.turn(Duration::from_millis(100))?;
            self.return_closed()?;
        }
        Ok(())
    }

    fn return_closed(&mut self) -> io::Result<()> {
        for index in std::mem::take(&mut self.changed) {
            let link = &self.links[index];
            if !link.restless || link.phase != Phase::Closed {
                continue;
            }
            self.faults.lost += link.tally.gaps();
            self.open_again(index)?;
            self.closed -= 1;
            self.comings += 1;
        }
        Ok(())
    }

    /// The member of the link at `index` comes back.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open_again(&mut self, index: usize) -> io::Result<()> {
        let link = Link::open(self.links[index].again())?;
        self.hear(&link, index)?;
        self.links[index] = link;
        Ok(())
    }
}
