//! Where a server of a test may listen.

use std::net::{TcpListener, UdpSocket};

/// A port of the loopback at which nothing listens, and that no outgoing connection takes while its server is away.
/// Another process may listen there before it is used.
pub fn free_port() -> u16 {
    loop {
        let port = fastrand::u16(15_000..30_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok()
            && UdpSocket::bind(("127.0.0.1", port)).is_ok()
        {
            return port;
        }
    }
}
