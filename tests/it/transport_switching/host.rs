//! The first of them is host: it locks the room and hides the log for a while, mutes others, and removes a pest.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{ROOM, knowledge::PEST, nomad::Nomad};
use crate::wire::{PATIENCE, poller::Poller};

impl Nomad {
    /// The next decision; each second one takes the one before back.
    pub(super) async fn decide(&mut self) {
        self.host.turn += 1;
        match self.host.turn % 7 {
            1 => self.asks(json!({"type": "lock", "lock": "locked"})).await,
            2 => self.asks(json!({"type": "lock", "lock": "open"})).await,
            3 => self.asks(json!({"type": "history", "history": "since_join"})).await,
            4 => self.asks(json!({"type": "history", "history": "all"})).await,
            5 => {
                let at = self.host.turn as usize / 7 % self.host.others.len().max(1);
                if let Some(other) = self.host.others.get(at).cloned() {
                    self.mutes(other, true).await;
                }
            }
            6 => {
                if let Some(muted) = self.host.muted.take() {
                    self.mutes(muted, false).await;
                }
            }
            _ => self.remove_a_pest().await,
        }
    }

    /// Takes back what hinders newcomers.
    pub(super) async fn calm(&mut self) {
        self.asks(json!({"type": "lock", "lock": "open"})).await;
        self.asks(json!({"type": "history", "history": "all"})).await;
    }

    async fn mutes(&mut self, other: String, muted: bool) {
        self.asks(json!({"type": "mute", "clientId": other, "muted": muted})).await;
        self.host.muted = muted.then_some(other);
    }

    async fn asks(&mut self, request: Value) {
        loop {
            self.node();
            let answer = self.poller.post("host", request.to_string()).send().await.unwrap();
            if answer.status() == StatusCode::OK {
                let answer: Value = answer.json().await.unwrap();
                assert_eq!(answer["type"], "ack", "{request}: {answer}");
                return self.count("decisions");
            }
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{request}");
        }
    }

    /// A member joins, is removed, and comes back by no request.
    async fn remove_a_pest(&mut self) {
        let node = self.node();
        let pest = Poller::join(&self.nodes[node], ROOM, PEST).await;
        let kick = json!({"type": "kick", "clientId": pest.id(), "address": false});
        self.asks(kick).await;
        refused(&pest, || pest.http.get(pest.url("messages?wait=0"))).await;
        for node in self.nodes.iter() {
            let at = |what: &str| pest.http.post(node.url(&format!("/api/rooms/{ROOM}/{what}")));
            let words = json!({"text": "still here", "n": 1}).to_string();
            assert!(is_kicked(&pest, at("join").body("{}")).await, "by its ticket");
            refused(&pest, || at("messages").body(words.clone())).await;
        }
        self.count("pests removed");
    }

    /// Ends the room for all.
    pub(super) async fn burn(&self) {
        let burn = json!({"type": "burn"}).to_string();
        let answer = self.poller.post("host", burn).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = answer.json().await.unwrap();
        let receipt = parlor::receipt::verify(answer["receipt"].as_str().unwrap(), None).unwrap();
        assert_eq!((receipt.room.as_str(), receipt.keys_left), (ROOM, 0), "{receipt:?}");
    }
}

/// Waits until such a request is refused: its node may not have heard of the removal yet.
async fn refused(pest: &Poller, request: impl Fn() -> RequestBuilder) {
    let refused = async {
        while !is_kicked(pest, request()).await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, refused).await.expect("the pest's requests are refused");
}

/// Whether a request with the pest's ticket is refused because the host has removed it.
async fn is_kicked(pest: &Poller, request: RequestBuilder) -> bool {
    let answer = request.bearer_auth(&pest.ticket).send().await.unwrap();
    let status = answer.status();
    let told: Value = answer.json().await.unwrap_or_default();
    let is_kicked = status == StatusCode::FORBIDDEN && told["code"] == "kicked";
    if !is_kicked {
        println!("{status}: {told}");
    }
    is_kicked
}
