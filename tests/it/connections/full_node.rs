//! A node with as many connections as it may have still answers for its health.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::{connect, get, held, is_healthy, is_refusal};
use crate::wire::{PATIENCE, TestServer, exchange_over, within_patience};

#[tokio::test]
async fn a_full_node_answers_for_its_health_and_nothing_else() {
    for proxies in ["0", "1"] {
        let server = TestServer::start(&["--max-connections", "4", "--proxies", proxies]).await;
        let mut silent = Vec::new();
        for _ in 0..4 {
            silent.push(connect(server.address, 1).await);
        }
        held(&server, 4).await;
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert!(get(server.address, 2, path).await.starts_with("HTTP/1.1 200 "), "{path}");
        }
        for path in ["/", "/ws", "/api/rooms/r", "/assets/none.js", "/healthz/x"] {
            is_refusal(&get(server.address, 2, path).await, 503, "server_full");
        }
        // One request each: what is above the limit is not kept.
        let twice = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2);
        let answers = exchange_over(connect(server.address, 2).await, &twice).await;
        assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 1, "{answers}");
        drop(silent);
        held(&server, 0).await;
        assert!(get(server.address, 2, "/api/rooms/r").await.starts_with("HTTP/1.1 200 "));
    }
}

/// With the clock stopped, time only moves when nothing else does: straight to the next deadline.
#[tokio::test(start_paused = true)]
async fn silence_above_the_limit_ends_within_seconds() {
    let server = TestServer::start(&["--max-connections", "2"]).await;
    let _silent = (connect(server.address, 1).await, connect(server.address, 1).await);
    held(&server, 2).await;
    for start in ["", "GET / HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let begun = tokio::time::Instant::now();
        let mut newcomer = connect(server.address, 2).await;
        newcomer.write_all(start.as_bytes()).await.unwrap();
        let mut answer = String::new();
        newcomer.read_to_string(&mut answer).await.unwrap();
        is_refusal(&answer, 503, "server_full");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn newcomers_above_the_limit_take_the_place_of_the_oldest() {
    let server = TestServer::start(&["--max-connections", "1"]).await;
    let _first = connect(server.address, 1).await;
    held(&server, 1).await;
    let mut silent = Vec::new();
    for n in 0..100 {
        silent.push(connect(server.address, 1).await);
        if n % 10 == 0 {
            assert!(
                is_healthy(server.address, 2).await && is_healthy(server.address, 1).await,
                "{n}"
            );
        }
    }
    let mut word = String::new();
    timeout(PATIENCE, silent[0].read_to_string(&mut word)).await.expect("its end").unwrap();
    is_refusal(&word, 503, "server_full");
}

#[tokio::test]
async fn long_heads_above_the_limit_hold_nobody_up() {
    let server = TestServer::start(&["--address-connections", "1"]).await;
    let _first = connect(server.address, 2).await;
    held(&server, 1).await;
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}", "x".repeat(20_000));
    let mut open = Vec::new();
    for n in 0..200 {
        let mut newcomer = connect(server.address, 2).await;
        // It may be refused before all of it is sent.
        let _ = newcomer.write_all(head.as_bytes()).await;
        open.push(newcomer);
        if n % 50 == 49 {
            assert!(is_healthy(server.address, 3).await, "{n}");
        }
    }
    // Each of them is let go at once: none is left that others would have to wait for.
    for mut newcomer in open {
        let _ = timeout(PATIENCE, newcomer.read_to_end(&mut Vec::new())).await.expect("its end");
    }
}

/// The program itself, with so many file descriptors at first and at most.
async fn program(soft: u32, hard: u32) -> (Child, SocketAddr) {
    let script =
        format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" --listen 127.0.0.1:0");
    let mut command = Command::new("sh");
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_parlor")])
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = loop {
        let line =
            timeout(PATIENCE, log.next_line()).await.expect("a start").unwrap().expect("a log");
        if let Some((_, address)) = line.split_once("listening on http://") {
            break address.split_whitespace().next().unwrap().parse().unwrap();
        }
    };
    // Read on, or the program would wait for its log to be taken.
    tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
    (child, address)
}

#[tokio::test]
async fn more_silent_connections_than_files_leave_the_health_check_alone() {
    let (_child, address) = program(256, 256).await;
    let mut silent = Vec::new();
    // From two addresses, so that the node is full and not only an address.
    for n in 0..320_u16 {
        silent.push(connect(address, 1 + u8::from(n % 2 == 0)).await);
    }
    for n in 0..20 {
        assert!(is_healthy(address, 3).await, "{n}: from another address");
        assert!(is_healthy(address, 1).await, "{n}: from the same address");
    }
    is_refusal(&get(address, 3, "/api/rooms/r").await, 503, "server_full");
    drop(silent);
    let in_again = async || {
        if get(address, 1, "/api/rooms/r").await.starts_with("HTTP/1.1 200 ") {
            Ok(())
        } else {
            Err(())
        }
    };
    within_patience("files are given back", in_again).await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn the_soft_limit_of_files_is_raised_to_the_hard_one() {
    let (child, _) = program(128, 512).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id().unwrap())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(
        line.split_whitespace().skip(3).take(2).collect::<Vec<_>>(),
        ["512", "512"],
        "{line}"
    );
}
