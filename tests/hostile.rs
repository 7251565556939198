//! What nobody should send, and somebody will: each is refused by name, and nobody else notices.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{Client, Heard, TestServer, encoded};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    http::{Method, Request, StatusCode},
};

/// A hostile member, and a bystander who should never hear of it.
struct Scene {
    server: TestServer,
    mallory: Client,
    bystander: Client,
}

impl Scene {
    async fn set(args: &[&str]) -> Self {
        let server = TestServer::start(args).await;
        let bystander = Client::join(&server, "general", "Bystander").await;
        let mallory = Client::join(&server, "general", "Mallory").await;
        let mut scene = Self { server, mallory, bystander };
        scene.bystander.expect("joined").await;
        scene
    }

    /// A good message still goes through, and is the next thing that the bystander sees.
    async fn goes_on(&mut self, after: &str) {
        self.mallory.send(json!({"type": "chat", "text": after})).expect("ack").await;
        assert_eq!(self.bystander.expect("chat").await["text"], after);
    }

    async fn refuses(&mut self, frame: &str, code: &str) -> Value {
        let error = self.mallory.send_text(frame).expect_error(code).await;
        self.goes_on(&format!("after {}", frame.chars().take(100).collect::<String>())).await;
        error
    }

    /// A new link of Mallory's, once the last one was closed.
    async fn again(&mut self) {
        let (ticket, cursor) = (self.mallory.ticket().to_owned(), self.mallory.cursor.clone());
        self.mallory = Client::resume(&self.server, "general", &ticket, Some(&cursor)).await;
        assert_eq!(self.mallory.welcome["resumed"], true);
    }
}

fn chat(text: &str) -> String {
    json!({"type": "chat", "text": text, "n": 900_001}).to_string()
}

/// A client's frame, masked with zeros; `head` is the first byte.
fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![head];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        long @ 126..65536 => frame.extend([&[0x80 | 126][..], &(long as u16).to_be_bytes()].concat()),
        huge => frame.extend([&[0x80 | 127][..], &(huge as u64).to_be_bytes()].concat()),
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

#[tokio::test]
async fn frames_that_are_none_of_ours_are_refused_one_by_one() {
    let mut scene = Scene::set(&["--rate", "1000000"]).await;
    let deep = format!("{}{}", r#"{"a":"#.repeat(10_000), "1");
    let deep_array = "[".repeat(60_000);
    let (huge_number, long_key) =
        (format!(r#"{{"type":"chat","text":"x","n":{}}}"#, "9".repeat(5000)), format!(r#"{{"{}":1}}"#, "k".repeat(60_000)));
    for (frame, code) in [
        ("", "bad_frame"),
        (" ", "bad_frame"),
        ("nonsense", "bad_frame"),
        ("{", "bad_frame"),
        ("}", "bad_frame"),
        ("[]", "bad_frame"),
        (r#"[{"type":"chat","text":"x"}]"#, "bad_frame"),
        ("null", "bad_frame"),
        ("true", "bad_frame"),
        ("5", "bad_frame"),
        (r#""chat""#, "bad_frame"),
        ("{}", "bad_frame"),
        (r#"{"type":"chat","text":"x"} {"type":"chat","text":"y"}"#, "bad_frame"),
        (r#"{"type":"chat","text":"x",}"#, "bad_frame"),
        (r#"{"type":"chat","text":5}"#, "bad_frame"),
        (r#"{"type":"chat","text":["x"]}"#, "bad_frame"),
        (r#"{"type":"chat","text":{"x":1}}"#, "bad_frame"),
        (r#"{"type":7,"text":"x"}"#, "bad_frame"),
        (r#"{"type":"typing"}"#, "bad_frame"),
        (r#"{"type":"typing","typing":"yes"}"#, "bad_frame"),
        (r#"{"type":"typing","typing":1}"#, "bad_frame"),
        (r#"{"type":"chat","text":"\ud800"}"#, "bad_frame"),
        (r#"{"type":"chat","text":"\udc00\ud800"}"#, "bad_frame"),
        (r#"{"type":"chat","text":"\x41"}"#, "bad_frame"),
        ("{\"type\":\"chat\",\"text\":\"a\u{1}b\"}", "bad_frame"),
        (r#"{"type":"chat"}"#, "empty_text"),
        (r#"{"type":"chat","text":null}"#, "empty_text"),
        (r#"{"type":"chat","text":""}"#, "empty_text"),
        (r#"{"type":"chat","text":" \n\t\u3000 "}"#, "empty_text"),
        (r#"{"type":"chat","text":"x","n":0}"#, "bad_n"),
        (r#"{"type":"chat","text":"x","n":-1}"#, "bad_n"),
        (r#"{"type":"chat","text":"x","n":1.5}"#, "bad_n"),
        (r#"{"type":"chat","text":"x","n":"1"}"#, "bad_n"),
        (r#"{"type":"chat","text":"x","n":[1]}"#, "bad_n"),
        (r#"{"type":"chat","text":"x","n":9007199254740992}"#, "bad_n"),
        (r#"{"type":"chat","text":"x","n":18446744073709551616}"#, "bad_n"),
        (r#"{"type":"dance"}"#, "unknown_type"),
        (r#"{"type":"CHAT","text":"x"}"#, "unknown_type"),
        (r#"{"type":"welcome"}"#, "unknown_type"),
        (r#"{"type":"","text":"x"}"#, "unknown_type"),
        (r#"{"type":"resume","ticket":"x"}"#, "bad_frame"),
        (r#"{"type":"livekit-token"}"#, "video_not_configured"),
        (&deep, "bad_frame"),
        (&deep_array, "bad_frame"),
        (&long_key, "bad_frame"),
    ] {
        scene.refuses(frame, code).await;
    }
    let error = scene.mallory.send_text(&huge_number).expect("error").await;
    assert!(error["code"] == "bad_n" || error["code"] == "bad_frame", "{error}");
    scene.goes_on("after a huge number").await;
}

#[tokio::test]
async fn an_error_names_the_send_it_answers() {
    let mut scene = Scene::set(&[]).await;
    assert_eq!(scene.refuses(r#"{"type":"chat","text":" ","n":7}"#, "empty_text").await["n"], 7);
    assert_eq!(scene.refuses(&json!({"text": "x".repeat(4001), "n": 8}).to_string(), "too_long").await["n"], 8);
    assert_eq!(scene.refuses(r#"{"type":"dance","n":9}"#, "unknown_type").await["n"], 9);
    assert_eq!(scene.refuses(r#"{"text":""}"#, "empty_text").await.get("n"), None);
}

#[tokio::test]
async fn binary_frames_are_refused_and_the_link_stays() {
    let mut scene = Scene::set(&[]).await;
    for payload in [&b""[..], b"\x00\xff", br#"{"type":"chat","text":"x"}"#] {
        scene.mallory.put(Message::binary(payload.to_vec())).expect_error("binary_frame").await;
        scene.goes_on("after a binary frame").await;
    }
}

#[tokio::test]
async fn a_text_of_4000_characters_fits_and_one_more_does_not() {
    let mut scene = Scene::set(&[]).await;
    for c in ["x", "ж", "🦜", "\u{0}", "\u{202e}"] {
        let text = c.repeat(4000);
        scene.mallory.send(json!({"type": "chat", "text": text})).expect("ack").await;
        assert_eq!(scene.bystander.expect("chat").await["text"], text);
        scene.mallory.send_text(&chat(&c.repeat(4001))).expect_error("too_long").await;
        scene.goes_on("after too much").await;
    }
    let escaped = format!(r#"{{"text":"{}"}}"#, r"\ud83e\udd9c".repeat(4000));
    scene.mallory.send_text(&escaped).expect("ack").await;
    assert_eq!(scene.bystander.expect("chat").await["text"], "🦜".repeat(4000));
}

#[tokio::test]
async fn a_frame_of_64_kib_is_taken_and_a_larger_one_ends_the_link() {
    let mut scene = Scene::set(&["--grace", "1h"]).await;
    let padded = |length: usize| {
        let (head, tail) = (r#"{"text":"padded","pad":""#, r#""}"#);
        format!("{head}{}{tail}", "x".repeat(length - head.len() - tail.len()))
    };
    scene.mallory.send_text(&padded(65536)).expect("ack").await;
    assert_eq!(scene.bystander.expect("chat").await["text"], "padded");
    for length in [65537, 70_000, 1_000_000, 8_000_000] {
        let frame = masked(0x81, padded(length).as_bytes());
        // The server may stop reading before all of it is written.
        let _ = scene.mallory.write_raw(&frame).await;
        scene.mallory.expect_error("frame_too_big").await;
        scene.mallory.expect_closing("frame_too_big", 1009).await;
        scene.again().await;
        scene.goes_on("after a frame that was too big").await;
    }
    let mut pieces = masked(0x01, &[b'x'; 40_000]);
    pieces.extend(masked(0x80, &[b'x'; 40_000]));
    let _ = scene.mallory.write_raw(&pieces).await;
    scene.mallory.expect_error("frame_too_big").await;
    scene.mallory.expect_closing("frame_too_big", 1009).await;
    scene.again().await;
    scene.goes_on("after pieces that were too big together").await;
}

#[tokio::test]
async fn a_message_in_pieces_is_put_together() {
    let mut scene = Scene::set(&[]).await;
    let whole = r#"{"type":"chat","text":"привет"}"#.as_bytes();
    let mut pieces = Vec::new();
    for (i, byte) in whole.iter().enumerate() {
        let last = if i + 1 == whole.len() { 0x80 } else { 0 };
        pieces.extend(masked(last | u8::from(i == 0), &[*byte]));
        if i == 20 {
            pieces.extend(masked(0x89, b"ping between pieces"));
        }
    }
    scene.mallory.write_raw(&pieces).await.unwrap();
    assert_eq!(scene.mallory.next().await, Heard::Pong(b"ping between pieces".to_vec()));
    scene.mallory.expect("ack").await;
    assert_eq!(scene.bystander.expect("chat").await["text"], "привет");
    for byte in masked(0x81, br#"{"text":"byte by byte"}"#) {
        scene.mallory.write_raw(&[byte]).await.unwrap();
    }
    scene.mallory.expect("ack").await;
    assert_eq!(scene.bystander.expect("chat").await["text"], "byte by byte");
}

#[tokio::test]
async fn what_breaks_the_websocket_protocol_ends_the_link_with_the_code_that_says_so() {
    let mut scene = Scene::set(&["--grace", "1h"]).await;
    let unmasked = [&[0x81, 14][..], br#"{"text":"bare"}"#].concat();
    for (what, bytes, code) in [
        ("an unmasked frame", unmasked, 1002),
        ("invalid UTF-8", masked(0x81, b"{\"text\":\"\xff\xfe\"}"), 1007),
        ("an encoded surrogate", masked(0x81, b"{\"text\":\"\xed\xa0\x80\"}"), 1007),
        ("a control frame that is too long", masked(0x89, &[0; 126]), 1002),
        ("a control frame in pieces", masked(0x09, b"x"), 1002),
        ("an unknown opcode", masked(0x83, b"x"), 1002),
        ("a reserved bit", masked(0xc1, br#"{"text":"x"}"#), 1002),
        ("a continuation of nothing", masked(0x80, b"x"), 1002),
        ("a message within a message", [masked(0x01, b"{"), masked(0x81, b"{}")].concat(), 1002),
        ("not WebSocket at all", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(), 1002),
    ] {
        scene.mallory.write_raw(&bytes).await.unwrap();
        let end = loop {
            match scene.mallory.next().await {
                Heard::Frame(frame) => assert_eq!(frame["type"], "closing", "{what}"),
                end => break end,
            }
        };
        assert!(matches!(end, Heard::Closed(given, _) if given == code), "{what}: {end:?}");
        scene.again().await;
        scene.goes_on(what).await;
    }
}

#[tokio::test]
async fn a_flood_is_slowed_then_refused_and_disturbs_nobody() {
    let mut scene = Scene::set(&["--rate", "20"]).await;
    let mut flooder = Client::join(&scene.server, "general", "Flooder").await;
    scene.bystander.expect("joined").await;
    scene.mallory.expect("joined").await;
    let mut taken = 0;
    let refusal = 'flood: loop {
        for _ in 0..20 {
            flooder.send(json!({"typing": true}));
        }
        let reply = flooder.send(json!({"text": "let me through"})).next().await;
        match reply {
            Heard::Frame(frame) if frame["type"] == "error" => break 'flood frame,
            Heard::Frame(frame) if frame["type"] == "ack" => taken += 1,
            other => panic!("{other:?}"),
        }
        assert!(taken < 100, "a flood is never refused");
    };
    assert_eq!(refusal["code"], "rate_limited", "{refusal}");
    assert!(refusal["retryAfter"].as_u64().is_some_and(|wait| wait > 0), "{refusal}");
    assert!(taken >= 5, "a burst is borne: {taken}");
    scene.mallory.send(json!({"text": "undisturbed"})).until("ack").await;
    loop {
        match scene.bystander.next().await {
            Heard::Frame(frame) if frame["text"] == "undisturbed" => break,
            Heard::Frame(frame) => assert!(frame["user"] == "Flooder", "{frame}"),
            other => panic!("{other:?}"),
        }
    }
    for n in 1_000_000.. {
        flooder.send(json!({"text": "patient now", "n": n}));
        let reply = loop {
            match flooder.next().await {
                Heard::Frame(frame) if frame["n"] == n => break frame,
                Heard::Frame(_) => {}
                other => panic!("the link stays: {other:?}"),
            }
        };
        if reply["type"] == "ack" {
            break;
        }
        assert_eq!(reply["code"], "rate_limited", "{reply}");
        tokio::time::sleep(std::time::Duration::from_millis(reply["retryAfter"].as_u64().unwrap())).await;
    }
}

async fn refused(server: &TestServer, request: Request<()>) -> (StatusCode, Value, Option<String>) {
    match Client::upgrade(server, request).await {
        Err(Error::Http(response)) => {
            let version = response.headers().get("sec-websocket-version").map(|version| version.to_str().unwrap().to_owned());
            (response.status(), serde_json::from_slice(response.body().as_deref().unwrap_or_default()).unwrap(), version)
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("let in"),
    }
}

#[tokio::test]
async fn pages_of_other_sites_do_not_get_in() {
    let server = TestServer::start(&["--origins", "https://chat.example.org,http://other.example:81"]).await;
    let request = |origin: &str| {
        let mut request = Client::request(&server, "room=general&name=Ann");
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request
    };
    let own = format!("http://{}", server.address);
    for origin in [
        "https://evil.example",
        "null",
        "",
        "http://127.0.0.1",
        "http://chat.example.org",
        "http://other.example",
        "https://chat.example.org.evil.example",
        "https://chat.example.org/",
        "http://127.0.0.1:1",
        "file://",
        &format!("{own}.evil.example"),
    ] {
        let (status, body, _) = refused(&server, request(origin)).await;
        assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!("forbidden_origin")), "{origin}");
    }
    for origin in ["https://chat.example.org", "http://other.example:81", "HTTPS://Chat.Example.ORG", &own] {
        assert!(Client::upgrade(&server, request(origin)).await.is_ok(), "{origin}");
    }
}

#[tokio::test]
async fn upgrades_that_are_none_are_refused() {
    let server = TestServer::start(&[]).await;
    let good = || Client::request(&server, "room=general&name=Ann");
    for (header, value) in [
        ("sec-websocket-version", "12"),
        ("sec-websocket-version", "14"),
        ("sec-websocket-version", ""),
        ("sec-websocket-key", "abc"),
        ("sec-websocket-key", ""),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("upgrade", "h2c"),
        ("connection", "keep-alive"),
    ] {
        let head = raw_head(&good(), header, value, "GET");
        let answer = raw(&server, &head).await;
        assert!(answer.starts_with("HTTP/1.1 426 "), "{header}: {value}: {answer}");
        let answer = answer.to_ascii_lowercase();
        assert!(
            answer.contains("\r\nsec-websocket-version: 13\r\n") && answer.contains("\r\nupgrade: websocket\r\n"),
            "{answer}"
        );
        assert!(answer.contains(r#"{"code":"upgrade_required","message":""#), "{answer}");
    }
    for method in [Method::POST, Method::PUT, Method::HEAD] {
        let answer = raw(&server, &raw_head(&good(), "x", "x", method.as_str())).await.to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 405 ") && answer.contains("\r\nallow: get\r\n"), "{method}: {answer}");
    }
    let firefox = raw_head(&good(), "connection", "keep-alive, Upgrade", "GET");
    let head = firefox.replace("x: x\r\n", "sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n");
    let answer = raw(&server, &head).await;
    assert!(answer.starts_with("HTTP/1.1 101 ") && !answer.to_ascii_lowercase().contains("sec-websocket-extensions"), "{answer}");
}

/// The request's head as text, with one header replaced.
fn raw_head(request: &Request<()>, header: &str, value: &str, method: &str) -> String {
    let mut head = format!("{method} /ws?room=general&name=Ann HTTP/1.1\r\n{header}: {value}\r\n");
    for (name, given) in request.headers().iter().filter(|(name, _)| name.as_str() != header) {
        head += &format!("{name}: {}\r\n", given.to_str().unwrap());
    }
    head + "\r\n"
}

/// What the server answers to these bytes, as far as it comes with the head.
async fn raw(server: &TestServer, bytes: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let whole = |answer: &[u8]| {
        let text = String::from_utf8_lossy(answer);
        text.contains("\r\n\r\n") && (text.contains('}') || text.contains(" 101 ") || bytes.starts_with("HEAD"))
    };
    while !whole(&answer) {
        let read = tokio::time::timeout(support::PATIENCE, stream.read_buf(&mut answer)).await.expect("an answer").unwrap();
        assert!(read > 0, "{:?}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn room_ids_are_held_to_the_rule() {
    let server = TestServer::start(&[]).await;
    let (long, longer) = ("x".repeat(64), "x".repeat(65));
    for room in ["a", &long, &"部".repeat(64), "комната-7", "部屋", "हिन्दी", "a.b_c-d~e", "...", "-", "~"]
    {
        let mut client = Client::open(&server, &format!("room={}&name=Ann", encoded(room))).await;
        let Heard::Frame(welcome) = client.next().await else { panic!("{room}") };
        assert_eq!(welcome["roomId"], room, "{welcome}");
        assert_eq!(server.heads(&encoded(room)).await, 1, "{room}");
    }
    for room in [
        &longer,
        &"部".repeat(65),
        ".",
        "..",
        "a b",
        "a/b",
        "../etc",
        "a\\b",
        "%41",
        "a\u{0}",
        "a\u{200b}b",
        "\u{202e}abc",
        "😀",
        "a\nb",
        "a?b",
    ] {
        let mut client = Client::open(&server, &format!("room={}&name=Ann", encoded(room))).await;
        client.expect_error("bad_room").await;
        client.expect_closing("bad_room", 4400).await;
    }
    for query in ["room=%FF", "room=%00", "room=a+b", "room=%", "room=%zz", "room=..%2f..", "room=%D0"] {
        let mut client = Client::open(&server, query).await;
        client.expect_error("bad_room").await;
        client.expect_closing("bad_room", 4400).await;
    }
}

#[tokio::test]
async fn two_spellings_of_one_name_meet_in_one_room() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "caf\u{e9}-\u{ac00}", "Zo\u{eb}").await;
    let bob = Client::join(&server, "cafe\u{301}-\u{1100}\u{1161}", "Zoe\u{308}").await;
    assert_eq!((bob.room(), &bob.welcome["user"]), (ann.room(), &json!("Zo\u{eb}")));
    assert_eq!(ann.expect("joined").await["count"], 2);
    assert_eq!(server.heads(&encoded("cafe\u{301}-\u{1100}\u{1161}")).await, 2);
}

#[tokio::test]
async fn names_are_held_to_the_rule() {
    let server = TestServer::start(&[]).await;
    let long = "x".repeat(32);
    for (given, name) in [
        (long.as_str(), long.as_str()),
        ("  Ann ", "Ann"),
        ("Анна Сергеевна", "Анна Сергеевна"),
        ("<b>&\"'", "<b>&\"'"),
        ("👩‍🚀", "👩‍🚀"),
    ] {
        assert_eq!(Client::join(&server, "general", given).await.welcome["user"], name);
    }
    for name in [
        &"x".repeat(33),
        &"я".repeat(33),
        "a\nb",
        "a\u{0}b",
        "a\u{7f}b",
        "a\u{85}b",
        "\u{202e}nnA",
        "a\u{2066}b",
        "a\u{2028}b",
        &"y".repeat(5000),
    ] {
        let mut client = Client::open(&server, &format!("room=general&name={}", encoded(name))).await;
        client.expect_error("bad_name").await;
        client.expect_closing("bad_name", 4400).await;
    }
}

#[tokio::test]
async fn an_announced_resume_that_does_not_come_first_is_refused() {
    let server = TestServer::start(&[]).await;
    for (frame, code) in [
        (r#"{"type":"chat","text":"first"}"#, "bad_frame"),
        ("nonsense", "bad_frame"),
        (r#"{"type":"resume"}"#, "bad_frame"),
        (r#"{"type":"resume","ticket":"x","cursor":"never ours"}"#, "bad_cursor"),
    ] {
        let mut client = Client::open(&server, "room=general&name=Ann&resume=1").await;
        client.send_text(frame).expect_error(code).await;
        client.expect_closing(code, 4400).await;
    }
    let mut client = Client::open(&server, "room=general&name=Ann&cursor=never-ours").await;
    client.expect_error("bad_cursor").await;
    client.expect_closing("bad_cursor", 4400).await;
    let mut client = Client::open(&server, "room=general&name=Ann&resume=1").await;
    client.write_raw(&masked(0x81, &[b'x'; 100_000])).await.unwrap();
    client.expect_error("frame_too_big").await;
    client.expect_closing("frame_too_big", 1009).await;
    server.is_deserted().await;
}
