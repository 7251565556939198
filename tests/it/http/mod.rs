//! HTTP: every address and method, the shape of every refusal, headers, caching, and unruly connections.

mod connections;
mod cookies;
mod headers;
mod origins;
mod page;
mod proxy_warnings;
mod routes;
mod semantics;

use reqwest::Response;
use serde_json::Value;

use crate::wire::header;

/// What every answer carries, whatever it says.
fn is_dressed(response: &Response) {
    let url = response.url();
    assert_eq!(header(response, "x-content-type-options"), "nosniff", "{url}");
    assert_eq!(header(response, "referrer-policy"), "no-referrer", "{url}");
    assert_eq!(header(response, "cross-origin-opener-policy"), "same-origin", "{url}");
    assert!(header(response, "permissions-policy").contains("camera=(self)"), "{url}");
    assert!(!header(response, "x-request-id").is_empty(), "{url}");
    let policy = header(response, "content-security-policy");
    for needed in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "connect-src 'self'",
    ] {
        assert!(
            policy.split("; ").any(|directive| directive.trim().starts_with(needed)),
            "{url}: {policy}"
        );
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"),
        "{url}: {policy}"
    );
    assert_eq!(header(response, "server"), "", "{url}");
}

async fn refusal(response: Response, status: u16, code: &str) {
    is_dressed(&response);
    assert_eq!(response.status().as_u16(), status, "{}", response.url());
    assert!(
        header(&response, "content-type").starts_with("application/json"),
        "{}",
        response.url()
    );
    assert_eq!(header(&response, "cache-control"), "no-store");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["code"], code, "{body}");
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
}
