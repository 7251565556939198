//! What headers say.

use super::refusal;
use crate::wire::{TestServer, header};

#[tokio::test]
async fn only_allowed_origins_are_told_that_they_may_read() {
    let (server, http) = (
        TestServer::start(&["--origins", "https://chat.example.org"]).await,
        crate::support::http::client(),
    );
    let ask = |origin: &'static str| {
        http.get(server.url("/api/rooms/general")).header("origin", origin).send()
    };
    assert_eq!(
        header(&ask("https://chat.example.org").await.unwrap(), "access-control-allow-origin"),
        "https://chat.example.org"
    );
    assert_eq!(
        header(&ask("https://evil.example").await.unwrap(), "access-control-allow-origin"),
        ""
    );
    let response = http
        .post(server.url("/api/rooms/general/livekit-token"))
        .header("origin", "https://evil.example")
        .send()
        .await
        .unwrap();
    refusal(response, 403, "forbidden_origin").await;
}

#[tokio::test]
async fn a_request_keeps_its_id_or_gets_one() {
    let (server, http) = (TestServer::start(&[]).await, crate::support::http::client());
    let response =
        http.get(server.url("/healthz")).header("x-request-id", "mine-7").send().await.unwrap();
    assert_eq!(header(&response, "x-request-id"), "mine-7");
    let (one, two) = (
        http.get(server.url("/healthz")).send().await.unwrap(),
        http.get(server.url("/healthz")).send().await.unwrap(),
    );
    assert_ne!(header(&one, "x-request-id"), header(&two, "x-request-id"));
}
