//! Files over the wire: uploads, downloads, and what is refused.

mod refusals;

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    support::redis,
    wire::{Client, TestServer, header, poller::Poller},
};

/// The bytes of each piece but the last.
const CHUNK: usize = 256 * 1024;

/// No text, and no two pieces alike.
fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8 ^ (at / CHUNK) as u8).collect()
}

/// Opens an upload.
async fn open(ann: &Poller, size: usize, about: Value) -> String {
    let mut wish = about;
    wish["size"] = json!(size);
    let opened = ann.post("files", wish.to_string()).send().await.unwrap();
    assert_eq!(opened.status(), StatusCode::CREATED);
    let opened: Value = opened.json().await.unwrap();
    assert_eq!((&opened["offset"], &opened["chunk"]), (&json!(0), &json!(CHUNK)), "{opened}");
    opened["file"].as_str().unwrap().to_owned()
}

/// A piece as it is sent.
fn piece(ann: &Poller, file: &str, offset: usize, bytes: &[u8]) -> RequestBuilder {
    let request = ann.http.patch(ann.url(&format!("files/{file}"))).bearer_auth(&ann.ticket);
    request.header("upload-offset", offset).body(bytes.to_vec())
}

/// Uploads all of a file.
async fn upload(ann: &Poller, bytes: &[u8], about: Value) -> String {
    let file = open(ann, bytes.len(), about).await;
    for (at, part) in bytes.chunks(CHUNK).enumerate() {
        let answer: Value =
            piece(ann, &file, at * CHUNK, part).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["offset"], json!(at * CHUNK + part.len()), "{answer}");
    }
    file
}

async fn download(reader: &Poller, file: &str) -> Response {
    let request = reader.http.get(reader.url(&format!("files/{file}")));
    request.bearer_auth(&reader.ticket).send().await.unwrap()
}

async fn code(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_picture_goes_to_everybody_who_is_here_and_to_who_comes_late() {
    let server = TestServer::start(&[]).await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    let ann = Poller::join(&server, "general", "Ann").await;
    bob.expect("joined").await;
    let picture = bytes(2 * CHUNK + 1000);
    let file =
        upload(&ann, &picture, json!({"contentType": "image/png", "name": "my cat.png"})).await;
    let message = json!({"text": "look", "files": [file], "n": 1}).to_string();
    let ack: Value =
        ann.post("messages", message.clone()).send().await.unwrap().json().await.unwrap();
    assert_eq!((&ack["type"], &ack["seq"]), (&json!("ack"), &json!(1)), "{ack}");
    let again: Value = ann.post("messages", message).send().await.unwrap().json().await.unwrap();
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(1), &json!(true)), "{again}");
    let chat = bob.expect("chat").await;
    let files = json!([
        {"file": file, "size": picture.len(), "contentType": "image/png", "name": "my cat.png"}
    ]);
    assert_eq!((&chat["text"], &chat["files"]), (&json!("look"), &files), "{chat}");
    let late = Poller::join(&server, "general", "Late").await;
    assert_eq!(late.welcome["history"][0]["files"], files);
    let limits = &late.welcome["limits"];
    assert_eq!(
        (&limits["fileBytes"], &limits["roomFileBytes"], &limits["fileChunk"]),
        (&json!(10 << 20), &json!(50 << 20), &json!(CHUNK))
    );
    let response = download(&late, &file).await;
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-length", &*picture.len().to_string()),
        ("content-disposition", "attachment; filename=\"my cat.png\""),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store, no-transform"),
        ("content-encoding", ""),
    ] {
        assert_eq!(header(&response, name), value, "{name}");
    }
    assert!(response.bytes().await.unwrap() == picture);
    // What a browser could run comes as bytes, whatever its uploader says.
    for kind in ["text/html", "image/svg+xml"] {
        let file = upload(&ann, b"<script>", json!({ "contentType": kind })).await;
        let response = download(&ann, &file).await;
        assert_eq!(header(&response, "content-type"), "application/octet-stream");
        assert_eq!(header(&response, "content-disposition"), "attachment");
    }
    // Over the socket, and without a text.
    let file = upload(&ann, b"hello", json!({})).await;
    let mut back = Client::resume(&server, "general", &ann.ticket, None).await;
    back.send(json!({"type": "chat", "files": [file], "n": 2}));
    back.expect("ack").await;
    let chat = bob.until("chat").await;
    assert_eq!((&chat["text"], &chat["files"][0]["size"]), (&json!(""), &json!(5)), "{chat}");
    back.send(json!({"type": "delete", "target": 2, "n": 3}));
    back.expect("ack").await;
    assert_eq!(code(download(&late, &file).await).await, (404, "no_file".into()));
}

#[tokio::test]
async fn a_broken_upload_goes_on_at_another_node() {
    let redis = redis::Server::start();
    let (here, there) = (
        TestServer::with_redis(&redis.url(), &[]).await,
        TestServer::with_redis(&redis.url(), &[]).await,
    );
    let _bob = Client::join(&there, "general", "Bob").await;
    let mut ann = Poller::join(&here, "general", "Ann").await;
    let (film, own) = (bytes(2 * CHUNK + 7), "6f0c4a8e-9f7c-4c8d-9f2f-5a112f1f9ba2");
    let file = open(&ann, film.len(), json!({"file": own, "contentType": "video/mp4"})).await;
    assert_eq!(file, own);
    assert_eq!(piece(&ann, &file, 0, &film[..CHUNK]).send().await.unwrap().status(), 200);
    ann.base = there.url("");
    let head = async || {
        let request = ann.http.head(ann.url(&format!("files/{file}")));
        let response = request.bearer_auth(&ann.ticket).send().await.unwrap();
        assert_eq!(response.status(), 200);
        ["upload-offset", "upload-length"]
            .map(|name| header(&response, name).parse::<usize>().unwrap())
    };
    assert_eq!(head().await, [CHUNK, film.len()]);
    assert_eq!(code(download(&ann, &file).await).await, (409, "file_incomplete".into()));
    // The answers to both were lost.
    let wish = json!({"file": own, "contentType": "video/mp4", "size": film.len()}).to_string();
    let again: Value = ann.post("files", wish).send().await.unwrap().json().await.unwrap();
    assert_eq!(again["offset"], CHUNK);
    let again: Value =
        piece(&ann, &file, 0, &film[..CHUNK]).send().await.unwrap().json().await.unwrap();
    assert_eq!(again["offset"], CHUNK);
    let ahead = piece(&ann, &file, 2 * CHUNK, &film[2 * CHUNK..]).send().await.unwrap();
    assert_eq!(header(&ahead, "upload-offset"), CHUNK.to_string());
    assert_eq!(code(ahead).await, (409, "bad_offset".into()));
    for at in [CHUNK, 2 * CHUNK] {
        let part = &film[at..film.len().min(at + CHUNK)];
        assert_eq!(piece(&ann, &file, at, part).send().await.unwrap().status(), 200);
    }
    let said = ann.post("messages", json!({ "files": [file] }).to_string()).send().await.unwrap();
    assert_eq!(said.status(), 200);
    for server in [&here, &there] {
        ann.base = server.url("");
        let response = download(&ann, &file).await;
        assert_eq!(header(&response, "content-type"), "video/mp4");
        assert!(response.bytes().await.unwrap() == film);
    }
}

#[tokio::test]
async fn a_terminal_is_told_of_a_file() {
    let server = TestServer::start(&[]).await;
    let ann = Poller::join(&server, "general", "Ann").await;
    for (name, words) in [("a\u{301}.png", "look"), ("sealed2.AbCd", "")] {
        let file = upload(&ann, b"hello", json!({ "name": name })).await;
        let message = json!({"text": words, "files": [file]}).to_string();
        assert_eq!(ann.post("messages", message).send().await.unwrap().status(), 200);
    }
    let url = server.url("/r/general?name=Bob");
    let mut lines = crate::support::http::client()
        .get(url)
        .header("accept", "text/plain")
        .send()
        .await
        .unwrap();
    let mut text = String::new();
    while !text.contains("* You are") {
        text.push_str(std::str::from_utf8(&lines.chunk().await.unwrap().unwrap()).unwrap());
    }
    let told: Vec<&str> = text.lines().map(|line| line.get(9..).unwrap_or_default()).collect();
    assert_eq!(told[0], "Ann: look");
    assert!(text.contains("\n* Ann sent a file of 5 bytes: a\u{301}.png\n"), "{text}");
    assert!(text.contains("\n* Ann sent a file of 5 bytes\n"), "{text}");
}
