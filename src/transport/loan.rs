//! A connection that hyper has to give back: for a WebSocket, and for a stream
//! of lines or events, which may last for hours and does not need the 16 KiB of
//! buffers that hyper keeps for a connection.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpStream, tcp::OwnedWriteHalf},
    time::{sleep, timeout},
};

/// How many pieces of a stream go out in one write at most.
const PIECES: usize = 16;

/// How many bytes a client may send after the request for a stream; it has nothing to say there.
const UNHEARD: u64 = 16 * 1024;

/// How long a reader may take nothing of what waits for it.
const STUCK: Duration = Duration::from_secs(40);

/// How long a stream pauses after its head and first piece: Caddy 2.6 compresses, and then holds, what begins with more
/// than 512 bytes.
const PAUSE: Duration = Duration::from_millis(20);

/// A socket in somebody else's hands.
pub struct Loan(Arc<Lent>);

struct Lent {
    socket: Mutex<Socket>,
    parting: Mutex<Option<Parting>>,
}

struct Socket {
    stream: TcpStream,
    /// Something is written that the kernel has not taken.
    stuck: bool,
}

/// A socket that was lent out, for whoever wants it back.
#[derive(Clone)]
pub struct Lender(Weak<Lent>);

/// What is to go over a socket once it is back: the head of an answer, and what follows it.
pub struct Parting {
    /// Status line and headers, whole.
    pub head: Vec<u8>,
    /// The body, framed as the head says; the connection ends with it.
    pub body: BoxStream<'static, Bytes>,
}

impl Loan {
    /// Lends a socket.
    pub fn new(stream: TcpStream) -> Self {
        Self(Arc::new(Lent { socket: Mutex::new(Socket { stream, stuck: false }), parting: Mutex::new(None) }))
    }

    /// For whoever wants it back.
    pub fn lender(&self) -> Lender {
        Lender(Arc::downgrade(&self.0))
    }

    /// Gives the socket back; `None` while others have it as well.
    pub fn give_back(self) -> Option<TcpStream> {
        Arc::into_inner(self.0).map(|lent| lent.socket.into_inner().stream)
    }
}

impl Lender {
    /// Wants the socket back, for `parting`.
    pub fn part(&self, parting: Parting) {
        if let Some(lent) = self.0.upgrade() {
            *lent.parting.lock() = Some(parting);
        }
    }

    /// Waits until the peer has closed its side, as a tab does that is closed. For ever if it has said more instead.
    pub async fn closed(&self) {
        let mut more = false;
        poll_fn(|cx| {
            let Some(lent) = self.0.upgrade().filter(|_| !more) else { return Poll::Pending };
            let mut byte = [0];
            let seen = lent.socket.lock().stream.poll_peek(cx, &mut ReadBuf::new(&mut byte));
            more = matches!(seen, Poll::Ready(Ok(1..)));
            if more { Poll::Pending } else { seen.map(drop) }
        })
        .await;
    }

    /// What the socket is wanted back for, if it is, and if all that was written before is out.
    pub fn parting(&self) -> Option<(Loan, Parting)> {
        let lent = self.0.upgrade()?;
        let free = !lent.socket.lock().stuck;
        let parting = if free { lent.parting.lock().take() } else { None };
        parting.map(|parting| (Loan(lent), parting))
    }
}

/// Writes an answer's head and then its body, until the body ends or the peer is gone.
pub async fn flow(socket: TcpStream, Parting { mut head, mut body }: Parting) {
    let (read, mut write) = socket.into_split();
    if let Some(first) = body.next().await {
        head.extend_from_slice(&first);
    }
    if push(&write, &head).await.is_err() {
        return;
    }
    drop(head);
    // Boxed, because a stream is silent for hours and no timer is to last as long.
    Box::pin(sleep(PAUSE)).await;
    let writing = async {
        let mut body = body.ready_chunks(PIECES);
        while let Some(pieces) = body.next().await {
            match &pieces[..] {
                [one] => push(&write, one).await?,
                many => push(&write, &many.concat()).await?,
            }
        }
        write.shutdown().await
    };
    let reading = async {
        // Nothing that comes now means anything but the end; a flood means it, too.
        let mut read = read.take(UNHEARD);
        let mut some = [0; 64];
        while let Ok(1..) = read.read(&mut some).await {}
    };
    tokio::select! {
        // Who has closed their side already gets what is there, as far as their socket takes it.
        biased;
        _ = writing => {}
        () = reading => {}
    }
}

/// Writes all of it, unless the peer takes nothing for too long: it may live and still never read.
async fn push(socket: &OwnedWriteHalf, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            // Boxed, because hardly any stream waits for its socket.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Box::pin(timeout(STUCK, socket.writable())).await??,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Socket {
    fn poll<T>(&mut self, write: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let written = write(Pin::new(&mut self.stream));
        self.stuck = written.is_pending();
        written
    }
}

impl AsyncRead for Loan {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.socket.lock().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Loan {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.socket.lock().poll(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, many: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.0.socket.lock().poll(|stream| stream.poll_write_vectored(cx, many))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.socket.lock().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.socket.lock().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::{net::TcpListener, time::Instant};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let socket = listener.accept().await.unwrap().0;
        let begun = Instant::now();
        let body = stream::repeat(Bytes::from(vec![b'x'; 1 << 20])).boxed();
        flow(socket, Parting { head: b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), body }).await;
        assert!(begun.elapsed() >= STUCK);
    }
}
