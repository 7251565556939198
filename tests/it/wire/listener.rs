//! A client that reads Server-Sent Events.

use serde_json::Value;
use tokio::time::timeout;

use super::{PATIENCE, encoded};

pub struct Listener {
    pub response: reqwest::Response,
    pub welcome: Value,
    pub ticket: String,
    /// The newest id.
    pub cursor: String,
    /// How long to wait before coming back, in ms.
    pub retry: u64,
    rest: String,
}

impl Listener {
    pub async fn open(
        base: &str,
        room: &str,
        query: &str,
        ticket: Option<&str>,
        last: Option<&str>,
    ) -> Self {
        let mut listener = Self::knock(base, room, query, ticket, last).await;
        assert_eq!(listener.response.status(), 200);
        listener.welcome = listener.next().await.expect("a welcome");
        assert_eq!(listener.welcome["type"], "welcome");
        listener.welcome["ticket"].as_str().unwrap().clone_into(&mut listener.ticket);
        listener
    }

    /// As [`Self::open`], where nothing is expected of it yet.
    pub async fn knock(
        base: &str,
        room: &str,
        query: &str,
        ticket: Option<&str>,
        last: Option<&str>,
    ) -> Self {
        let request = crate::support::http::client()
            .get(format!("{base}/api/rooms/{}/events{query}", encoded(room)));
        let request = ticket.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        let request =
            last.into_iter().fold(request, |request, last| request.header("last-event-id", last));
        Self { cursor: last.unwrap_or_default().to_owned(), ..Self::of(request).await }
    }

    /// As [`Self::knock`], by a request of one's own.
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = timeout(PATIENCE, request.send()).await.expect("an answer").unwrap();
        let (ticket, cursor, rest) = (String::new(), String::new(), String::new());
        Self { response, welcome: Value::Null, ticket, cursor, retry: 0, rest }
    }

    /// The next frame; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Value> {
        timeout(PATIENCE, self.next_whenever()).await.expect("a frame in time")
    }

    /// As [`Self::next`], however long it takes. May be dropped while it waits.
    pub async fn next_whenever(&mut self) -> Option<Value> {
        // A long event comes in many chunks: what was looked through is not looked through again.
        let mut looked = 0;
        loop {
            while let Some(at) = memchr::memmem::find(&self.rest.as_bytes()[looked..], b"\n\n") {
                let rest = self.rest.split_off(looked + at + 2);
                let event = std::mem::replace(&mut self.rest, rest);
                looked = 0;
                let mut frame = None;
                for line in event.trim_end_matches('\n').lines() {
                    match line.split_once(": ") {
                        Some(("data", json)) => {
                            frame = Some(serde_json::from_str::<Value>(json).unwrap())
                        }
                        Some(("id", id)) => id.clone_into(&mut self.cursor),
                        Some(("retry", wait)) => self.retry = wait.parse().unwrap(),
                        _ => assert!(line.starts_with(':'), "{line}"),
                    }
                }
                if frame.is_some() {
                    return frame;
                }
            }
            let chunk = self.response.chunk().await.ok()??;
            looked = self.rest.len().saturating_sub(1);
            self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next frame, which must be of this type.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let frame = self.next().await.unwrap_or_else(|| panic!("the end instead of {kind}"));
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }
}
