//! Origins and host names: which pages may connect, and which names this server answers to.

use std::process::Command;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::wire::{Client, TestServer};

/// An upgrade with these headers: let in, or the status and the answer.
async fn upgrade(
    server: &TestServer,
    headers: &[(&'static str, &str)],
) -> Result<(), (u16, Value)> {
    let mut request = Client::request(server, "room=r&name=Ann");
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match Client::upgrade(server, request).await {
        Ok(_) => Ok(()),
        Err(Error::Http(response)) => {
            let body = serde_json::from_slice(response.body().as_deref().unwrap_or_default())
                .unwrap_or_default();
            Err((response.status().as_u16(), body))
        }
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_origin_is_compared_as_browsers_mean_it() {
    let allowed = "https://A.example:443/, https://чат.пример, http://[::1]:80";
    let server = TestServer::start(&["--origins", allowed]).await;
    let proxied = TestServer::start(&["--proxies", "1"]).await;
    for (host, origin) in [
        ("name:443", "https://name"),
        ("name", "https://name"),
        ("name:80", "http://name"),
        ("Name.:8443", "https://name:8443"),
        ("inner", "https://a.example"),
        ("inner", "https://xn--80a0bn.xn--e1afmkfd"),
        ("inner", "http://[::1]"),
    ] {
        assert_eq!(
            upgrade(&server, &[("host", host), ("origin", origin)]).await,
            Ok(()),
            "{host} {origin}"
        );
    }
    for (host, origin) in
        [("name:443", "https://name:8443"), ("name", "null"), ("inner", "http://a.example")]
    {
        assert!(
            upgrade(&server, &[("host", host), ("origin", origin)]).await.is_err(),
            "{host} {origin}"
        );
    }
    // What is allowed may also read.
    for origin in ["https://a.example", "https://xn--80a0bn.xn--e1afmkfd", "http://[::1]"] {
        let response = crate::support::http::client()
            .get(server.url("/api/rooms/r"))
            .header("origin", origin)
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["access-control-allow-origin"], origin);
    }
    // A proxy that rewrites Host, as Apache does by default.
    let rewritten =
        [("host", "127.0.0.1:8080"), ("origin", "https://name"), ("x-forwarded-host", "name")];
    assert_eq!(upgrade(&proxied, &rewritten).await, Ok(()));
    let elsewhere =
        [("host", "127.0.0.1:8080"), ("origin", "https://name"), ("x-forwarded-host", "evil")];
    assert!(upgrade(&proxied, &elsewhere).await.is_err());
    let (status, body) = upgrade(&server, &rewritten).await.unwrap_err();
    assert_eq!((status, &body["code"]), (403, &json!("forbidden_origin")));
    let message = body["message"].as_str().unwrap();
    assert!(
        message.contains("the proxy changed Host") && message.contains("PARLOR_PROXIES"),
        "{message}"
    );
}

#[tokio::test]
async fn a_name_that_others_point_here_is_not_answered_to() {
    let server =
        TestServer::start(&["--allowed-hosts", "chat.example,чат.пример", "--proxies", "1"]).await;
    let ask = async |method: &str, path: &str, host: &str| {
        let request = crate::support::http::client()
            .request(method.parse().unwrap(), server.url(path))
            .header("host", host);
        request.header("accept", "text/html").send().await.unwrap()
    };
    let addresses = [
        ("GET", "/"),
        ("GET", "/r/x"),
        ("POST", "/r/x"),
        ("GET", "/api/rooms/x"),
        ("POST", "/api/rooms/x/join"),
        ("GET", "/api/visitor"),
        ("GET", "/metrics"),
        ("GET", "/favicon.svg"),
        ("GET", "/nowhere"),
        ("GET", "/api/openapi.yaml"),
        ("POST", "/livekit/webhook"),
        ("PUT", "/healthz/x"),
    ];
    for (method, path) in addresses {
        let response = ask(method, path, "evil.example").await;
        assert_eq!(response.status(), 400, "{method} {path}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["code"], "bad_host", "{method} {path}");
        assert!(body["message"].as_str().unwrap().contains("PARLOR_ALLOWED_HOSTS"), "{body}");
        let own = ask(method, path, "Chat.Example.:1234").await.text().await.unwrap();
        assert!(!own.contains("\"code\":\"bad_host\""), "{method} {path}: {own}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(ask("GET", path, "10.1.2.3:8080").await.status(), 200, "{path}");
    }
    let own = |host: &'static str| [("host", host)];
    assert_eq!(upgrade(&server, &own("chat.example")).await, Ok(()));
    assert_eq!(upgrade(&server, &own("xn--80a0bn.xn--e1afmkfd:8080")).await, Ok(()));
    assert_eq!(upgrade(&server, &own("evil.example")).await.unwrap_err().0, 400);
    let forwarded = |host, forwarded| [("host", host), ("x-forwarded-host", forwarded)];
    assert_eq!(
        upgrade(&server, &forwarded("chat.example", "evil.example")).await.unwrap_err().0,
        400
    );
    assert_eq!(
        upgrade(&server, &forwarded("evil.example", "chat.example")).await.unwrap_err().0,
        400
    );
    let room: Value = ask("GET", "/api/rooms/x", "chat.example").await.json().await.unwrap();
    assert_eq!(room["members"], 1, "of all who joined, the one that was let in");
}

#[test]
fn a_setting_that_could_never_match_is_refused_at_start() {
    for (flag, bad) in [
        ("--origins", "https://a.example/path"),
        ("--origins", "https://*.a.example"),
        ("--origins", "https://user@a.example"),
        ("--origins", "ftp://a.example"),
        ("--origins", "https://a.example:99999"),
        ("--origins", "https://:443"),
        ("--allowed-hosts", "https://a.example"),
        ("--allowed-hosts", "a.example:8080"),
        ("--allowed-hosts", "*.a.example"),
    ] {
        let value = if flag == "--origins" {
            format!("https://good.example,{bad}")
        } else {
            format!("good.example,{bad}")
        };
        let refused = Command::new(env!("CARGO_BIN_EXE_parlor"))
            .args(["--listen", "127.0.0.1:0", flag, &value])
            .output()
            .unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success(), "{flag} {bad}");
        assert!(
            said.contains(&format!("`{bad}` is no ")) && said.contains("chat.example.org"),
            "{said}"
        );
    }
}
