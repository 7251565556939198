//! Takes connections in.

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
    connection::{Serving, WelcomeParams, serve},
    probation::Probation,
};
use crate::{http::Peer, transport::SEND_BUFFER};

/// How long a peer may leave what was sent to it unconfirmed.
const SILENCE: Duration = Duration::from_secs(60);

/// How long is waited after the kernel gave no connection.
const PAUSE: Duration = Duration::from_millis(50);

/// One line in this time says that the kernel gives no connection.
const LOG_PERIOD: Duration = Duration::from_secs(60);

/// Listens. What is set here holds for every connection, which takes it over from the listener.
///
/// A peer that vanishes without a word, as a phone does in a tunnel, would else hold its stream or its poll for a
/// quarter of an hour. A socket has its pings; here the kernel asks.
///
/// What comes in faster than it is accepted waits in the backlog. Where that is full the kernel drops the request to
/// connect, and the client repeats it after a second.
pub(super) fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A node that is started again finds connections of the one before in TIME_WAIT.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(backlog)?;
    let socket = SockRef::from(&listener);
    let keepalive = TcpKeepalive::new().with_time(SILENCE / 2).with_interval(SILENCE / 6).with_retries(3);
    let _ = socket.set_nodelay(true);
    let _ = socket.set_tcp_keepalive(&keepalive);
    // The kernel would else keep up to 4 MB for a client that does not read.
    let _ = socket.set_send_buffer_size(SEND_BUFFER);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(SILENCE));
    Ok(listener)
}

/// Takes in connections for as long as it is polled.
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
                    Err(trouble) => (Default::default(), Some(Arc::new(probation.enter(trouble)))),
                };
                connections.spawn(serve(WelcomeParams { stream, peer, client, admission, trial }, serving.clone()));
                while probation.is_overfull() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            // That connection only.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
            Err(error) => {
                // Out of files, mostly: what is open goes on, and a moment later there may be room again.
                if logged.is_none_or(|logged| logged.elapsed() > LOG_PERIOD) {
                    logged = Some(Instant::now());
                    tracing::warn!(%error, "cannot accept");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
