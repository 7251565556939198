//! People who speak: at a rate, or as much as the server takes.

use std::{
    io::{self, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{
    dialect::Text,
    job::Crowd,
    load::{Load, SILENCE},
    mark::Mark,
    restless::Rounds,
};

impl Load {
    /// Open loop: what is due is said, however the server does. Then waits for what is still on its way.
    pub fn talk(&mut self, crowd: Crowd, rate: f64, seconds: f64, text: Text) -> io::Result<()> {
        let mut frames = self.frames(crowd, text);
        let gap = 1.0 / (rate * crowd.rooms as f64);
        let start = self.began.elapsed() + Duration::from_millis(20);
        let count = (seconds / gap).round() as u64;
        let mut rounds = Rounds::new(&self.links, self.began.elapsed());
        for i in 0..count {
            let room = (i % crowd.rooms as u64) as usize;
            let due = start + Duration::from_secs_f64(i as f64 * gap);
            loop {
                let wait = due.saturating_sub(self.began.elapsed());
                if wait.is_zero() {
                    break;
                }
                self.turn(wait)?;
                self.send_round(&mut rounds)?;
            }
            self.said[room] += 1;
            let (frame, at) = &mut frames[room];
            Mark { number: self.said[room], due: due.as_nanos() as u64 }
                .write(&mut frame[*at..])?;
            publish(&self.links[room * crowd.members].socket, frame)?;
            self.turn(Duration::ZERO)?;
            self.send_round(&mut rounds)?;
        }
        self.listen(crowd)?;
        self.settle()
    }

    /// Closed loop: as much as the server takes.
    pub fn flood(&mut self, crowd: Crowd, window: u64, seconds: f64, text: Text) -> io::Result<()> {
        let prepared = self.frames(crowd, text);
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        let mut frames = Vec::new();
        self.news = (0..crowd.rooms).collect();
        while Instant::now() < until {
            for room in std::mem::take(&mut self.news) {
                let free = window - (self.said[room] - self.acked[room]);
                // In halves, so that several go at a time if several may.
                if free < (window / 2).max(1) {
                    continue;
                }
                frames.clear();
                let (frame, at) = &prepared[room];
                for _ in 0..free {
                    self.said[room] += 1;
                    let from = frames.len();
                    frames.extend_from_slice(frame);
                    let due = self.began.elapsed().as_nanos() as u64;
                    Mark { number: self.said[room], due }.write(&mut frames[from + at..])?;
                }
                publish(&self.links[room * crowd.members].socket, &frames)?;
            }
            if !self.turn(SILENCE)? {
                return Err(io::Error::other("the server has stopped"));
            }
        }
        self.listen(crowd)
    }

    /// By room: what its speaker sends, and where the mark goes.
    fn frames(&self, crowd: Crowd, text: Text) -> Vec<(Vec<u8>, usize)> {
        (0..crowd.rooms).map(|room| self.job.dialect.message(room, text)).collect()
    }

    /// Until all has come that was said, or nothing comes any more.
    fn listen(&mut self, crowd: Crowd) -> io::Result<()> {
        let expected = (self.said.iter().sum::<u64>() - self.unmeasured)
            * (crowd.members - crowd.stalled - crowd.restless) as u64;
        while self.delivered < expected && self.turn(SILENCE)? {}
        Ok(())
    }
}

fn publish(mut socket: &TcpStream, words: &[u8]) -> io::Result<()> {
    match socket.write(words)? {
        whole if whole == words.len() => Ok(()),
        _ => Err(io::Error::other("the server does not read what is said")),
    }
}
