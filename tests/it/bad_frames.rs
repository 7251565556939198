//! Frames that are wrong or too many: each is refused by name, and no other member notices.

use crate::wire::{Client, Heard, TestServer, masked};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

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

#[tokio::test]
async fn frames_that_are_none_of_ours_are_refused_one_by_one() {
    let mut scene =
        Scene::set(&["--rate", "1000000", "--address-rate", "0", "--address-joins", "0"]).await;
    let deep = format!("{}{}", r#"{"a":"#.repeat(10_000), "1");
    let deep_array = "[".repeat(60_000);
    let (huge_number, long_key) = (
        format!(r#"{{"type":"chat","text":"x","n":{}}}"#, "9".repeat(5000)),
        format!(r#"{{"{}":1}}"#, "k".repeat(60_000)),
    );
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
    assert_eq!(
        scene.refuses(&json!({"text": "x".repeat(4001), "n": 8}).to_string(), "too_long").await["n"],
        8
    );
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
                Heard::Frame(frame) => {
                    let word = if code == 1007 { "bad_text" } else { "bad_protocol" };
                    assert!(
                        frame["type"] == "error" || frame["type"] == "closing",
                        "{what}: {frame}"
                    );
                    assert_eq!(frame["code"], word, "{what}");
                }
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
        tokio::time::sleep(std::time::Duration::from_millis(reply["retryAfter"].as_u64().unwrap()))
            .await;
    }
}

#[tokio::test]
async fn words_that_were_refused_for_their_pace_may_come_again_as_they_were() {
    const WORDS: u64 = 80;
    let server = TestServer::start(&["--rate", "4"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let publish = |n: u64| json!({ "text": format!("word {n}"), "n": n });
    let reply = async |ann: &mut Client| match ann.next().await {
        Heard::Frame(frame) => (frame["n"].as_u64().unwrap(), frame),
        other => panic!("the link stays: {other:?}"),
    };
    for n in 1..=WORDS {
        ann.send(publish(n));
    }
    let mut next = 1;
    for _ in 0..WORDS {
        let (n, frame) = reply(&mut ann).await;
        if frame["type"] == "ack" {
            assert_eq!(n, next, "nothing is taken past what was refused");
            next += 1;
        } else {
            assert_eq!(frame["code"], "rate_limited", "{frame}");
            assert!(frame["retryAfter"].as_u64().unwrap() > 0, "{frame}");
        }
    }
    assert!(next < WORDS, "a flood is refused");
    while next <= WORDS {
        let (n, frame) = reply(ann.send(publish(next))).await;
        assert_eq!(n, next);
        if frame["type"] == "ack" {
            assert_eq!(frame.get("duplicate"), None);
            next += 1;
        } else {
            assert_eq!(frame["code"], "rate_limited", "{frame}");
            tokio::time::sleep(std::time::Duration::from_millis(
                frame["retryAfter"].as_u64().unwrap(),
            ))
            .await;
        }
    }
}

#[tokio::test]
async fn nonsense_instead_of_a_resume_is_told_as_such() {
    let server = TestServer::start(&[]).await;
    for (bytes, word, code) in [
        (masked(0x81, b"\xff\xfe"), "bad_text", 1007),
        (masked(0xc1, b"{}"), "bad_protocol", 1002),
        (masked(0x82, b"x"), "binary_frame", 1003),
        (masked(0x81, &[b'x'; 70_000]), "frame_too_big", 1009),
    ] {
        let mut client = Client::open(&server, "room=general&resume=1").await;
        let _ = client.write_raw(&bytes).await;
        client.expect_error(word).await;
        client.expect_closing(word, code).await;
    }
    let client = Client::open(&server, "room=general&resume=1").await;
    assert!(
        matches!(client.close(Some(1000)).await, Heard::Closed(1000, _)),
        "a goodbye is answered"
    );
}
