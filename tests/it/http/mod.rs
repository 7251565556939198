//! The edge: every address and method, the shape of every refusal, headers, caching, and unruly connections.

mod cookies_and_origins;
mod semantics;

use crate::wire::{Client, Heard, PATIENCE, TestServer, encoded};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Client as Http, Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite;

const ADDRESSES: [(&str, &str); 17] = [
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
    ("/api/openapi.yaml", "GET, HEAD"),
    ("/api/asyncapi.yaml", "GET, HEAD"),
];

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// What every answer carries, whatever it says.
fn is_dressed(response: &Response) {
    let url = response.url();
    assert_eq!(header(response, "x-content-type-options"), "nosniff", "{url}");
    assert_eq!(header(response, "referrer-policy"), "no-referrer", "{url}");
    assert_eq!(header(response, "cross-origin-opener-policy"), "same-origin", "{url}");
    assert!(header(response, "permissions-policy").contains("camera=(self)"), "{url}");
    assert!(!header(response, "x-request-id").is_empty(), "{url}");
    let policy = header(response, "content-security-policy");
    for needed in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "connect-src 'self'"] {
        assert!(policy.split("; ").any(|directive| directive.trim().starts_with(needed)), "{url}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{url}: {policy}");
    assert_eq!(header(response, "server"), "", "{url}");
}

async fn refusal(response: Response, status: u16, code: &str) {
    is_dressed(&response);
    assert_eq!(response.status().as_u16(), status, "{}", response.url());
    assert!(header(&response, "content-type").starts_with("application/json"), "{}", response.url());
    assert_eq!(header(&response, "cache-control"), "no-store");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["code"], code, "{body}");
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
}

/// Sends bytes over a connection of its own and reads until the server closes it.
async fn raw(server: &TestServer, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_method_that_does_not_fit_is_told_which_would() {
    let (server, http) = (TestServer::start(&[]).await, Http::new());
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
    let (server, http) = (TestServer::start(&[]).await, Http::new());
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
            refusal(http.request(method, server.url(path)).send().await.unwrap(), 404, "not_found").await;
        }
        let response = http.head(server.url(path)).send().await.unwrap();
        assert_eq!((response.status(), response.bytes().await.unwrap().len()), (StatusCode::NOT_FOUND, 0));
    }
    for path in ["/../Cargo.toml", "/assets/../../../Cargo.toml", "//etc/passwd", "/assets/../../../../../../etc/passwd"] {
        let answer = raw(&server, format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 404 ") && !answer.contains("[package]"), "{answer}");
    }
}

/// What the document begins with saves a round trip; the policy names it, and nothing else that stands in a page.
#[tokio::test]
async fn the_script_in_the_page_is_the_one_that_the_policy_allows() {
    let server = TestServer::start(&[]).await;
    for path in ["/", "/r/general", "/login"] {
        let page = Http::new().get(server.url(path)).header("accept", "text/html").send().await.unwrap();
        is_dressed(&page);
        let policy = header(&page, "content-security-policy").to_owned();
        let page = page.text().await.unwrap();
        let [_, rest] = page.split("<script>").collect::<Vec<_>>()[..] else { panic!("one script: {page}") };
        let script = rest.split("</script>").next().unwrap();
        let hash = BASE64_STANDARD.encode(Sha256::digest(script));
        assert!(policy.contains(&format!("; script-src 'self' 'sha256-{hash}';")), "{policy}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let (server, http) = (TestServer::start(&[]).await, Http::new());
    let _ann = Client::join(&server, "general", "Ann").await;
    for path in [
        "/",
        "/r/general",
        "/api/rooms/general",
        "/api/rooms/a%20b",
        "/healthz",
        "/readyz",
        "/metrics",
        "/favicon.svg",
        "/nowhere",
    ] {
        for coding in ["identity", "gzip", "br"] {
            let ask = |method| {
                http.request(method, server.url(path)).header("accept-encoding", coding).header("accept", "text/html").send()
            };
            let (get, head) = (ask(Method::GET).await.unwrap(), ask(Method::HEAD).await.unwrap());
            is_dressed(&get);
            is_dressed(&head);
            assert_eq!(get.status(), head.status(), "{path}");
            for name in ["content-type", "etag", "cache-control", "content-encoding", "vary", "allow"] {
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
async fn rooms_tell_how_many_people_they_have_and_nothing_else() {
    let (server, http) = (TestServer::start(&[]).await, Http::new());
    let _ann = Client::join(&server, "комната", "Ann").await;
    let _bob = Client::join(&server, "комната", "Bob").await;
    for (path, room, members) in [
        (encoded("комната"), "комната", 2),
        ("%d0%ba%d0%be%d0%bc%d0%bd%d0%b0%d1%82%d0%b0".into(), "комната", 2),
        ("nobody".into(), "nobody", 0),
        ("cafe%CC%81".into(), "caf\u{e9}", 0),
        ("x".repeat(64), &"x".repeat(64), 0),
    ] {
        let response = http.get(server.url(&format!("/api/rooms/{path}?x=y"))).send().await.unwrap();
        is_dressed(&response);
        assert_eq!((response.status(), header(&response, "cache-control")), (StatusCode::OK, "no-store"));
        assert_eq!(response.json::<Value>().await.unwrap(), json!({"room": room, "members": members}));
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
        refusal(http.get(server.url(&format!("/api/rooms/{path}"))).send().await.unwrap(), 400, "bad_room").await;
    }
    for path in ["..", "%2e%2e", "."] {
        let head = format!("GET /api/rooms/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        assert!(raw(&server, head.as_bytes()).await.starts_with("HTTP/1.1 400 "), "{path}");
    }
    assert_eq!(server.hub.counts(), (1, 2), "asking makes no room");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_however_it_is_sent() {
    let (server, http) = (TestServer::start(&[]).await, Http::new());
    let path = "/api/rooms/general/livekit-token";
    refusal(http.post(server.url(path)).body("x".repeat(70_000)).send().await.unwrap(), 413, "body_too_big").await;
    refusal(http.post(server.url(path)).body("x".repeat(60_000)).send().await.unwrap(), 401, "no_ticket").await;
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
    let large = raw(&server, format!("{head}{}0\r\n\r\n", chunk.repeat(70)).as_bytes()).await;
    assert!(large.starts_with("HTTP/1.1 413 ") && large.contains(r#"{"code":"body_too_big","#), "{large}");
    let small = raw(&server, format!("{head}{}0\r\n\r\n", chunk.repeat(60)).as_bytes()).await;
    assert!(small.starts_with("HTTP/1.1 401 ") && small.contains(r#"{"code":"no_ticket","#), "{small}");
}

#[tokio::test]
async fn health_readiness_and_metrics_tell_the_truth() {
    let (server, http) = (TestServer::start(&[]).await, Http::new());
    let mut ann = Client::join(&server, "general", "Ann").await;
    let _bob = Client::join(&server, "other", "Bob").await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let response = http.get(server.url(path)).send().await.unwrap();
        is_dressed(&response);
        assert_eq!((response.status(), header(&response, "cache-control")), (StatusCode::OK, "no-store"), "{path}");
    }
    let response = http.get(server.url("/metrics")).send().await.unwrap();
    assert!(header(&response, "content-type").contains("text"));
    let text = response.text().await.unwrap();
    for line in ["parlor_rooms 2", "parlor_seats 2", "# TYPE parlor_seats gauge"] {
        assert!(text.lines().any(|given| given == line), "{line}: {text}");
    }
    assert!(!text.contains("general") && !text.contains("Ann"), "rooms and names are nobody's business");
    server.hub.shutdown().await;
    ann.until("closing").await;
    refusal(http.get(server.url("/readyz")).send().await.unwrap(), 503, "restarting").await;
    assert_eq!(http.get(server.url("/healthz")).send().await.unwrap().status(), StatusCode::OK, "it still lives");
    let late = Client::upgrade(&server, Client::request(&server, "room=general&name=Late")).await;
    let Err(tungstenite::Error::Http(late)) = late.map(drop) else { panic!("let in") };
    assert_eq!((late.status(), late.headers().contains_key("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, true));
}

#[tokio::test]
async fn the_page_is_cached_negotiated_and_served_for_every_room() {
    let (server, http) = (TestServer::start(&[]).await, Http::new());
    let ask = |path: &str, coding: &str| http.get(server.url(path)).header("accept-encoding", coding);
    let get = |path: &str, coding: &str| ask(path, coding).header("accept", "text/html,*/*;q=0.8").send();
    let page = get("/", "identity").await.unwrap();
    is_dressed(&page);
    assert!(header(&page, "content-type").starts_with("text/html"));
    if page.status() == StatusCode::SERVICE_UNAVAILABLE {
        assert!(page.text().await.unwrap().contains("make build"), "without a page, it says how to get one");
        return;
    }
    assert_eq!((page.status(), header(&page, "cache-control")), (StatusCode::OK, "no-cache"));
    let (etag, body) = (header(&page, "etag").to_owned(), page.text().await.unwrap());
    assert_eq!(get("/r/any%20thing", "identity").await.unwrap().text().await.unwrap(), body);
    for (coding, given) in
        [("br, gzip", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip"), ("", ""), ("identity", ""), ("zstd", "")]
    {
        let response = get("/", coding).await.unwrap();
        assert_eq!(header(&response, "content-encoding"), given, "{coding}");
        assert!(
            response.headers().get_all("vary").iter().any(|vary| vary.to_str().unwrap().eq_ignore_ascii_case("accept-encoding"))
        );
        assert!(given.is_empty() || header(&response, "etag") != etag, "another representation, another tag");
    }
    for known in [etag.clone(), format!("\"x\", {etag}"), format!("W/{etag}"), "*".into()] {
        let response =
            http.get(server.url("/")).header("accept-encoding", "identity").header("if-none-match", &known).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(header(&response, "etag"), etag);
        is_dressed(&response);
        assert!(response.bytes().await.unwrap().is_empty());
    }
    let response = http.get(server.url("/")).header("if-none-match", "\"other\"").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let assets: Vec<&str> = body.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(!assets.is_empty(), "{body}");
    for asset in assets {
        let response = get(asset, "br").await.unwrap();
        assert_eq!(
            (response.status(), header(&response, "cache-control")),
            (StatusCode::OK, "public, max-age=31536000, immutable")
        );
        is_dressed(&response);
    }
}

#[tokio::test]
async fn only_allowed_origins_are_told_that_they_may_read() {
    let (server, http) = (TestServer::start(&["--origins", "https://chat.example.org"]).await, Http::new());
    let ask = |origin: &'static str| http.get(server.url("/api/rooms/general")).header("origin", origin).send();
    assert_eq!(
        header(&ask("https://chat.example.org").await.unwrap(), "access-control-allow-origin"),
        "https://chat.example.org"
    );
    assert_eq!(header(&ask("https://evil.example").await.unwrap(), "access-control-allow-origin"), "");
    let response =
        http.post(server.url("/api/rooms/general/livekit-token")).header("origin", "https://evil.example").send().await.unwrap();
    refusal(response, 403, "forbidden_origin").await;
}

#[tokio::test]
async fn a_request_keeps_its_id_or_gets_one() {
    let (server, http) = (TestServer::start(&[]).await, Http::new());
    let response = http.get(server.url("/healthz")).header("x-request-id", "mine-7").send().await.unwrap();
    assert_eq!(header(&response, "x-request-id"), "mine-7");
    let (one, two) =
        (http.get(server.url("/healthz")).send().await.unwrap(), http.get(server.url("/healthz")).send().await.unwrap());
    assert_ne!(header(&one, "x-request-id"), header(&two, "x-request-id"));
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_a_row() {
    let server = TestServer::start(&[]).await;
    let requests = ["/healthz", "/nowhere", "/api/rooms/a", "/api/rooms/b"]
        .map(|path| format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"))
        .concat();
    let post = "POST /api/rooms/a/livekit-token HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc";
    let last = "GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answers = raw(&server, format!("{requests}{post}{last}").as_bytes()).await;
    let statuses: Vec<&str> = answers.match_indices("HTTP/1.1 ").map(|(at, _)| &answers[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "404", "200", "200", "401", "200"], "{answers}");
    assert!(answers.find(r#""room":"a""#) < answers.find(r#""room":"b""#) && answers.ends_with("ready\n"), "{answers}");
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_the_server_goes_on() {
    let server = TestServer::start(&[]).await;
    let huge = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(1_000_000));
    for bytes in [
        "\u{0}\u{1}\u{2}\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "nonsense\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        huge.as_str(),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let _ = stream.write_all(bytes.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(server.heads("general").await, 0);
}

/// With the clock stopped, time only moves when nothing else does: straight to the next deadline.
#[tokio::test(start_paused = true)]
async fn a_request_head_that_never_ends_is_cut_off() {
    let server = TestServer::start(&[]).await;
    for start in ["", "GET", "GET / HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let began = tokio::time::Instant::now();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(began.elapsed().as_secs() <= 60, "{start:?}: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_gives_no_sign_of_life_is_pinged_and_then_lost() {
    let server = TestServer::start(&["--grace", "1s"]).await;
    let began = tokio::time::Instant::now();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let key = "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==";
    let head = format!("GET /ws?room=quiet HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n{key}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    assert!(all.windows(2).any(|bytes| bytes == [0x89, 0]), "a ping came");
    let elapsed = began.elapsed().as_secs();
    assert!((20..=120).contains(&elapsed), "{elapsed} s");
    while server.hub.counts() != (0, 0) {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert!(began.elapsed().as_secs() < 600, "the seat is never freed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_was_announced_and_never_comes_times_out() {
    let server = TestServer::start(&[]).await;
    // Waits without a deadline: a deadline of ours would come true at once.
    let mut client = Client::open(&server, "room=general&resume=1").await;
    let mut heard = Vec::new();
    loop {
        match client.next_whenever().await {
            Heard::Frame(frame) => heard.push(frame["code"].clone()),
            end => break assert_eq!(end, Heard::Closed(4408, "resume_timeout".into())),
        }
    }
    assert_eq!(heard, ["resume_timeout", "resume_timeout"]);
    assert_eq!(server.hub.counts(), (0, 0));
}

#[tokio::test]
async fn a_mistyped_address_shows_a_browser_the_page() {
    let server = TestServer::start(&[]).await;
    let ask = |accept: &'static str| reqwest::Client::new().get(server.url("/nowhere")).header("accept", accept).send();
    let page = ask("text/html,application/xhtml+xml").await.unwrap();
    assert_eq!(page.status(), 404);
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(page.text().await.unwrap().contains("<!doctype html>"));
    let problem: Value = ask("application/json").await.unwrap().json().await.unwrap();
    assert_eq!(problem["code"], "not_found");
}
