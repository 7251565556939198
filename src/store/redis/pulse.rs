//! The task that checks one server: whether its connections live, whether it can keep rooms, and what is logged of that.

use std::sync::{Arc, Weak, atomic::Ordering};
use std::time::Duration;

use fred::{clients::WithOptions, interfaces::ClientLike, prelude::Client, types::Value};
use futures_util::future::{join, join_all};
use tokio::time::{Instant, sleep, timeout};

use super::{
    client::{SEARCH, SILENCE, TRY},
    connection::{ConnectionEvents, RedisConnection},
    error_action::spoken,
    probe::{Finding, Probe},
};

/// How often each connection is pinged, and how often a server that cannot keep rooms is probed again.
const PULSE: Duration = Duration::from_millis(500);
/// How often a server is asked whether it can keep rooms.
const PROBE: Duration = Duration::from_secs(2);
/// The least time between two probes where a call gives cause to ask.
const EAGER: Duration = Duration::from_secs(1);
/// How often a server that cannot keep rooms is reconnected: its name may lead to another server by now.
const REDIAL: Duration = Duration::from_secs(5);
/// The most reasons that are logged of one absence.
const REASONS: usize = 8;

/// Logs each reason once.
#[derive(Default)]
pub(super) struct LogOnce {
    told: Vec<String>,
}

impl LogOnce {
    /// Whether to log this reason, because it was not logged yet.
    pub(super) fn is_new(&mut self, why: &str) -> bool {
        let new = self.told.len() < REASONS && !self.told.iter().any(|told| told == why);
        if new {
            self.told.push(why.to_owned());
        }
        new
    }

    /// All is well: later reasons are logged again. Returns whether any was logged before.
    pub(super) fn settle(&mut self) -> bool {
        !std::mem::take(&mut self.told).is_empty()
    }
}

/// Whether a connection answers; if not, what Redis says instead.
async fn is_alive(client: &WithOptions<Client>) -> Result<(), Option<String>> {
    match timeout(TRY, client.ping::<Value>(None)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(spoken(&error)),
        Err(_) => Err(None),
    }
}

impl RedisConnection {
    /// Asks whether each connection lives and whether the server can keep rooms. Replaces a connection that was silent twice.
    ///
    /// The server lives as long as the connection answers that carries nothing else. Another one may be slow because
    /// of what this node sends on it. Only where it is silent even after it was replaced, the server counts as away.
    pub(super) async fn check_pulse(
        self: Arc<Self>,
        connection_events: Weak<dyn ConnectionEvents>,
    ) {
        let begun = Instant::now();
        // The last is the connection that carries nothing else.
        let mut silent: Vec<u32> = self.clients().map(|_| 0).collect();
        let (mut probe, mut voice) = (Probe::new(self.setup), LogOnce::default());
        let (mut probed, mut dialled, mut received) = (begun, begun, begun);
        let (mut finding, mut unanswered, mut due) = (None, 0, true);
        let (mut warned, mut suspected) = (None, false);
        loop {
            // The server's clock is known before the server is reported to be up.
            let (beats, ()) =
                join(join_all(self.clients().map(is_alive)), self.clock.ask(self.pulse())).await;
            let words = beats.iter().find_map(|beat| beat.clone().err().flatten());
            for (beat, silent) in beats.iter().zip(&mut silent) {
                *silent = if beat.is_ok() { 0 } else { *silent + 1 };
            }
            let longest = silent.iter().copied().max().unwrap_or_default();
            let pulse = silent.last().copied().unwrap_or_default();
            self.answers.store(pulse == 0, Ordering::Relaxed);
            let dead = |(silent, _): &(&u32, _)| **silent >= 2 && **silent % 2 == 0;
            let dead: Vec<_> = silent
                .iter()
                .zip(self.clients())
                .filter(dead)
                .map(|(_, client)| self.reconnect(client))
                .collect();
            let anew = !dead.is_empty();
            join_all(dead).await;
            // How many silences in a row count against the server.
            let lost = if self.is_up() { pulse.max(longest / 2) } else { longest };
            if longest > 0 {
                self.doubt.notify_one();
            }
            if pulse > 0 || anew {
                // The next answer may come from another server.
                due = true;
                probe.begin_anew();
            }
            if longest == 0 {
                self.refusal.clear();
            }
            if longest == 0 || (self.is_up() && pulse == 0) {
                received = Instant::now();
                let every = match finding {
                    Some(Finding::Fit) if suspected => EAGER,
                    Some(Finding::Fit) => PROBE,
                    _ => PULSE,
                };
                if due || probed.elapsed() >= every {
                    let Some(connection_events) = connection_events.upgrade() else { return };
                    let mut about = self.about();
                    let found = probe
                        .ask(&self, &mut about, suspected, |slot| {
                            connection_events.leads_to(slot, &self)
                        })
                        .await;
                    (probed, due, suspected) = (Instant::now(), false, false);
                    unanswered = if found == Finding::Silent { unanswered + 1 } else { 0 };
                    match found {
                        Finding::Silent if unanswered < 2 => due = true,
                        Finding::Silent => {
                            finding = Some(Finding::Unfit("a script gets no answer".to_owned()))
                        }
                        found => finding = Some(found),
                    }
                    let warning = about.memory.as_ref().and_then(|memory| memory.warning());
                    if warning != warned {
                        match &warning {
                            Some(warning) => tracing::warn!(server = %self.server(), "{warning}"),
                            None => {
                                tracing::info!(server = %self.server(), "Redis keeps what it is given")
                            }
                        }
                        warned = warning;
                    }
                    self.know(about);
                }
            }
            let fit = finding == Some(Finding::Fit);
            let unfit = match &finding {
                Some(Finding::Unfit(why)) => Some(why.clone()),
                _ => None,
            };
            let was = (self.is_up(), self.is_down());
            let up = fit && lost < if was.0 { 2 } else { 1 };
            // A new server gets a moment to answer before it is reported to be away.
            let down = !up && (was.0 || was.1 || unfit.is_some() || begun.elapsed() >= TRY);
            if (up, down) != was {
                let Some(connection_events) = connection_events.upgrade() else { return };
                self.up.store(up, Ordering::Relaxed);
                self.down.store(down, Ordering::Relaxed);
                connection_events.link(&self);
            }
            if up && !was.0 {
                voice.settle();
                tracing::info!(server = %self.server(), "Redis is in reach");
            }
            if down {
                self.doubt.notify_one();
                // A server that is reconnected is silent for a moment, which is not logged.
                let why = unfit.filter(|_| longest == 0 || received.elapsed() < TRY);
                let why = why
                    .or(words)
                    .or_else(|| self.refusal.get())
                    .unwrap_or_else(|| SILENCE.to_owned());
                if voice.is_new(&why) {
                    tracing::warn!(server = %self.server(), why, "Redis is out of reach");
                }
                if longest == 0 && dialled.elapsed() >= REDIAL {
                    dialled = Instant::now();
                    probe.begin_anew();
                    join_all(self.clients().map(|client| self.reconnect(client))).await;
                }
            }
            if up {
                tokio::select! {
                    () = sleep(PULSE) => {}
                    () = self.suspected.notified(), if !suspected => suspected = true,
                }
            } else {
                sleep(if longest == 0 && down { PULSE } else { SEARCH }).await;
            }
        }
    }
}
