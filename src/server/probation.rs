//! Connections above a limit. Each is on trial for a moment: if its first request comes quickly and is a health check,
//! it is answered. Every other request is refused, and a silent connection as well.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::timeout};

use crate::protocol::ApiError;

/// How many connections may be on trial. One more ends the oldest.
const PLACES: usize = 32;

/// How long the head of the request may take.
pub(super) const HEAD: Duration = Duration::from_secs(2);

/// How long the whole trial may take, the response included.
const WHOLE: Duration = Duration::from_secs(10);

/// The connections on trial.
#[derive(Default)]
pub(super) struct Probation {
    waiting: Mutex<VecDeque<Arc<Notify>>>,
    /// Also counts connections that were told to end and have not ended yet.
    open: AtomicUsize,
}

/// One connection on trial.
pub(super) struct Trial {
    probation: Arc<Probation>,
    evicted: Arc<Notify>,
    error: ApiError,
}

impl Probation {
    /// Puts a connection on trial; `error` is why it is not admitted.
    pub(super) fn enter(self: &Arc<Self>, error: ApiError) -> Trial {
        let evicted = Arc::new(Notify::new());
        let mut waiting = self.waiting.lock();
        if waiting.len() >= PLACES
            && let Some(oldest) = waiting.pop_front()
        {
            oldest.notify_one();
        }
        waiting.push_back(Arc::clone(&evicted));
        self.open.fetch_add(1, Ordering::Relaxed);
        Trial { probation: Arc::clone(self), evicted, error }
    }

    /// Whether too many ended trials are still open, so that no more descriptors should go to new connections.
    pub(super) fn is_overfull(&self) -> bool {
        self.open.load(Ordering::Relaxed) > PLACES + PLACES / 4
    }
}

impl Trial {
    /// The error for every request that is not a health check.
    pub(super) fn error(&self) -> &ApiError {
        &self.error
    }

    /// The response over a connection that ends without another one.
    pub(super) fn last_word(&self) -> Vec<u8> {
        let body = serde_json::to_string(&self.error.problem(None)).unwrap_or_default();
        let reason =
            if self.error.status() == 429 { "Too Many Requests" } else { "Service Unavailable" };
        let wait = self.error.retry_after().map_or(1, |wait| wait.as_secs().max(1));
        let head = format!(
            "HTTP/1.1 {} {reason}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: {wait}\r\n\
             cache-control: no-store\r\nconnection: close\r\n\r\n{body}",
            self.error.status(),
            body.len()
        );
        head.into_bytes()
    }

    /// Waits until a newer connection needs the place, or until the time is over.
    pub(super) async fn over(&self) {
        let _ = timeout(WHOLE, self.evicted.notified()).await;
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.probation.waiting.lock().retain(|other| !Arc::ptr_eq(other, &self.evicted));
        self.probation.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn the_oldest_gives_way_and_places_are_given_back() {
        let probation = Arc::new(Probation::default());
        let full = || ApiError::ServerFull { what: "connections", wait: Duration::from_secs(5) };
        let mut trials: Vec<Trial> = (0..PLACES).map(|_| probation.enter(full())).collect();
        assert!(trials[0].evicted.notified().now_or_never().is_none() && !probation.is_overfull());
        let newest = probation.enter(full());
        assert!(trials[0].evicted.notified().now_or_never().is_some());
        assert!(trials[1].evicted.notified().now_or_never().is_none());
        drop(trials.split_off(1));
        assert_eq!(probation.open.load(Ordering::Relaxed), 2, "the oldest is told, and not gone");
        drop((trials, newest));
        assert!(probation.waiting.lock().is_empty() && probation.open.load(Ordering::Relaxed) == 0);
    }

    #[test]
    fn silence_is_told_why_it_ends() {
        let probation = Arc::new(Probation::default());
        let trial = probation
            .enter(ApiError::AddressLimit { what: "connections", wait: Duration::from_secs(5) });
        let word = String::from_utf8(trial.last_word()).unwrap();
        let (head, body) = word.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 429 ") && head.contains("\r\nretry-after: 5\r\n"),
            "{head}"
        );
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}");
        assert!(body.starts_with(r#"{"code":"address_limit","#), "{body}");
    }
}
