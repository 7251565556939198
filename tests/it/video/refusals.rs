//! A LiveKit that refuses this server is told from one that is away: to the operator at start, and to people.

use std::sync::LazyLock;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    support::told::LOG,
    wire::{Client, TestServer, eventually, livekit::LiveKit},
};

const OTHER: &str = "another-secret-that-is-long-enough-for-HS256";
const REFUSED: &str = "LiveKit refuses LIVEKIT_API_KEY or its secret";

async fn parlor(url: &str, key: &str, secret: &str) -> TestServer {
    LazyLock::force(&LOG);
    TestServer::start(&[
        "--livekit-url",
        url,
        "--livekit-api-key",
        key,
        "--livekit-api-secret",
        secret,
    ])
    .await
}

/// Asks for a token over HTTP: the status and the code, if it was refused.
async fn token(server: &TestServer, who: &Client) -> (u16, Value) {
    let request = crate::support::http::client()
        .post(server.url(&format!("/api/rooms/{}/livekit-token", who.room())));
    let answer =
        request.header("authorization", format!("Bearer {}", who.ticket())).send().await.unwrap();
    (answer.status().as_u16(), answer.json::<Value>().await.unwrap()["code"].clone())
}

/// Answers every request with the same head and body.
async fn stranger(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 8192]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_wrong_secret_is_told_at_start_and_to_people_until_it_is_right() {
    let mut livekit = LiveKit::reserve();
    let server = parlor(&livekit.url(), crate::wire::livekit::KEY, OTHER).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    // Nothing is known of LiveKit yet, or that it is away: a token may be good in a moment.
    ann.send(json!({"type": "livekit-token"})).until("livekit-token").await;
    livekit.start("http://127.0.0.1:1/").await;
    while ann.until("status").await["code"] != "video_refused" {}
    ann.send(json!({"type": "livekit-token"}));
    while ann.until("error").await["code"] != "video_refused" {}
    assert_eq!(token(&server, &ann).await, (503, json!("video_refused")));
    let said = LOG.lines(&["ERROR", REFUSED, "token signature is invalid"]);
    assert!(said.len() == 1 && !said[0].contains("eyJ"), "{said:?}");
    // From the start, where LiveKit is there first.
    let second = parlor(&livekit.url(), crate::wire::livekit::KEY, OTHER).await;
    eventually("it is said at start", || {
        LOG.lines(&["ERROR", REFUSED, "token signature is invalid"]).len() == 2
    })
    .await;
    let bob = Client::join(&second, "general", "Bob").await;
    assert_eq!(token(&second, &bob).await, (503, json!("video_refused")));
    livekit.kill().await;
    OTHER.clone_into(&mut livekit.secret);
    livekit.start("http://127.0.0.1:1/").await;
    while ann.until("status").await["code"] != "video_available" {}
    assert_eq!(token(&server, &ann).await, (200, Value::Null));
}

#[tokio::test]
async fn a_wrong_key_is_told_in_livekits_own_words() {
    let mut livekit = LiveKit::reserve();
    livekit.start("http://127.0.0.1:1/").await;
    let server = parlor(&livekit.url(), "nobodyskey", &livekit.secret).await;
    eventually("it is said", || {
        LOG.lines(&["ERROR", REFUSED, "invalid API key: nobodyskey"]).len() == 1
    })
    .await;
    let ann = Client::join(&server, "general", "Ann").await;
    assert_eq!(token(&server, &ann).await, (503, json!("video_refused")));
}

#[tokio::test]
async fn what_is_no_livekit_is_told_from_one_that_is_away() {
    let words = "is no LiveKit";
    for (number, answer) in [
        "HTTP/1.1 404 Not Found\r\ncontent-length: 24\r\nconnection: close\r\n\r\n<html>Nothing here</html>",
        "HTTP/1.1 200 OK\r\ncontent-length: 18\r\nconnection: close\r\n\r\n<html>Hello</html>",
    ]
    .into_iter()
    .enumerate()
    {
        let server = parlor(&stranger(answer).await, "key", OTHER).await;
        eventually("it is said", || LOG.lines(&["ERROR", words]).len() == number + 1).await;
        let ann = Client::join(&server, "general", "Ann").await;
        assert_eq!(token(&server, &ann).await, (503, json!("video_refused")));
    }
    let away = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 21\r\nconnection: close\r\n\r\n<html>Restart</html>\n";
    let server = parlor(&stranger(away).await, "key", OTHER).await;
    // Of HTML no words are passed on. Other tests have a LiveKit that goes away for a reason.
    eventually("it is away", || LOG.lines(&["LiveKit is out of reach", "why=\"\""]).len() == 1)
        .await;
    let ann = Client::join(&server, "general", "Ann").await;
    assert_eq!(token(&server, &ann).await, (200, Value::Null), "it may be back in a moment");
    assert_eq!(LOG.lines(&["ERROR", words]).len(), 2);
}
