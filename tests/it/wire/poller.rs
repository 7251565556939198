//! A client that takes part by requests alone.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::{PATIENCE, TestServer, encoded, said};

pub struct Poller {
    pub http: reqwest::Client,
    /// Where the next request goes: any node.
    pub base: String,
    pub room: String,
    pub welcome: Value,
    pub ticket: String,
    pub cursor: String,
}

impl Poller {
    pub async fn join(server: &TestServer, room: &str, name: &str) -> Self {
        Self::join_at(&server.url(""), room, json!({ "name": name }), None).await
    }

    pub async fn join_at(base: &str, room: &str, wish: Value, ticket: Option<&str>) -> Self {
        let http = crate::support::http::builder()
            .timeout(PATIENCE + Duration::from_secs(60))
            .build()
            .unwrap();
        let request =
            http.post(format!("{base}/api/rooms/{}/join", encoded(room))).body(wish.to_string());
        let response =
            ticket.into_iter().fold(request, RequestBuilder::bearer_auth).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let text = response.text().await.unwrap();
        assert!(text.starts_with(r#"{"type":"welcome","#), "{text}");
        let welcome: Value = serde_json::from_str(&text).unwrap();
        let word = |field: &str| welcome[field].as_str().unwrap().to_owned();
        Self {
            http,
            base: base.into(),
            room: room.into(),
            ticket: word("ticket"),
            cursor: word("cursor"),
            welcome,
        }
    }

    pub fn id(&self) -> &str {
        self.welcome["clientId"].as_str().unwrap()
    }

    pub fn url(&self, what: &str) -> String {
        format!("{}/api/rooms/{}/{what}", self.base, encoded(&self.room))
    }

    pub fn post(&self, what: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.http.post(self.url(what)).bearer_auth(&self.ticket).body(body)
    }

    /// A poll as it is sent.
    pub fn ask(&self, after: &str, wait: u64) -> RequestBuilder {
        let url = self.url(&format!("messages?wait={wait}&after={after}"));
        self.http.get(url).bearer_auth(&self.ticket)
    }

    /// Polls and goes on from the answer; `None` for 204.
    pub async fn poll(&mut self, wait: u64) -> Option<Value> {
        let response = self.ask(&self.cursor, wait).send().await.unwrap();
        match response.status() {
            StatusCode::NO_CONTENT => None,
            StatusCode::OK => {
                let answer: Value = response.json().await.unwrap();
                self.take(&answer);
                Some(answer)
            }
            status => panic!("{status}: {}", response.text().await.unwrap()),
        }
    }

    /// Goes on from an answer.
    pub fn take(&mut self, answer: &Value) {
        answer["cursor"].as_str().unwrap().clone_into(&mut self.cursor);
        if let Some(ticket) = answer["ticket"].as_str() {
            ticket.clone_into(&mut self.ticket);
        }
    }

    /// Polls until something has come.
    pub async fn hear(&mut self) -> Value {
        self.poll(60).await.expect("something within a minute")
    }

    /// Polls until this type of event has come.
    pub async fn until(&mut self, kind: &str) -> Value {
        loop {
            let answer = self.hear().await;
            if let Some(event) =
                answer["events"].as_array().unwrap().iter().find(|event| event["type"] == kind)
            {
                return event.clone();
            }
        }
    }

    /// Says something and gives the ack.
    pub async fn publish(&self, text: &str, n: u64) -> Value {
        let response =
            self.post("messages", json!({"text": text, "n": n}).to_string()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let ack: Value = response.json().await.unwrap();
        assert_eq!((&ack["type"], &ack["n"]), (&json!("ack"), &json!(n)), "{ack}");
        ack
    }

    pub async fn leave(self) {
        assert_eq!(self.post("leave", "").send().await.unwrap().status(), StatusCode::NO_CONTENT);
    }
}

/// The texts of an answer.
pub fn texts(answer: &Value) -> Vec<&str> {
    said(&answer["messages"])
}

/// The types of what else happened.
pub fn events(answer: &Value) -> Vec<&str> {
    answer["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}
