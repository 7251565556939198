//! Every address, and every method at it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;

use super::{is_dressed, refusal};
use crate::wire::{Client, TestServer, encoded, exchange, header};

const ADDRESSES: [(&str, &str); 18] = [
    ("/", "GET, HEAD"),
    ("/r/general", "GET, HEAD, POST"),
    ("/r/%D0%BA", "GET, HEAD, POST"),
    ("/api/rooms/general", "GET, HEAD"),
    ("/api/rooms", "POST"),
    ("/api/rooms/general/join", "POST"),
    ("/api/rooms/general/messages", "GET, POST"),
    ("/api/rooms/general/events", "GET"),
    ("/api/rooms/general/typing", "POST"),
    ("/api/rooms/general/leave", "POST"),
    ("/api/rooms/general/livekit-token", "POST"),
    ("/ws", "GET"),
    ("/healthz", "GET, HEAD"),
    ("/readyz", "GET, HEAD"),
    ("/metrics", "GET, HEAD"),
    ("/.well-known/parlor-receipt-key", "GET, HEAD"),
    ("/api/openapi.yaml", "GET, HEAD"),
    ("/api/asyncapi.yaml", "GET, HEAD"),
];

#[tokio::test]
async fn a_method_that_does_not_fit_is_told_which_would() {
    let (server, http) = (TestServer::start(&[]).await, crate::support::http::client());
    for (path, allowed) in ADDRESSES {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            if allowed.split(", ").any(|fit| fit == method.as_str()) {
                continue;
            }
            let response = http.request(method.clone(), server.url(path)).send().await.unwrap();
            assert_eq!(header(&response, "allow"), allowed, "{method} {path}");
            if method == Method::HEAD {
                assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
            } else {
                refusal(response, 405, "method_not_allowed").await;
            }
        }
    }
}

#[tokio::test]
async fn what_does_not_exist_does_not_exist_in_any_method() {
    let (server, http) = (TestServer::start(&[]).await, crate::support::http::client());
    for path in [
        "/nowhere",
        "/api",
        "/api/",
        "/api/rooms/a/b",
        "/api/rooms/a/livekit-token/b",
        "/r/a/b",
        "/ws/x",
        "/healthz/x",
        "/index.html",
        "/index.html.br",
        "/assets/",
        "/assets/none.js",
        "/..%2fCargo.toml",
        "/%2e%2e/Cargo.toml",
        "/.git/config",
        "/src/main.rs",
        "/assets/..%2f..%2f..%2fCargo.toml",
        "/%00",
        "/%FF",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            refusal(http.request(method, server.url(path)).send().await.unwrap(), 404, "not_found")
                .await;
        }
        let response = http.head(server.url(path)).send().await.unwrap();
        assert_eq!(
            (response.status(), response.bytes().await.unwrap().len()),
            (StatusCode::NOT_FOUND, 0)
        );
    }
    for path in [
        "/../Cargo.toml",
        "/assets/../../../Cargo.toml",
        "//etc/passwd",
        "/assets/../../../../../../etc/passwd",
    ] {
        let answer = exchange(
            server.address,
            format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes(),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 404 ") && !answer.contains("[package]"), "{answer}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let (server, http) = (TestServer::start(&[]).await, crate::support::http::client());
    let _ann = Client::join(&server, "general", "Ann").await;
    for path in [
        "/",
        "/r/general",
        "/api/rooms/general",
        "/api/rooms/a%20b",
        "/healthz",
        "/readyz",
        "/metrics",
        "/.well-known/parlor-receipt-key",
        "/favicon.svg",
        "/nowhere",
    ] {
        for coding in ["identity", "gzip", "br"] {
            let ask = |method| {
                http.request(method, server.url(path))
                    .header("accept-encoding", coding)
                    .header("accept", "text/html")
                    .send()
            };
            let (get, head) = (ask(Method::GET).await.unwrap(), ask(Method::HEAD).await.unwrap());
            is_dressed(&get);
            is_dressed(&head);
            assert_eq!(get.status(), head.status(), "{path}");
            for name in
                ["content-type", "etag", "cache-control", "content-encoding", "vary", "allow"]
            {
                assert_eq!(header(&get, name), header(&head, name), "{path} {name}");
            }
            let length = header(&head, "content-length").to_owned();
            assert!(head.bytes().await.unwrap().is_empty());
            let body = get.bytes().await.unwrap();
            assert!(length.is_empty() || length == body.len().to_string(), "{path}: {length}");
        }
    }
}

#[tokio::test]
async fn rooms_tell_how_many_people_they_have_their_rules_and_nothing_else() {
    let (server, http) = (TestServer::start(&[]).await, crate::support::http::client());
    let _ann = Client::join(&server, "комната", "Ann").await;
    let _bob = Client::join(&server, "комната", "Bob").await;
    for (path, room, members) in [
        (encoded("комната"), "комната", 2),
        ("%d0%ba%d0%be%d0%bc%d0%bd%d0%b0%d1%82%d0%b0".into(), "комната", 2),
        ("nobody".into(), "nobody", 0),
        ("cafe%CC%81".into(), "caf\u{e9}", 0),
        ("x".repeat(64), &"x".repeat(64), 0),
    ] {
        let response =
            http.get(server.url(&format!("/api/rooms/{path}?x=y"))).send().await.unwrap();
        is_dressed(&response);
        assert_eq!(
            (response.status(), header(&response, "cache-control")),
            (StatusCode::OK, "no-store")
        );
        assert_eq!(
            response.json::<Value>().await.unwrap(),
            json!({"room": room, "members": members, "lock": "open", "history": "all"})
        );
    }
    for path in [
        "%FF",
        "%00",
        "a%20b",
        "a%2Fb",
        "%252e",
        "a+b",
        &"x".repeat(65),
        &"x".repeat(5000),
        "%F0%9F%98%80",
        "a%0d%0ax-evil:1",
        "",
    ] {
        refusal(
            http.get(server.url(&format!("/api/rooms/{path}"))).send().await.unwrap(),
            400,
            "bad_room",
        )
        .await;
    }
    for path in ["..", "%2e%2e", "."] {
        let head =
            format!("GET /api/rooms/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        assert!(
            exchange(server.address, head.as_bytes()).await.starts_with("HTTP/1.1 400 "),
            "{path}"
        );
    }
    assert_eq!(server.hub.counts(), (1, 2), "asking makes no room");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_however_it_is_sent() {
    let (server, http) = (TestServer::start(&[]).await, crate::support::http::client());
    let path = "/api/rooms/general/livekit-token";
    refusal(
        http.post(server.url(path)).body("x".repeat(70_000)).send().await.unwrap(),
        413,
        "body_too_big",
    )
    .await;
    refusal(
        http.post(server.url(path)).body("x".repeat(60_000)).send().await.unwrap(),
        401,
        "no_ticket",
    )
    .await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
    let large =
        exchange(server.address, format!("{head}{}0\r\n\r\n", chunk.repeat(70)).as_bytes()).await;
    assert!(
        large.starts_with("HTTP/1.1 413 ") && large.contains(r#"{"code":"body_too_big","#),
        "{large}"
    );
    let small =
        exchange(server.address, format!("{head}{}0\r\n\r\n", chunk.repeat(60)).as_bytes()).await;
    assert!(
        small.starts_with("HTTP/1.1 401 ") && small.contains(r#"{"code":"no_ticket","#),
        "{small}"
    );
}

#[tokio::test]
async fn health_readiness_and_metrics_tell_the_truth() {
    let (server, http) = (TestServer::start(&[]).await, crate::support::http::client());
    let mut ann = Client::join(&server, "general", "Ann").await;
    let _bob = Client::join(&server, "other", "Bob").await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let response = http.get(server.url(path)).send().await.unwrap();
        is_dressed(&response);
        assert_eq!(
            (response.status(), header(&response, "cache-control")),
            (StatusCode::OK, "no-store"),
            "{path}"
        );
    }
    let response = http.get(server.url("/metrics")).send().await.unwrap();
    assert!(header(&response, "content-type").contains("text"));
    let text = response.text().await.unwrap();
    for line in ["parlor_rooms 2", "parlor_sessions 2", "# TYPE parlor_sessions gauge"] {
        assert!(text.lines().any(|given| given == line), "{line}: {text}");
    }
    assert!(
        !text.contains("general") && !text.contains("Ann"),
        "rooms and names are nobody's business"
    );
    server.hub.shutdown().await;
    ann.until("closing").await;
    refusal(http.get(server.url("/readyz")).send().await.unwrap(), 503, "restarting").await;
    assert_eq!(
        http.get(server.url("/healthz")).send().await.unwrap().status(),
        StatusCode::OK,
        "it still lives"
    );
    let late = Client::upgrade(&server, Client::request(&server, "room=general&name=Late")).await;
    let Err(tungstenite::Error::Http(late)) = late.map(drop) else { panic!("let in") };
    assert_eq!(
        (late.status(), late.headers().contains_key("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, true)
    );
}
