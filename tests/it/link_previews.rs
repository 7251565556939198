//! A link that is opened by no browser: bots that preview it, monitors and libraries get the page and do not join.

use std::process::{Output, Stdio};

use reqwest::{Method, Response};
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

use crate::wire::{Client, PATIENCE, TestServer, header};

/// All that an answer varies by, in lower case.
fn vary(response: &Response) -> String {
    let lines = response
        .headers()
        .get_all("vary")
        .iter()
        .map(|line| line.to_str().unwrap().to_ascii_lowercase());
    lines.collect::<Vec<_>>().join(", ")
}

/// The value of a `<meta>` in the page.
fn meta<'a>(page: &'a str, name: &str) -> &'a str {
    let found = page.split("<meta ").find(|rest| rest.contains(&format!("=\"{name}\"")));
    let rest = found.unwrap_or_else(|| panic!("no {name}: {page}"));
    rest.split("content=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap()
}

/// A real curl, whatever it answers.
async fn curl(args: &[&str]) -> Output {
    let running = Command::new("curl").arg("-sS").args(args).kill_on_drop(true).output();
    timeout(PATIENCE, running)
        .await
        .expect("an answer")
        .expect("these tests need curl: apt-get install curl")
}

#[tokio::test]
async fn what_is_no_terminal_gets_the_page_and_does_not_join() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let url = server.url("/r/general?name=Bot");
    for headers in [
        &[][..],
        &[("accept", "*/*")],
        &[("user-agent", "python-requests/2.32.3"), ("accept", "*/*")],
        &[("user-agent", "Go-http-client/1.1")],
        &[
            ("user-agent", "Java-http-client/21"),
            ("accept", "text/html, image/gif, image/jpeg, */*; q=0.2"),
        ],
        &[("user-agent", "axios/1.7"), ("accept", "application/json, text/plain, */*")],
        &[("user-agent", "facebookexternalhit/1.1"), ("range", "bytes=0-524287")],
        &[("user-agent", "WhatsApp/2.23.20.0"), ("accept", "*/*"), ("range", "bytes=0-")],
        &[("user-agent", "Mozilla/5.0 (compatible; UptimeRobot/2.0)")],
        &[("user-agent", "node"), ("accept", "*/*"), ("sec-fetch-mode", "cors")],
        &[("user-agent", "curl/8.14.1"), ("accept", "text/html")],
        &[("user-agent", "curl/8.14.1"), ("range", "bytes=0-99")],
        &[("accept", "text/plain"), ("sec-fetch-mode", "navigate")],
    ] {
        let ask = |method| {
            headers
                .iter()
                .fold(crate::support::http::client().request(method, &url), |ask, (name, value)| {
                    ask.header(*name, *value)
                })
        };
        let page = timeout(PATIENCE, ask(Method::GET).send()).await.expect("an answer").unwrap();
        assert!(header(&page, "content-type").starts_with("text/html"), "{headers:?}");
        assert!(vary(&page).contains("accept, user-agent"), "{headers:?}: {}", vary(&page));
        let length = header(&page, "content-length").to_owned();
        let body = timeout(PATIENCE, page.text()).await.expect("an end").unwrap();
        assert_eq!(
            length,
            body.len().to_string(),
            "whole, whatever part was asked for: {headers:?}"
        );
        let head = ask(Method::HEAD).send().await.unwrap();
        assert_eq!(
            (header(&head, "content-length"), head.status().is_success()),
            (&*length, true),
            "{headers:?}"
        );
    }
    for headers in
        [("accept", "text/plain"), ("user-agent", "curl/8.14.1"), ("user-agent", "Wget/1.25.0")]
    {
        let head = crate::support::http::client()
            .head(&url)
            .header(headers.0, headers.1)
            .send()
            .await
            .unwrap();
        assert_eq!(head.status(), 200, "{headers:?}");
    }
    assert_eq!(server.heads("general").await, 1);
    ann.send(serde_json::json!({"type": "chat", "text": "nobody came", "n": 1}));
    ann.expect("ack").await;
}

#[tokio::test]
async fn who_asks_for_text_or_is_a_terminal_reads_the_room() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    for (name, value) in [
        ("accept", "text/plain"),
        ("accept", "text/plain, */*;q=0.1"),
        ("user-agent", "HTTPie/3.2.4"),
    ] {
        let mut lines = crate::support::http::client()
            .get(server.url("/r/general?name=Zoe"))
            .header(name, value)
            .send()
            .await
            .unwrap();
        assert_eq!(header(&lines, "content-type"), "text/plain; charset=utf-8", "{value}");
        assert!(vary(&lines).contains("accept, user-agent"), "{}", vary(&lines));
        let first = timeout(PATIENCE, lines.chunk()).await.expect("a line").unwrap().unwrap();
        assert_eq!(first, "* You are Zoe in general. Here: Ann, Zoe\n");
        drop(lines);
        assert_eq!(
            (&ann.expect("joined").await["user"], &ann.expect("left").await["user"]),
            (&"Zoe".into(), &"Zoe".into())
        );
    }
    let refused = crate::support::http::client()
        .get(server.url("/r/a%20b"))
        .header("accept", "text/plain")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (refused.status().as_u16(), vary(&refused).contains("accept, user-agent")),
        (400, true)
    );
}

#[tokio::test]
async fn the_page_previews_itself_and_nothing_of_the_room() {
    let server = TestServer::start(&[]).await;
    let get = |path: &str| {
        crate::support::http::client().get(server.url(path)).header("user-agent", "Twitterbot/1.0")
    };
    let page = get("/r/our-secret-plan?name=Ann&token=a.b.c").send().await.unwrap();
    assert_eq!(
        (page.status().as_u16(), header(&page, "x-robots-tag")),
        (200, "noindex"),
        "(no page? `make build` builds it)"
    );
    let page = page.text().await.unwrap();
    assert!(
        !page.contains("our-secret-plan") && !page.contains("a.b.c") && !page.contains("name=Ann"),
        "{page}"
    );
    for name in ["og:type", "og:title", "og:description", "twitter:title", "twitter:description"] {
        assert!(!meta(&page, name).is_empty(), "{name}");
    }
    assert_eq!(meta(&page, "twitter:card"), "summary_large_image");
    let picture = server.url("/preview.png");
    assert_eq!((meta(&page, "og:image"), meta(&page, "twitter:image")), (&*picture, &*picture));
    let shown = crate::support::http::client().get(&picture).send().await.unwrap();
    assert_eq!((shown.status().as_u16(), header(&shown, "content-type")), (200, "image/png"));
    let shown = shown.bytes().await.unwrap();
    let side = |at: usize| u32::from_be_bytes(shown[at..at + 4].try_into().unwrap()).to_string();
    assert_eq!(
        (&*side(16), &*side(20)),
        (meta(&page, "og:image:width"), meta(&page, "og:image:height"))
    );

    // Where it is asked for, as the client sees it; what is no host is not written into a page.
    let at = async |args: &[&str], headers: &[(&str, &str)]| {
        let server = TestServer::start(args).await;
        let ask = headers
            .iter()
            .fold(crate::support::http::client().get(server.url("/")), |ask, (name, value)| {
                ask.header(*name, *value)
            });
        meta(&ask.send().await.unwrap().text().await.unwrap(), "og:image").to_owned()
    };
    let tls = ("x-forwarded-proto", "https");
    assert_eq!(
        at(&[], &[("host", "Chat.example:443"), tls]).await,
        "https://chat.example/preview.png"
    );
    let forwarded = [("host", "inner:8080"), ("x-forwarded-host", "chat.example"), tls];
    assert_eq!(at(&["--proxies", "1"], &forwarded).await, "https://chat.example/preview.png");
    assert_eq!(at(&[], &forwarded).await, "https://inner:8080/preview.png");
    assert_eq!(
        at(&["--proxies", "1"], &[("x-forwarded-host", "\"><script>alert(1)</script>")]).await,
        "/preview.png"
    );
    assert_eq!(at(&[], &[("host", "a'b&c")]).await, "/preview.png");
}

/// The end is put behind what was compressed at build time: real decoders must read the same in every coding.
#[tokio::test]
async fn the_page_is_the_same_in_every_coding() {
    let server = TestServer::start(&[]).await;
    let url = server.url("/r/general");
    let html = ["-H", "accept: text/html"];
    let plain = curl(&[&html[..], &[&url]].concat()).await.stdout;
    assert!(
        String::from_utf8_lossy(&plain).trim_end().ends_with("</html>"),
        "(no page? `make build` builds it)"
    );
    let version = String::from_utf8(curl(&["--version"]).await.stdout).unwrap();
    assert!(version.contains(" brotli"), "these tests need a curl that knows brotli: {version}");
    let mut tags = std::collections::BTreeSet::new();
    for coding in ["br", "gzip", "identity"] {
        let accept = format!("accept-encoding: {coding}");
        let told =
            curl(&[&html[..], &["--compressed", "-H", &accept, "-D", "-", &url]].concat()).await;
        assert!(told.status.success(), "{coding}: {}", String::from_utf8_lossy(&told.stderr));
        let cut = told.stdout.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&told.stdout[..cut]).to_ascii_lowercase();
        assert!(
            coding == "identity" || head.contains(&format!("content-encoding: {coding}")),
            "{head}"
        );
        assert_eq!(&told.stdout[cut + 4..], &plain, "{coding}");
        let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
        let ask = crate::support::http::client()
            .get(&url)
            .header("accept", "text/html")
            .header("accept-encoding", coding);
        let again = ask.header("if-none-match", &tag).send().await.unwrap();
        assert_eq!(again.status(), 304, "{coding}");
        let ask = crate::support::http::client()
            .get(&url)
            .header("accept", "text/html")
            .header("accept-encoding", coding)
            .header("host", "other");
        assert_eq!(
            ask.header("if-none-match", &tag).send().await.unwrap().status(),
            200,
            "another host, another page"
        );
        tags.insert(tag);
    }
    assert_eq!(tags.len(), 3, "another coding, another tag");
    let gzip = curl(&[&html[..], &["-H", "accept-encoding: gzip", &url]].concat()).await.stdout;
    let mut strict = Command::new("gzip");
    let mut strict =
        strict.args(["-t"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    strict.stdin.take().unwrap().write_all(&gzip).await.unwrap();
    let strict = strict.wait_with_output().await.unwrap();
    assert!(
        strict.status.success() && strict.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&strict.stderr)
    );
}
