//! A member's WebSocket.

use std::net::{Ipv4Addr, SocketAddr};

use futures_util::SinkExt;
use serde_json::json;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::manner::Patience;

pub type Socket = WebSocketStream<TcpStream>;

/// Opens a link from an address to another one, to resume a seat if there is one: a ticket and a cursor.
pub async fn open(
    (home, door): (Ipv4Addr, SocketAddr),
    room: &str,
    name: &str,
    seat: Option<&(String, String)>,
    patience: Patience,
) -> Result<Socket, String> {
    let resume = if seat.is_some() { "&resume=1" } else { "" };
    let request = format!("ws://{door}/ws?room={room}&name={name}{resume}");
    let opening = async {
        let socket = TcpSocket::new_v4().map_err(|error| error.to_string())?;
        socket.bind((home, 0).into()).map_err(|error| error.to_string())?;
        let stream = socket.connect(door).await.map_err(|_| "connection refused".to_owned())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let request = request.into_client_request().unwrap();
        let (mut socket, _) = client_async(request, stream).await.map_err(|error| match error {
            tokio_tungstenite::tungstenite::Error::Http(answer) => {
                format!("HTTP {}", answer.status().as_u16())
            }
            _ => "upgrade broken off".to_owned(),
        })?;
        if let Some((ticket, cursor)) = seat {
            let resume = json!({"type": "resume", "ticket": ticket, "cursor": cursor});
            socket.send(Message::text(resume.to_string())).await.map_err(|_| "gone".to_owned())?;
        }
        Ok(socket)
    };
    timeout(patience.welcome_within, opening).await.unwrap_or_else(|_| Err("no answer".to_owned()))
}
