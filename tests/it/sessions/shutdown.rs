//! The end of the server.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::timeout;

use crate::wire::{Client, Heard, PATIENCE, TestServer, encoded, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_server_stops_everybody_is_told_when_to_come_back() {
    let mut server = TestServer::start(&[
        "--grace",
        "1h",
        "--rate",
        "1000000",
        "--address-rate",
        "0",
        "--address-joins",
        "0",
    ])
    .await;
    let mut clients = Vec::new();
    for i in 0..20 {
        clients.push(Client::join(&server, &format!("room-{}", i % 3), "Guest").await);
    }
    let stalled = Client::join_narrow(&server, "room-0", "Stalled").await;
    // As much as a socket and its queue hold for those who do not read yet.
    let text = "🦜".repeat(4000);
    for n in 1..=20 {
        clients[0].send(json!({"text": text, "n": n})).until("ack").await;
    }
    let mut undecided = Client::open(&server, "room=room-0&name=Undecided&resume=1").await;
    let stopped_at = Instant::now();
    let stopped = server.stop();
    // Timed by itself: to read what the clients were sent may take longer than the server does.
    let stopping = tokio::spawn(async move {
        stopped.await.unwrap();
        stopped_at.elapsed()
    });
    for client in &mut clients {
        let closing = client.until("closing").await;
        assert_eq!(
            (&closing["code"], closing["retryAfter"].as_u64().is_some()),
            (&json!("restarting"), true),
            "{closing}"
        );
        let Heard::Closed(code, reason) = client.next().await else {
            panic!("no close:\n{}", client.seen.join("\n"))
        };
        assert!(
            code == 1012 && reason.contains(&closing["retryAfter"].to_string()),
            "{code} {reason}"
        );
    }
    assert_eq!(
        undecided.until("closing").await["code"],
        "restarting",
        "also who has not taken a seat yet"
    );
    undecided.expect_close(1012).await;
    let took = timeout(PATIENCE, stopping).await.expect("run returns").unwrap();
    assert!(
        took < Duration::from_secs(10),
        "well within the time that process managers give: {took:?}"
    );
    assert_eq!(server.hub.counts().1, 0, "every seat is freed");
    drop(stalled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_in_while_the_server_stops_is_told_so_too() {
    let mut server = TestServer::start(&["--grace", "1h"]).await;
    let requests: Vec<_> = (0..150)
        .map(|i| {
            Client::request(&server, &format!("room={}&name=Late", encoded(&format!("r{}", i % 5))))
        })
        .collect();
    let address = server.address;
    let late: Vec<_> = requests
        .into_iter()
        .map(|request| {
            tokio::spawn(async move {
                // A client that finds the port shut, or the upgrade cut off, has been told by that.
                let Ok(mut client) = Client::knock(address, request).await else { return false };
                loop {
                    match client.next().await {
                        Heard::Frame(frame) if frame["type"] == "closing" => {
                            assert_eq!(frame["code"], "restarting");
                            client.expect_close(1012).await;
                            return true;
                        }
                        Heard::Frame(_) => {}
                        other => {
                            panic!("{other:?} without a word; seen:\n{}", client.seen.join("\n"))
                        }
                    }
                }
            })
        })
        .collect();
    eventually("somebody inside", || server.hub.counts().1 > 40).await;
    let stopped = server.stop();
    timeout(PATIENCE, stopped).await.expect("run returns").unwrap();
    let mut told = 0;
    for client in late {
        told += usize::from(client.await.unwrap());
    }
    assert!(told > 40, "{told}");
}
