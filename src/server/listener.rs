//! Accepts connections.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpSocket},
    time::Instant,
};
use tokio_util::task::TaskTracker;

use super::{
    connection::{Accepted, Serving, serve},
    probation::Probation,
};
use crate::{http::Peer, transport::SEND_BUFFER};

/// How long a peer may leave sent bytes unacknowledged.
const SILENCE: Duration = Duration::from_secs(60);

/// How long to wait after the kernel returned an error instead of a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// How often such an error is logged.
const LOG_PERIOD: Duration = Duration::from_secs(60);

/// Listens. Every accepted connection inherits the socket options set here.
///
/// A peer may vanish without closing, as a phone does in a tunnel. Its stream or poll would otherwise stay for a
/// quarter of an hour. A WebSocket has its pings; for the others, TCP keepalive probes the peer.
///
/// Connections that come faster than they are accepted wait in the backlog. When it is full the kernel drops the
/// connection request, and the client repeats it after a second.
pub(super) fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted node finds connections of the old process in TIME_WAIT.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(backlog)?;
    let socket = SockRef::from(&listener);
    let keepalive =
        TcpKeepalive::new().with_time(SILENCE / 2).with_interval(SILENCE / 6).with_retries(3);
    let _ = socket.set_nodelay(true);
    let _ = socket.set_tcp_keepalive(&keepalive);
    // Otherwise the kernel would keep up to 4 MB for a client that does not read.
    let _ = socket.set_send_buffer_size(SEND_BUFFER);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(SILENCE));
    Ok(listener)
}

/// Accepts connections for as long as it is polled.
pub(super) async fn accept(listener: TcpListener, serving: Serving, connections: TaskTracker) {
    let probation = Arc::new(Probation::default());
    let mut logged: Option<Instant> = None;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let peer = Peer(peer.ip());
                let (client, admitted) = serving.gate.connection(peer);
                let (admission, trial) = match admitted {
                    Ok(admission) => (admission, None),
                    Err(error) => (Default::default(), Some(Arc::new(probation.enter(error)))),
                };
                connections.spawn(serve(
                    Accepted { stream, peer, client, admission, trial },
                    serving.clone(),
                ));
                while probation.is_overfull() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            // Only that connection failed.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                // Mostly out of file descriptors: open connections go on, and a moment later there may be room again.
                if logged.is_none_or(|logged| logged.elapsed() > LOG_PERIOD) {
                    logged = Some(Instant::now());
                    tracing::warn!(%error, "cannot accept");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
