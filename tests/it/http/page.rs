//! The page: its caching, its policy, and where it is served.

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::StatusCode;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::is_dressed;
use crate::wire::{TestServer, header};

/// What the document begins with saves a round trip; the policy names it, and nothing else that stands in a page.
#[tokio::test]
async fn the_script_in_the_page_is_the_one_that_the_policy_allows() {
    let server = TestServer::start(&[]).await;
    for path in ["/", "/r/general", "/login"] {
        let page = crate::support::http::client()
            .get(server.url(path))
            .header("accept", "text/html")
            .send()
            .await
            .unwrap();
        is_dressed(&page);
        let policy = header(&page, "content-security-policy").to_owned();
        let page = page.text().await.unwrap();
        let [_, rest] = page.split("<script>").collect::<Vec<_>>()[..] else {
            panic!("one script: {page}")
        };
        let script = rest.split("</script>").next().unwrap();
        let hash = BASE64_STANDARD.encode(Sha256::digest(script));
        assert!(policy.contains(&format!("; script-src 'self' 'sha256-{hash}';")), "{policy}");
    }
}

#[tokio::test]
async fn the_page_is_cached_negotiated_and_served_for_every_room() {
    let (server, http) = (TestServer::start(&[]).await, crate::support::http::client());
    let ask =
        |path: &str, coding: &str| http.get(server.url(path)).header("accept-encoding", coding);
    let get =
        |path: &str, coding: &str| ask(path, coding).header("accept", "text/html,*/*;q=0.8").send();
    let page = get("/", "identity").await.unwrap();
    is_dressed(&page);
    assert!(header(&page, "content-type").starts_with("text/html"));
    if page.status() == StatusCode::SERVICE_UNAVAILABLE {
        assert!(
            page.text().await.unwrap().contains("make build"),
            "without a page, it says how to get one"
        );
        return;
    }
    assert_eq!((page.status(), header(&page, "cache-control")), (StatusCode::OK, "no-cache"));
    let (etag, body) = (header(&page, "etag").to_owned(), page.text().await.unwrap());
    assert_eq!(get("/r/any%20thing", "identity").await.unwrap().text().await.unwrap(), body);
    for (coding, given) in [
        ("br, gzip", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("", ""),
        ("identity", ""),
        ("zstd", ""),
    ] {
        let response = get("/", coding).await.unwrap();
        assert_eq!(header(&response, "content-encoding"), given, "{coding}");
        assert!(
            response
                .headers()
                .get_all("vary")
                .iter()
                .any(|vary| vary.to_str().unwrap().eq_ignore_ascii_case("accept-encoding"))
        );
        assert!(
            given.is_empty() || header(&response, "etag") != etag,
            "another representation, another tag"
        );
    }
    for known in [etag.clone(), format!("\"x\", {etag}"), format!("W/{etag}"), "*".into()] {
        let response = http
            .get(server.url("/"))
            .header("accept-encoding", "identity")
            .header("if-none-match", &known)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(header(&response, "etag"), etag);
        is_dressed(&response);
        assert!(response.bytes().await.unwrap().is_empty());
    }
    let response =
        http.get(server.url("/")).header("if-none-match", "\"other\"").send().await.unwrap();
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

/// Of large files only the Brotli is embedded. A client that takes no Brotli is told so, and gets no bytes that it
/// cannot read.
#[tokio::test]
async fn what_is_kept_as_brotli_alone_is_sent_as_that_or_refused() {
    let (server, http) = (TestServer::start(&[]).await, crate::support::http::client());
    let assets = std::path::Path::new("target/public/assets");
    let vision = std::fs::read_dir(assets).unwrap().map(|entry| entry.unwrap().path());
    let vision = vision.filter(|path| path.is_dir()).collect::<Vec<_>>();
    let folders = [&[assets.to_owned()], &*vision].concat();
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let names = files.map(|entry| {
        let path = entry.unwrap().path();
        path.strip_prefix(assets).unwrap().to_str().unwrap().to_owned()
    });
    let packed: Vec<String> = names
        .filter_map(|name| name.strip_suffix(".br").map(str::to_owned))
        .filter(|name| name.ends_with(".wasm") || name.ends_with(".tflite"))
        .collect();
    assert!(packed.len() >= 3, "{packed:?}");
    for name in packed {
        let get = |coding: Option<&'static str>| {
            let ask = http.get(server.url(&format!("/assets/{name}")));
            coding.map_or(ask.try_clone().unwrap(), |it| ask.header("accept-encoding", it)).send()
        };
        for coding in [Some("gzip, deflate, br"), Some("*"), None] {
            let response = get(coding).await.unwrap();
            is_dressed(&response);
            let kind = if name.ends_with(".wasm") {
                "application/wasm"
            } else {
                "application/octet-stream"
            };
            assert_eq!(
                (
                    response.status(),
                    header(&response, "content-encoding"),
                    header(&response, "content-type"),
                    header(&response, "cache-control"),
                ),
                (StatusCode::OK, "br", kind, "public, max-age=31536000, immutable"),
                "{name} {coding:?}"
            );
            assert!(response.bytes().await.unwrap().len() > 10_000);
        }
        let etag = header(&get(None).await.unwrap(), "etag").to_owned();
        let again = http.get(server.url(&format!("/assets/{name}"))).header("if-none-match", &etag);
        assert_eq!(again.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
        for coding in ["gzip", "identity", "br;q=0", "BR;q=0, *", ""] {
            let response = get(Some(coding)).await.unwrap();
            is_dressed(&response);
            assert_eq!(response.status(), StatusCode::NOT_ACCEPTABLE, "{coding}");
            assert_eq!(header(&response, "content-encoding"), "");
            assert_eq!(header(&response, "cache-control"), "no-store");
            assert!(response.text().await.unwrap().contains("br"));
        }
    }
}

#[tokio::test]
async fn a_mistyped_address_shows_a_browser_the_page() {
    let server = TestServer::start(&[]).await;
    let ask = |accept: &'static str| {
        crate::support::http::client().get(server.url("/nowhere")).header("accept", accept).send()
    };
    let page = ask("text/html,application/xhtml+xml").await.unwrap();
    assert_eq!(page.status(), 404);
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(page.text().await.unwrap().contains("<!doctype html>"));
    let problem: Value = ask("application/json").await.unwrap().json().await.unwrap();
    assert_eq!(problem["code"], "not_found");
}
