//! Polls that are refused.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::wire::{TestServer, poller::Poller};

#[tokio::test]
async fn what_is_wrong_is_said_with_what_is_allowed() {
    let server =
        TestServer::start(&["--rate", "1000", "--address-rate", "0", "--address-joins", "0"]).await;
    let ann = Poller::join(&server, "r", "Ann").await;
    let elsewhere = Poller::join(&server, "other", "Ann").await;
    let http = crate::support::http::client();
    let (good, wrong, gone) =
        (Some(ann.ticket.as_str()), Some(elsewhere.ticket.as_str()), Some("nonsense"));
    let big = "x".repeat(70_000);
    let long = json!({"text": "x".repeat(4001)}).to_string();
    let (get, post) = (Method::GET, Method::POST);
    for (method, path, ticket, body, status, code) in [
        (&post, "r/join", None, "{", 400, "bad_frame"),
        (&post, "r/join", None, r#"{"name":5}"#, 400, "bad_frame"),
        (&post, "r/join", None, r#"{"name":"\u0007"}"#, 400, "bad_name"),
        (&post, "r/join", None, r#"{"cursor":"x"}"#, 400, "bad_cursor"),
        (&post, "a%20b/join", None, "", 400, "bad_room"),
        (&post, "/join", None, "", 400, "bad_room"),
        (&post, "r/join", None, &big, 413, "body_too_big"),
        (&get, "r/messages", None, "", 401, "no_ticket"),
        (&get, "r/messages", wrong, "", 401, "bad_ticket"),
        (&get, "r/messages", gone, "", 401, "bad_ticket"),
        (&get, "empty/messages", good, "", 401, "bad_ticket"),
        (&get, "r/messages?wait=61", good, "", 400, "bad_wait"),
        (&get, "r/messages?wait=abc", good, "", 400, "bad_wait"),
        (&get, "r/messages?wait=", good, "", 400, "bad_wait"),
        (&get, "r/messages?wait=-1", good, "", 400, "bad_wait"),
        (&get, "r/messages?wait=1.5", good, "", 400, "bad_wait"),
        (&get, "r/messages?after=x", good, "", 400, "bad_cursor"),
        (&get, "r/messages?after=1-1-", good, "", 400, "bad_cursor"),
        (&post, "r/messages", None, r#"{"text":"hi"}"#, 401, "no_ticket"),
        (&post, "r/messages", wrong, r#"{"text":"hi"}"#, 401, "bad_ticket"),
        (&post, "r/messages", good, "", 400, "bad_frame"),
        (&post, "r/messages", good, r#"{"type":"ping"}"#, 400, "bad_frame"),
        (&post, "r/messages", good, r#"{"text":" "}"#, 400, "empty_text"),
        (&post, "r/messages", good, r#"{"text":"hi","n":0}"#, 400, "bad_n"),
        (&post, "r/messages", good, &long, 413, "too_long"),
        (&post, "r/messages", good, &big, 413, "body_too_big"),
        (&post, "r/typing", None, r#"{"typing":true}"#, 401, "no_ticket"),
        (&post, "r/typing", wrong, r#"{"typing":true}"#, 401, "bad_ticket"),
        (&post, "r/typing", good, r#"{"text":"hi"}"#, 400, "bad_frame"),
        (&post, "r/typing", good, r#"{"typing":1}"#, 400, "bad_frame"),
        (&post, "r/leave", None, "", 401, "no_ticket"),
        (&post, "r/leave", wrong, "", 401, "bad_ticket"),
        (&post, "r/leave", None, r#"{"ticket":"x"}"#, 401, "bad_ticket"),
        (&post, "r/leave", None, "{", 400, "bad_frame"),
    ] {
        let url = server.url(&format!("/api/rooms/{path}"));
        let request = http.request(method.clone(), url).body(body.to_owned());
        let response = ticket
            .into_iter()
            .fold(request, reqwest::RequestBuilder::bearer_auth)
            .send()
            .await
            .unwrap();
        let (given, cache) =
            (response.status().as_u16(), response.headers()["cache-control"].clone());
        let problem: Value = response.json().await.unwrap();
        assert_eq!(
            (given, problem["code"].as_str(), cache.to_str().unwrap()),
            (status, Some(code), "no-store"),
            "{method} {path}"
        );
        assert!(problem["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    // A send that is refused says which.
    for (ticket, body, code, n) in [
        (good, r#"{"text":" ","n":7}"#, "empty_text", json!(7)),
        (good, r#"{"type":"ping","n":7}"#, "bad_frame", json!(7)),
        (wrong, r#"{"text":"hi","n":7}"#, "bad_ticket", json!(7)),
        (None, r#"{"text":"hi","n":7}"#, "no_ticket", json!(7)),
        (good, r#"{"text":" "}"#, "empty_text", Value::Null),
        (good, r#"{"text":"hi","n":0}"#, "bad_n", Value::Null),
    ] {
        let request = ticket
            .into_iter()
            .fold(http.post(ann.url("messages")), reqwest::RequestBuilder::bearer_auth);
        let problem: Value = request.body(body).send().await.unwrap().json().await.unwrap();
        assert_eq!((problem["code"].as_str(), &problem["n"]), (Some(code), &n), "{body}");
    }
    for path in ["r/join", "r/messages", "r/typing", "r/leave"] {
        let request = http
            .post(server.url(&format!("/api/rooms/{path}")))
            .bearer_auth(&ann.ticket)
            .header("origin", "http://evil.example");
        assert_eq!(
            request.send().await.unwrap().json::<Value>().await.unwrap()["code"],
            "forbidden_origin",
            "{path}"
        );
    }
    // Another member keeps the room alive, and Ann leaves it, twice; the second time as a page that is closed.
    let mut bob = Poller::join(&server, "r", "Bob").await;
    assert_eq!(ann.post("leave", "").send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(bob.until("left").await["reason"], "left");
    let beacon = http
        .post(ann.url("leave"))
        .header("content-type", "text/plain")
        .body(json!({"ticket": ann.ticket}).to_string());
    assert_eq!(beacon.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    for request in [
        ann.ask(&ann.cursor, 0),
        ann.post("messages", r#"{"text":"hi"}"#),
        ann.post("typing", r#"{"typing":true}"#),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status(), response.json::<Value>().await.unwrap()["code"].as_str()),
            (StatusCode::FORBIDDEN, Some("not_member"))
        );
    }
    // With the ticket she may come back, as herself.
    let again =
        Poller::join_at(&server.url(""), "r", json!({"cursor": ann.cursor}), Some(&ann.ticket))
            .await;
    assert_eq!(
        (&again.welcome["clientId"], &again.welcome["resumed"]),
        (&ann.welcome["clientId"], &json!(true))
    );
    // A room of the server's own naming.
    let made: Value =
        http.post(server.url("/api/rooms")).send().await.unwrap().json().await.unwrap();
    assert_eq!(server.heads(made["roomId"].as_str().unwrap()).await, 1);
}

#[tokio::test]
async fn too_much_too_fast_is_refused_with_when_to_come_back() {
    let server = TestServer::start(&["--rate", "1"]).await;
    let ann = Poller::join(&server, "r", "Ann").await;
    let refused = loop {
        let response = ann.post("messages", r#"{"text":"hi","n":1}"#).send().await.unwrap();
        if response.status() != StatusCode::OK {
            break response;
        }
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    let problem: Value = refused.json().await.unwrap();
    assert!(problem["retryAfter"].as_u64().unwrap() >= 1 && problem["n"] == 1, "{problem}");
    let bob = Poller::join(&server, "r", "Bob").await;
    bob.publish("another may", 1).await;
}
