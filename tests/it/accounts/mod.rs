//! Accounts: in their databases, over HTTP, and in rooms. Over HTTP a password costs what it costs in production.

mod database;
mod login;
mod renames;
mod rooms;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::{
    support::dir::Dir,
    wire::{Client, TestServer},
};

const PASSWORD: &str = "correct horse";

/// A server with accounts in a file of its own.
struct Parlor {
    server: TestServer,
    dir: Dir,
}

impl Parlor {
    async fn start(more: &[&str]) -> Self {
        let dir = Dir::new();
        let server = Self::serve(&dir, more).await;
        Self { server, dir }
    }

    async fn serve(dir: &Dir, more: &[&str]) -> TestServer {
        TestServer::start(&[&["--database-url", &dir.sqlite()], more].concat()).await
    }

    /// Another server that knows the same people.
    async fn beside(&self, more: &[&str]) -> TestServer {
        Self::serve(&self.dir, more).await
    }

    async fn ask(&self, method: Method, path: &str, token: Option<&str>, body: Value) -> Response {
        let request =
            crate::support::http::client().request(method, self.server.url(path)).json(&body);
        let request = token
            .into_iter()
            .fold(request, |request, token| request.header("cookie", format!("token={token}")));
        request.send().await.unwrap()
    }

    async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Response {
        self.ask(Method::POST, path, token, body).await
    }

    /// Registers and logs in.
    async fn member(&self, user: &str) -> String {
        let login = json!({"user": user, "password": PASSWORD});
        assert_eq!(self.post("/register", None, login.clone()).await.status(), 201);
        let answer: Value = self.post("/login", None, login).await.json().await.unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    async fn knock(
        &self,
        query: &str,
        header: Option<(&'static str, String)>,
    ) -> Result<Client, Error> {
        let mut request = Client::request(&self.server, query);
        if let Some((name, value)) = header {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        Client::upgrade(&self.server, request).await
    }

    async fn enter(&self, query: &str, token: &str) -> Client {
        self.knock(query, Some(("cookie", format!("token={token}"))))
            .await
            .unwrap()
            .welcomed()
            .await
    }
}

async fn refused(response: Response, status: u16, code: &str) {
    assert_eq!(response.status(), status, "{code}");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["code"], code, "{body}");
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()));
}

fn get(server: &TestServer, path: &str) -> RequestBuilder {
    crate::support::http::client().get(server.url(path))
}
