//! What Redis takes for the least that it can be asked: the price of every call to it.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::{job::Outcome, load::Load};

impl Load {
    /// Asks a Redis for a sign of life, `rate` times a second. A message is a question.
    ///
    /// # Errors
    /// The kernel's, or that it does not answer.
    pub fn ask(mut self, rate: f64, seconds: f64) -> io::Result<Outcome> {
        let mut redis = TcpStream::connect(self.job.addresses[0])?;
        redis.set_nodelay(true)?;
        let count = (rate * seconds).round() as u64;
        let (start, begun) = (self.look()?, self.now());
        for i in 0..count {
            let due = begun + Duration::from_secs_f64(i as f64 / rate);
            let wait = due.saturating_sub(self.now());
            if !wait.is_zero() {
                self.turn(wait)?;
            }
            redis.write_all(b"PING\r\n")?;
            redis.read_exact(&mut [0; b"+PONG\r\n".len()])?;
        }
        self.count(count);
        let now = self.look()?;
        Ok(self.outcome(start, now))
    }
}
