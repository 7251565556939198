//! Files that a member uploads on its way: in pieces, at any node, and again where an answer is lost.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::nomad::Nomad;
use crate::wire::poller::Poller;

/// The bytes of each piece but the last.
const PIECE: usize = 256 * 1024;

/// The bytes of a file with this name: its name, again and again.
pub(super) fn bytes(name: &str, size: usize) -> Vec<u8> {
    name.bytes().cycle().take(size).collect()
}

impl Nomad {
    /// Uploads a file. Returns it as the others are told of it.
    pub(super) async fn upload(&mut self, name: String) -> Value {
        let size = if self.luck.u8(..4) == 0 { PIECE + 1000 } else { self.luck.usize(40..400) };
        let id = uuid::Uuid::new_v4().to_string();
        let file = json!({"file": id, "size": size, "contentType": "text/plain", "name": name});
        self.surely(|poller| poller.post("files", file.to_string())).await;
        for (at, piece) in bytes(&name, size).chunks(PIECE).enumerate() {
            let answer = self
                .surely(|poller| {
                    let request = poller.http.patch(poller.url(&format!("files/{id}")));
                    let request = request.bearer_auth(&poller.ticket).body(piece.to_vec());
                    request.header("upload-offset", at * PIECE)
                })
                .await;
            assert_eq!(answer["offset"], at * PIECE + piece.len(), "{}: {answer}", self.name);
        }
        self.count("files uploaded");
        file
    }

    /// Sends a request to any node until its answer comes.
    async fn surely(&mut self, request: impl Fn(&Poller) -> RequestBuilder) -> Value {
        loop {
            self.node();
            let sending = request(&self.poller).send();
            if self.luck.u8(..4) == 0 {
                self.count("answers to uploads lost");
                let _ = timeout(Duration::from_millis(self.luck.u64(..5)), sending).await;
                continue;
            }
            let response = sending.await.unwrap();
            if response.status() == StatusCode::SERVICE_UNAVAILABLE {
                self.count("uploads in doubt");
                continue;
            }
            assert!(response.status().is_success(), "{}: {response:?}", self.name);
            return response.json().await.unwrap();
        }
    }
}
