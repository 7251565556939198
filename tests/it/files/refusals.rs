//! What is refused of files, and by which code.

use serde_json::json;

use super::{CHUNK, bytes, code, download, open, piece, upload};
use crate::{
    support::redis,
    wire::{Client, TestServer, poller::Poller},
};

#[tokio::test]
async fn each_rule_of_files_has_its_code() {
    let server = TestServer::start(&["--file-bytes", "2000", "--room-file-bytes", "3000"]).await;
    let ann = Poller::join(&server, "general", "Ann").await;
    for (wish, status, word) in [
        (json!({}), 400, "bad_file"),
        (json!({"size": 0}), 400, "bad_file"),
        (json!({"size": -1}), 400, "bad_frame"),
        (json!({"size": 1, "contentType": "png"}), 400, "bad_file"),
        (json!({"size": 1, "name": "a/b"}), 400, "bad_file"),
        (json!({"size": 1, "name": "x".repeat(256)}), 400, "bad_file"),
        (json!({"size": 1, "file": "x"}), 400, "bad_file"),
        (json!({"size": 2001}), 413, "file_too_big"),
    ] {
        let answer = ann.post("files", wish.to_string()).send().await.unwrap();
        assert_eq!(code(answer).await, (status, word.to_owned()), "{wish}");
    }
    let file = open(&ann, 2000, json!({})).await;
    let full = ann.post("files", json!({"size": 1001}).to_string()).send().await.unwrap();
    assert_eq!(code(full).await, (409, "files_full".into()));
    let say = async |files: &[&str]| {
        let message = json!({"text": "look", "files": files}).to_string();
        code(ann.post("messages", message).send().await.unwrap()).await
    };
    assert_eq!(say(&[&file]).await, (409, "file_incomplete".into()));
    assert_eq!(say(&["6f0c4a8e-9f7c-4c8d-9f2f-5a112f1f9ba2"]).await, (404, "no_file".into()));
    assert_eq!(say(&[&file, &file]).await, (400, "bad_frame".into()));
    for (offset, body, status, word) in [
        (0, bytes(1999), 400, "bad_file"),
        (0, bytes(0), 400, "bad_file"),
        (5, bytes(1995), 409, "bad_offset"),
        (0, bytes(CHUNK + 1), 413, "body_too_big"),
    ] {
        let answer = piece(&ann, &file, offset, &body).send().await.unwrap();
        assert_eq!(code(answer).await, (status, word.to_owned()), "{offset}");
    }
    let cancel = async |file: &str| {
        let request = ann.http.delete(ann.url(&format!("files/{file}"))).bearer_auth(&ann.ticket);
        request.send().await.unwrap()
    };
    assert_eq!(cancel(&file).await.status(), 204);
    assert_eq!(code(cancel(&file).await).await, (404, "no_file".into()));
    assert_eq!(code(cancel("x").await).await, (404, "no_file".into()));
    open(&ann, 2000, json!({})).await;
}

#[tokio::test]
async fn members_only_read_and_write_files() {
    let server = TestServer::start(&[]).await;
    let ann = Poller::join(&server, "general", "Ann").await;
    let mut bob = Poller::join(&server, "general", "Bob").await;
    let file = upload(&ann, b"hello", json!({})).await;
    assert_eq!(code(download(&bob, &file).await).await, (404, "no_file".into()));
    let said = ann.post("messages", json!({"files": [file]}).to_string()).send().await.unwrap();
    assert_eq!(said.status(), 200);
    assert_eq!(download(&bob, &file).await.bytes().await.unwrap(), "hello");
    let url = ann.url(&format!("files/{file}"));
    assert_eq!(code(ann.http.get(&url).send().await.unwrap()).await, (401, "no_ticket".into()));
    let elsewhere = Poller::join(&server, "elsewhere", "Eve").await;
    let theirs = ann.http.get(&url).bearer_auth(&elsewhere.ticket).send().await.unwrap();
    assert_eq!(code(theirs).await, (401, "bad_ticket".into()));
    assert_eq!(code(download(&elsewhere, &file).await).await, (404, "no_file".into()));
    let foreign =
        ann.http.get(&url).bearer_auth(&bob.ticket).header("origin", "http://evil.example");
    assert_eq!(code(foreign.send().await.unwrap()).await, (403, "forbidden_origin".into()));
    // A ticket outlives its session, and is no key to the files then.
    assert_eq!(bob.post("leave", "").send().await.unwrap().status(), 204);
    assert_eq!(code(download(&bob, &file).await).await, (403, "not_member".into()));
    bob = Poller::join_at(&server.url(""), "general", json!({}), Some(&bob.ticket)).await;
    assert_eq!(download(&bob, &file).await.bytes().await.unwrap(), "hello");
}

#[tokio::test]
async fn files_can_be_switched_off() {
    for args in [["--file-bytes", "0"], ["--history-len", "0"]] {
        let server = TestServer::start(&args).await;
        let ann = Poller::join(&server, "general", "Ann").await;
        assert_eq!(ann.welcome["limits"]["fileBytes"], 0);
        let opened = ann.post("files", json!({"size": 1}).to_string()).send().await.unwrap();
        assert_eq!(code(opened).await, (404, "files_off".into()));
        assert_eq!(code(download(&ann, "x").await).await, (404, "files_off".into()));
    }
}

#[tokio::test]
async fn an_address_has_so_many_bytes_of_files_and_gets_them_back() {
    let server = TestServer::start(&["--address-files", "3000"]).await;
    let ann = Poller::join(&server, "general", "Ann").await;
    let ask = async |size: usize| {
        ann.post("files", json!({"size": size}).to_string()).send().await.unwrap()
    };
    let own = "6f0c4a8e-9f7c-4c8d-9f2f-5a112f1f9ba2";
    let file = open(&ann, 2000, json!({ "file": own })).await;
    // The same again takes no more.
    assert_eq!(open(&ann, 2000, json!({ "file": own })).await, file);
    let refused = ask(2000).await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(code(refused).await, (429, "address_limit".into()));
    let request = ann.http.delete(ann.url(&format!("files/{file}"))).bearer_auth(&ann.ticket);
    assert_eq!(request.send().await.unwrap().status(), 204);
    open(&ann, 2000, json!({})).await;
    assert_eq!(code(ask(2000).await).await, (429, "address_limit".into()));
    // The room ends, and all of it is given back.
    ann.leave().await;
    server.is_deserted().await;
    let ann = Poller::join(&server, "general", "Ann").await;
    open(&ann, 2800, json!({})).await;
}

#[tokio::test]
async fn a_full_redis_refuses_a_file_and_loses_nothing_else() {
    let redis = redis::Server::start();
    let server = TestServer::with_redis(&redis.url(), &[]).await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    let ann = Poller::join(&server, "general", "Ann").await;
    bob.expect("joined").await;
    let hello = upload(&ann, b"hello", json!({})).await;
    let said = ann.post("messages", json!({"files": [hello]}).to_string()).send().await.unwrap();
    assert_eq!(said.status(), 200);
    bob.expect("chat").await;
    let film = bytes(2 * CHUNK);
    let file = open(&ann, film.len(), json!({})).await;
    assert_eq!(piece(&ann, &file, 0, &film[..CHUNK]).send().await.unwrap().status(), 200);
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let opened = ann.post("files", json!({"size": 1}).to_string()).send().await.unwrap();
    assert_eq!(code(opened).await, (503, "store_full".into()));
    let second = piece(&ann, &file, CHUNK, &film[CHUNK..]);
    assert_eq!(code(second.send().await.unwrap()).await, (503, "store_full".into()));
    assert_eq!(download(&ann, &hello).await.bytes().await.unwrap(), "hello");
    // A delete frees memory.
    let delete = ann.post("messages", json!({"type": "delete", "target": 1}).to_string());
    assert_eq!(delete.send().await.unwrap().status(), 200);
    assert_eq!(bob.expect("delete").await["target"], 1);
    assert_eq!(code(download(&ann, &hello).await).await, (404, "no_file".into()));
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(piece(&ann, &file, CHUNK, &film[CHUNK..]).send().await.unwrap().status(), 200);
    assert!(download(&ann, &file).await.bytes().await.unwrap() == film);
    bob.publish("still here", 1).await;
}
