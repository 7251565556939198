//! What clients leave unread.

use parlor::budget::Resource;
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpSocket};

use super::{UPGRADE, connect, connect_with, held};
use crate::wire::{Client, TestServer, eventually, poller::Poller};

/// What a client does not read: by socket, as a stream, and as an answer.
#[tokio::test]
async fn what_clients_leave_unread_is_bounded_for_each_address() {
    const LIMIT: usize = 2 << 20;
    let limit = LIMIT.to_string();
    let args = [
        "--address-unread",
        &limit,
        "--address-joins",
        "0",
        "--rate",
        "1000",
        "--address-rate",
        "0",
    ];
    let server = TestServer::start(&args).await;
    let writer = Poller::join(&server, "r", "Ann").await;
    for _ in 0..66 {
        // Six bytes of JSON for each of them.
        let text = format!("x{}", "\u{1}".repeat(3999));
        assert_eq!(
            writer
                .post("messages", json!({ "text": text }).to_string())
                .send()
                .await
                .unwrap()
                .status(),
            200
        );
    }
    let join = "POST /api/rooms/r/join HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".to_owned();
    let events = "GET /api/rooms/r/events HTTP/1.1\r\nhost: x\r\n\r\n".to_owned();
    let socket = format!("GET /ws?room=r HTTP/1.1\r\nhost: x\r\n{UPGRADE}\r\n");
    let narrow = |socket: &TcpSocket| socket.set_recv_buffer_size(4096).unwrap();
    let refused =
        || server.budgets.refusals().find(|(resource, _)| *resource == Resource::Unread).unwrap().1;
    for request in [join, events, socket] {
        let (before, mut unread) = (refused(), Vec::new());
        for _ in 0..12 {
            let mut stream = connect_with(server.address, 3, narrow).await;
            stream.write_all(request.as_bytes()).await.unwrap();
            unread.push(stream);
        }
        eventually("some are refused", || {
            assert!(server.budgets.held(Resource::Unread) <= LIMIT);
            refused() >= before + 10
        })
        .await;
        // Another address is not concerned.
        let other = Client::upgrade_over(
            connect(server.address, 4).await,
            Client::request(&server, "room=r"),
        )
        .await
        .unwrap();
        assert_eq!(
            other.welcomed().await.welcome["history"].as_array().unwrap().len(),
            65,
            "{request}"
        );
        drop(unread);
        eventually("nothing unread", || server.budgets.held(Resource::Unread) == 0).await;
    }
    drop(writer);
    held(&server, 0).await;
}
