//! Real proxies before two nodes, with the configurations that are shipped, and before one with what people do to streams.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Error;

use crate::{
    support::{
        proxy::{Kind, Proxy},
        redis,
    },
    wire::{Client, PATIENCE, TestServer, exchange, listener::Listener, poller::Poller},
};

/// The general timeout of the shipped files, and what it is in tests: long enough for a busy machine.
const SCALED: (&str, &str) = ("75", "6");

/// Longer than that.
const SILENCE: Duration = Duration::from_secs(9);

async fn node(redis: &redis::Server, more: &[&str]) -> TestServer {
    TestServer::with_redis(&redis.url(), &[&["--rate", "10000", "--proxies", "1"], more].concat())
        .await
}

async fn before(kind: Kind, nodes: [&TestServer; 2], changes: &[(&str, &str)]) -> Proxy {
    kind.start(redis::free_port(), nodes.map(|node| node.address), changes).ready().await
}

/// Comes in over a WebSocket, as a page would: its origin is the proxy's address.
async fn page(proxy: &Proxy, query: &str) -> Client {
    let mut request = Client::request_at(proxy.address, query);
    request.headers_mut().insert("origin", format!("http://{}", proxy.address).parse().unwrap());
    Client::knock(proxy.address, request).await.unwrap().welcomed().await
}

/// People talk over sockets, a stream and polls, each word heard before the next is said.
async fn people_talk(kind: Kind) {
    let redis = redis::Server::start();
    let nodes = [node(&redis, &[]).await, node(&redis, &[]).await];
    let proxy = before(kind, [&nodes[0], &nodes[1]], &[]).await;
    let mut people = Vec::new();
    for name in ["Ann", "Bob", "Cy", "Dan"] {
        people.push(page(&proxy, &format!("room=r&name={name}")).await);
    }
    assert!(nodes.iter().all(|node| node.hub.counts() == (1, 2)), "two people on each node");
    let foreign = |origin: &str| {
        let mut request = Client::request_at(proxy.address, "room=r&name=Eve");
        request.headers_mut().insert("origin", origin.parse().unwrap());
        Client::knock(proxy.address, request)
    };
    for origin in ["http://evil.example", "http://127.0.0.1", "null"] {
        let Err(Error::Http(refused)) = foreign(origin).await.map(drop) else { panic!("let in") };
        assert_eq!(refused.status(), 403, "{origin}");
    }
    let base = proxy.url("");
    let mut stream = Listener::open(&base, "r", "?name=Eve", None, None).await;
    assert_eq!(stream.response.headers()["content-type"], "text/event-stream");
    let mut poller = Poller::join_at(&base, "r", json!({"name": "Poll"}), None).await;
    stream.expect("joined").await;
    for (n, speaker) in (1..=8).zip([0, 1, 2, 3].into_iter().cycle()) {
        let words = format!("line {n}");
        people[speaker].send(json!({"type": "chat", "text": words, "n": n}));
        assert_eq!(people[speaker].until("ack").await["n"], n);
        for other in (0..people.len()).filter(|other| *other != speaker) {
            assert_eq!(people[other].until("chat").await["text"], words);
        }
        assert_eq!(stream.expect("chat").await["text"], words);
        let mut heard = poller.hear().await;
        while heard["messages"].as_array().unwrap().is_empty() {
            heard = poller.hear().await;
        }
        assert_eq!(heard["messages"][0]["text"], words);
    }
    // A long poll is answered by what is said while it waits.
    let waiting = tokio::spawn(async move { poller.hear().await });
    people[0].publish("hello", 9).await;
    assert_eq!(stream.expect("chat").await["text"], "hello");
    assert_eq!(waiting.await.unwrap()["messages"][0]["text"], "hello");

    for path in
        ["/metrics", "/metrics?x=1", "//metrics", "/./metrics", "/%6detrics", "/r/../metrics"]
    {
        let answer = exchange(
            proxy.address,
            &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
        )
        .await;
        assert!(!answer.contains("parlor_sessions"), "{path}: {answer}");
    }
    assert_eq!(
        crate::support::http::get(proxy.url("/metrics")).await.unwrap().status(),
        404,
        "figures are not for everybody"
    );
    for person in people {
        person.leave().await;
    }
}

/// One of two nodes is gone, or stops while members are there: the other one serves all requests.
async fn a_node_is_dead(kind: Kind) {
    let redis = redis::Server::start();
    let database = format!("sqlite:{}/parlor.db", redis.dir().display());
    let accounts = ["--database-url", &database];
    let mut nodes = [node(&redis, &accounts).await, node(&redis, &accounts).await];
    let proxy = before(kind, [&nodes[0], &nodes[1]], &[]).await;
    let http = crate::support::http::client();
    let everything_works = async || {
        for _ in 0..20 {
            assert_eq!(http.get(proxy.url("/healthz")).send().await.unwrap().status(), 200);
        }
        for name in ["Ann", "Bob", "Cy", "Dan"] {
            page(&proxy, &format!("room=r&name={name}")).await.leave().await;
            Poller::join_at(&proxy.url(""), "r", json!({ "name": name }), None).await.leave().await;
            Listener::open(&proxy.url(""), "r", "?name=Eve", None, None).await;
        }
    };
    everything_works().await;
    nodes[0].stop().await.unwrap();
    everything_works().await;

    // All these come to one node, which counts by address: what a client writes of itself is not one.
    let wrong = async |from: [u8; 4], forged: &str| {
        let http = crate::support::http::builder()
            .local_address(std::net::IpAddr::from(from))
            .build()
            .unwrap();
        let request = http
            .post(proxy.url("/login"))
            .header("x-forwarded-for", forged)
            .header("content-type", "application/json");
        let answer = request
            .body(json!({"user": "Nobody", "password": "wrong horse"}).to_string())
            .send()
            .await
            .unwrap();
        answer.json::<Value>().await.unwrap()["code"].as_str().unwrap().to_owned()
    };
    for n in 0..10 {
        assert_eq!(wrong([127, 0, 0, 1], &format!("192.0.2.{n}")).await, "wrong_login");
    }
    assert_eq!(wrong([127, 0, 0, 1], "192.0.2.77").await, "rate_limited");
    assert_eq!(
        wrong([127, 0, 0, 2], "127.0.0.1").await,
        "wrong_login",
        "another client is another address"
    );
}

/// What is silent by its nature stays: a terminal for ever, a socket and a poll for as long as the files say.
async fn silence_is_borne(kind: Kind) {
    let redis = redis::Server::start();
    let nodes = [node(&redis, &[]).await, node(&redis, &[]).await];
    let proxy = before(kind, [&nodes[0], &nodes[1]], &[SCALED]).await;
    let mut poller = Poller::join_at(&proxy.url(""), "r", json!({"name": "Poll"}), None).await;
    // Answered by Parlor, with nothing new.
    poller.poll(1).await;
    poller.poll(1).await;
    // The files are what cuts here: a poll for longer than they allow.
    let mut answer = poller.ask(&poller.cursor, 60).send().await.unwrap();
    while answer.status() == 200 {
        // At another node the seat is taken up, which is an answer.
        poller.take(&answer.json().await.unwrap());
        answer = poller.ask(&poller.cursor, 60).send().await.unwrap();
    }
    assert!(matches!(answer.status().as_u16(), 502 | 504), "{answer:?}");
    poller.leave().await;

    let read = crate::support::http::client()
        .get(proxy.url("/r/quiet?name=Zoe"))
        .header("accept", "text/plain")
        .send();
    let mut lines = timeout(PATIENCE, read).await.expect("an answer").unwrap();
    let mut heard = String::new();
    hear(&mut lines, &mut heard, "Here: Zoe\n").await;
    sleep(SILENCE).await;
    let mut ann = page(&proxy, "room=quiet&name=Ann").await;
    hear(&mut lines, &mut heard, "* Ann joined\n").await;
    ann.publish("hello", 1).await;
    hear(&mut lines, &mut heard, " Ann: hello\n").await;
    assert!(!heard.contains("left"), "{heard}");
}

/// Reads on until `words` have come.
async fn hear(lines: &mut reqwest::Response, heard: &mut String, words: &str) {
    while !heard.contains(words) {
        let chunk = timeout(PATIENCE, lines.chunk())
            .await
            .unwrap_or_else(|_| panic!("no {words:?} in {heard}"));
        heard.push_str(std::str::from_utf8(&chunk.unwrap().expect("not the end")).unwrap());
    }
}

/// Each proxy does all of it.
macro_rules! of_each {
    ($($name:ident: $kind:ident;)*) => {$(
        mod $name {
            use super::Kind::$kind;

            #[tokio::test(flavor = "multi_thread")]
            async fn people_talk() {
                super::people_talk($kind).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_node_is_dead() {
                super::a_node_is_dead($kind).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn silence_is_borne() {
                super::silence_is_borne($kind).await;
            }
        }
    )*};
}

of_each! {
    haproxy: HAProxy;
    apache: Apache;
    caddy: Caddy;
}

/// Where streams are, and what they begin with.
const EVENTS: (&str, &str) = ("/api/rooms/r/events?name=Eve", r#"{"type":"welcome""#);
const TERMINAL: (&str, &str) = ("/r/r?name=Zoe", "* You are Zoe in r.");

/// A stream and, as the second transport, a terminal, asked for by a client that takes gzip: each word is heard before the next is said, and as it
/// was sent. `tries` is how often a proxy may compress that decides by what its first read brings.
async fn streams_pass(kind: Kind, node: &TestServer, config: &str, (doors, tries): (usize, usize)) {
    let proxy = kind.start_with(redis::free_port(), config).ready().await;
    let mut ann = Client::join(node, "r", "Ann").await;
    ann.publish(&"a long log ".repeat(200), 1).await;
    let mut n = 1;
    for (path, first) in [EVENTS, TERMINAL].into_iter().take(doors) {
        let mut plain = None;
        for _ in 0..tries {
            let request = crate::support::http::client()
                .get(proxy.url(path))
                .header("accept-encoding", "gzip");
            let answer = timeout(PATIENCE, request.header("accept", "text/plain").send())
                .await
                .expect("a head")
                .unwrap();
            assert_eq!(answer.status(), 200);
            if !answer.headers().contains_key("content-encoding") {
                plain = Some(answer);
                break;
            }
        }
        let (mut answer, mut heard) =
            (plain.expect("an answer that is not compressed"), String::new());
        hear(&mut answer, &mut heard, first).await;
        for _ in 0..5 {
            n += 1;
            ann.send(json!({"type": "chat", "text": format!("line {n}"), "n": n}));
            ann.until("ack").await;
            // With the last byte: its line is over.
            let end = if path.starts_with("/r/") {
                format!("line {n}\n")
            } else {
                format!("\"text\":\"line {n}\"")
            };
            hear(&mut answer, &mut heard, &end).await;
            if !path.starts_with("/r/") {
                while !heard.ends_with("\n\n") {
                    hear(&mut answer, &mut heard, "\n\n").await;
                }
            }
        }
    }
}

/// A shipped file with something put in, before this node alone.
fn with(kind: Kind, node: &TestServer, place: &str, more: &str) -> String {
    let config = kind.shipped();
    assert!(config.contains(place), "no {place:?} in {config}");
    let address = node.address.to_string();
    config
        .replace(place, more)
        .replace("127.0.0.1:8081", &address)
        .replace("127.0.0.1:8082", &address)
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_pass_haproxy_that_compresses() {
    let node = TestServer::start(&[]).await;
    let gzip =
        "mode http\n    compression algo gzip\n    compression type text/event-stream text/plain\n";
    streams_pass(Kind::HAProxy, &node, &with(Kind::HAProxy, &node, "mode http\n", gzip), (2, 1))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_pass_caddy_that_compresses() {
    let node = TestServer::start(&[]).await;
    let config = with(Kind::Caddy, &node, ":80 {\n", ":80 {\n\tencode gzip\n");
    // Caddy 2.6 compresses, whatever the node says, if it reads more than 512 bytes at first. A terminal's log may be that.
    streams_pass(Kind::Caddy, &node, &config, (1, 20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_pass_apache_that_compresses() {
    let node = TestServer::start(&[]).await;
    // Apache 2.4 does not heed no-transform.
    let gzip = "LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so\nSetOutputFilter DEFLATE\nTimeout ";
    streams_pass(
        Kind::Apache,
        &node,
        &with(Kind::Apache, &node, "\nTimeout ", &format!("\n{gzip}")),
        (2, 1),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_pass_varnish() {
    let node = TestServer::start(&[]).await;
    let (host, port) = (node.address.ip(), node.address.port());
    let bare = format!("vcl 4.1;\nbackend parlor {{ .host = \"{host}\"; .port = \"{port}\"; }}\n");
    streams_pass(Kind::Varnish, &node, &bare, (2, 1)).await;

    // What docs/proxies.md says.
    let manual = include_str!("../../docs/proxies.md");
    let documented = manual.split("```vcl\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(documented.contains("\"8080\""), "{documented}");
    let documented = documented.replace("\"8080\"", &format!("\"{port}\""));
    streams_pass(Kind::Varnish, &node, &documented, (2, 1)).await;
    let proxy = Kind::Varnish.start_with(redis::free_port(), &documented).ready().await;
    let (mut ann, mut bob) =
        (page(&proxy, "room=s&name=Ann").await, page(&proxy, "room=s&name=Bob").await);
    ann.until("joined").await;
    bob.publish("hello", 1).await;
    assert_eq!(ann.until("chat").await["text"], "hello");
    assert_eq!(crate::support::http::get(proxy.url("/metrics")).await.unwrap().status(), 404);

    let assets = std::fs::read_dir("target/public/assets").unwrap();
    let mut names = assets.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let packed = names.find(|name| name.ends_with(".wasm.br")).unwrap();
    let address = proxy.url(&format!("/assets/{}", packed.trim_end_matches(".br")));
    let ask = crate::support::http::client().get(address).header("accept-encoding", "br, gzip");
    let answer = ask.send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-encoding"]),
        (200, &"br".parse().unwrap())
    );
}

/// The general timeouts of a shipped file, in seconds: those after these words.
fn timeouts(kind: Kind, words: &[&str]) -> Vec<u64> {
    let config = kind.shipped();
    let lines = config.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let found: Vec<(&str, u64)> = lines
        .filter_map(|line| {
            let (word, rest) =
                words.iter().find_map(|word| Some((*word, line.strip_prefix(word)?.trim())))?;
            Some((
                word,
                rest.trim_end_matches('s').parse().unwrap_or_else(|_| panic!("no seconds: {line}")),
            ))
        })
        .collect();
    assert!(
        words.iter().all(|word| found.iter().any(|(found, _)| found == word)),
        "{kind:?}: {found:?}"
    );
    found.into_iter().map(|(_, seconds)| seconds).collect()
}

#[test]
fn the_shipped_files_wait_for_longer_than_a_poll() {
    for (kind, words) in [
        (Kind::HAProxy, &["timeout client ", "timeout server ", "timeout tunnel "][..]),
        (Kind::Apache, &["Timeout "]),
        (Kind::Caddy, &["response_header_timeout "]),
    ] {
        for seconds in timeouts(kind, words) {
            assert!(
                (65..=120).contains(&seconds),
                "{kind:?}: a poll waits for 60 s, and the dead are noticed, not in {seconds} s"
            );
        }
    }
}
