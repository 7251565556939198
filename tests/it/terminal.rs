//! A room in a terminal, by curl.

use std::process::Stdio;

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::wire::{Client, PATIENCE, TestServer, eventually};

/// A real curl.
fn curl(args: &[&str]) -> Child {
    let mut command = Command::new("curl");
    command.args(["-sS"]).args(args).stdout(Stdio::piped()).kill_on_drop(true);
    command.spawn().expect("these tests need curl: apt-get install curl")
}

async fn said(args: &[&str]) -> String {
    let output =
        timeout(PATIENCE, curl(args).wait_with_output()).await.expect("an answer").unwrap();
    String::from_utf8(output.stdout).unwrap()
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    timeout(PATIENCE, lines.next_line()).await.expect("a line").unwrap().expect("not the end")
}

#[tokio::test]
async fn a_terminal_reads_and_speaks_with_curl() {
    let server = TestServer::start(&[]).await;
    let url = server.url("/r/general");
    assert_eq!(said(&["-d", "hello?", &url]).await, "this room has no members\n");
    assert_eq!(server.hub.counts(), (0, 0), "and no room was made");

    let mut ann = Client::join(&server, "general", "Ann").await;
    ann.publish("first\nand second \u{1b}[2J", 1).await;
    let mut reading = curl(&["-N", &format!("{url}?name=Zoe")]);
    let mut lines = BufReader::new(reading.stdout.take().unwrap()).lines();
    let first = line(&mut lines).await;
    assert_eq!((&first[2..3], &first[8..]), (":", " Ann: first"));
    assert_eq!(line(&mut lines).await, "         and second \u{fffd}[2J");
    assert_eq!(line(&mut lines).await, "* You are Zoe in general. Here: Ann, Zoe");
    assert_eq!(ann.expect("joined").await["user"], "Zoe");

    let answer = said(&["-d", "hello & welcome=1", &format!("{url}?name=Bob")]).await;
    assert!(answer.ends_with(" Bob: hello & welcome=1\n"), "{answer}");
    assert_eq!(line(&mut lines).await, "* Bob joined");
    assert_eq!(line(&mut lines).await, answer.trim_end());
    assert_eq!(line(&mut lines).await, "* Bob left");
    assert_eq!(ann.until("chat").await["text"], "hello & welcome=1");
    ann.until("left").await;
    for (body, told) in [(" ", "a message needs some text\n"), ("\u{7}", "")] {
        assert!(said(&["-d", body, &url]).await.ends_with(told));
    }
    let (big, large) = ("x".repeat(70_000), "a request body has at most 64 KiB here\n");
    assert_eq!(said(&["-d", &big, &url]).await, large);
    assert_eq!(said(&["-H", "transfer-encoding: chunked", "-d", &big, &url]).await, large);
    let bad = said(&["-d", "hi", &server.url("/r/a%20b")]).await;
    assert!(bad.starts_with("a room id has ") && !bad.contains('{'), "{bad}");

    // A terminal that is closed is gone at once.
    reading.kill().await.unwrap();
    loop {
        let left = ann.until("left").await;
        if left["user"] == "Zoe" {
            break assert_eq!(left["reason"], "left");
        }
    }
    let page =
        said(&["-H", "accept: text/html", "-o", "/dev/null", "-w", "%{content_type}", &url]).await;
    assert!(page.starts_with("text/html"), "{page}");
    ann.leave().await;
    eventually("an empty node", || server.hub.counts() == (0, 0)).await;
}

#[tokio::test]
async fn a_terminal_is_told_what_was_changed_and_a_later_one_sees_what_is_left() {
    let server = TestServer::start(&[]).await;
    let url = server.url("/r/general");
    let mut ann = Client::join(&server, "general", "Ann").await;
    ann.publish("with a slip", 1).await;
    ann.publish("a secret", 2).await;
    let mut reading = curl(&["-N", &format!("{url}?name=Zoe")]);
    let mut lines = BufReader::new(reading.stdout.take().unwrap()).lines();
    for end in [" Ann: with a slip", " Ann: a secret", "* You are Zoe in general. Here: Ann, Zoe"] {
        let line = line(&mut lines).await;
        assert!(line.ends_with(end), "{line}");
    }
    ann.until("joined").await;
    for (frame, told) in [
        (
            json!({"type": "edit", "target": 1, "text": "as it is\nmeant \u{1b}[2J", "n": 3}),
            vec!["* Ann changed a message: as it is", "         meant \u{fffd}[2J"],
        ),
        (
            json!({"type": "react", "target": 1, "emoji": "👍", "on": true, "n": 4}),
            vec!["* Ann reacted 👍"],
        ),
        (
            json!({"type": "react", "target": 1, "emoji": "🎉", "on": true, "n": 5}),
            vec!["* Ann reacted 🎉"],
        ),
        // What is taken away is not told.
        (json!({"type": "react", "target": 1, "emoji": "🎉", "on": false, "n": 6}), vec![]),
        (json!({"type": "delete", "target": 2, "n": 7}), vec!["* Ann deleted a message"]),
        (json!({"text": "yes", "replyTo": 1, "n": 8}), vec!["Ann: yes"]),
    ] {
        ann.send(frame).until("ack").await;
        for end in told {
            let line = line(&mut lines).await;
            assert!(line.ends_with(end), "{line}");
        }
    }
    let mut reading = curl(&["-N", &format!("{url}?name=Late")]);
    let mut lines = BufReader::new(reading.stdout.take().unwrap()).lines();
    for end in [
        " Ann: as it is",
        "         meant \u{fffd}[2J",
        "* 👍 1",
        "* Ann deleted a message",
        " Ann: yes",
        "* You are Late in general. Here: Ann, Zoe, Late",
    ] {
        let line = line(&mut lines).await;
        assert!(line.ends_with(end), "{line}");
    }
}
