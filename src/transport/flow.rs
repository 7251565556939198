//! A streamed response over a socket that hyper has given back.

use std::{io, time::Duration};

use futures_util::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedWriteHalf},
    time::{sleep, timeout},
};

use super::{
    backlog::{Backlog, STUCK, forget},
    wanted::LastBytes,
};
use crate::budget::Admission;

/// How many pieces of a stream one write takes at most.
const PIECES: usize = 16;

/// How many bytes a client may send after its request for a stream: none of them is used.
const UNHEARD: u64 = 16 * 1024;

/// The pause of a stream after its head and first piece. Caddy 2.6 compresses, and then holds, a response that begins
/// with more than 512 bytes.
const PAUSE: Duration = Duration::from_millis(20);

/// Writes a response's head and then its body, until the body ends or the peer is gone.
pub async fn flow(
    (socket, admission): (TcpStream, Admission),
    LastBytes { mut head, mut body }: LastBytes,
) {
    let (read, mut write) = socket.into_split();
    if let Some(first) = body.next().await {
        head.extend_from_slice(&first);
    }
    if push(&write, &admission, &head).await.is_err() {
        return;
    }
    drop(head);
    // Boxed, because a stream is silent for hours and its future should not hold a timer as long.
    Box::pin(sleep(PAUSE)).await;
    let writing = async {
        let mut body = body.ready_chunks(PIECES);
        while let Some(pieces) = body.next().await {
            match &pieces[..] {
                [one] => push(&write, &admission, one).await?,
                many => push(&write, &admission, &many.concat()).await?,
            }
        }
        write.shutdown().await
    };
    let reading = async {
        // Only the end of the input counts; too many bytes count as the end, too.
        let mut read = read.take(UNHEARD);
        let mut some = [0; 64];
        while let Ok(1..) = read.read(&mut some).await {}
    };
    tokio::select! {
        // A client that has closed its side still gets what is queued, as far as its socket takes it.
        biased;
        _ = writing => {}
        () = reading => {}
    }
}

/// Writes all of `bytes`, unless the client takes nothing for too long: it may be alive and still never read.
async fn push(socket: &OwnedWriteHalf, admission: &Admission, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            // Boxed, because hardly any stream waits for its socket.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Box::pin(press(socket, admission, bytes)).await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// As [`push`] for what the socket does not take at once, and counts it.
async fn press(socket: &OwnedWriteHalf, admission: &Admission, mut bytes: &[u8]) -> io::Result<()> {
    let mut backlog = Backlog::new(admission);
    while !bytes.is_empty() {
        match socket.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let waited = match backlog.set(bytes.len()) {
                    Ok(()) => timeout(STUCK, socket.writable())
                        .await
                        .unwrap_or_else(|late| Err(late.into())),
                    Err(error) => Err(io::Error::other(error)),
                };
                waited.inspect_err(|_| forget(socket.as_ref()))?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
