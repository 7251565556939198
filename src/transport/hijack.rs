//! A socket that hyper has to give back: for a WebSocket, for a stream of text or events, and for a long poll. Such
//! connections last for long and do not need the 16 KiB of buffers that hyper keeps for each.

use std::{
    future::{Future, poll_fn},
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep, timeout},
};

use super::{
    backlog::{Backlog, STUCK, forget},
    heard::Heard,
};
pub use super::{
    flow::flow,
    wanted::{LastBytes, Wait, Wanted, Whole},
};
use crate::budget::{Admission, Permit, Usage};

/// How often the end of a connection is looked for again while hyper has not read earlier bytes.
const HYPER_READS: Duration = Duration::from_millis(200);

/// How long, and how many bytes, a closing connection still reads and discards.
const MOMENT: Duration = Duration::from_secs(1);
const UNREAD: usize = 1024 * 1024;

/// A socket that hyper uses and that can be taken back.
pub struct Hijack(Arc<HijackState>);

struct HijackState {
    socket: Mutex<Socket>,
    wanted: Mutex<Option<Wanted>>,
}

struct Socket {
    stream: TcpStream,
    admission: Admission,
    /// hyper has written bytes that the kernel has not taken.
    stuck: Option<Stuck>,
    written: bool,
    heard: Heard,
}

/// Counts what hyper writes and the client does not take.
struct Stuck {
    backlog: Backlog,
    given_up: Pin<Box<Sleep>>,
}

/// A handle to take a [`Hijack`] back with.
#[derive(Clone)]
pub struct HijackHandle(Weak<HijackState>);

impl Hijack {
    /// Wraps a socket for hyper.
    pub fn new(stream: TcpStream, admission: Admission) -> Self {
        let socket =
            Socket { stream, admission, stuck: None, written: false, heard: Heard::Nothing };
        Self(Arc::new(HijackState { socket: Mutex::new(socket), wanted: Mutex::new(None) }))
    }

    /// A handle that does not keep the socket open.
    pub fn hijack_handle(&self) -> HijackHandle {
        HijackHandle(Arc::downgrade(&self.0))
    }

    /// Gives the socket back; `None` while another part still holds it.
    pub fn give_back(self) -> Option<(TcpStream, Admission)> {
        Arc::into_inner(self.0).map(|lent| {
            let Socket { stream, admission, .. } = lent.socket.into_inner();
            (stream, admission)
        })
    }
}

impl HijackHandle {
    /// Asks for the socket back.
    pub fn part(&self, wanted: Wanted) {
        if let Some(lent) = self.0.upgrade() {
            *lent.wanted.lock() = Some(wanted);
        }
    }

    /// Whether hyper has read the head of exactly one request since its last response. Only then can another hyper
    /// connection take over the socket.
    pub fn heard_one_head(&self) -> bool {
        self.0.upgrade().is_some_and(|lent| lent.socket.lock().heard == Heard::OneHead)
    }

    /// Waits until the peer has closed its side, as the browser does for a closed tab. Bytes that come meanwhile are
    /// left to hyper.
    pub async fn closed(&self) {
        loop {
            let more = poll_fn(|cx| {
                let Some(lent) = self.0.upgrade() else { return Poll::Pending };
                let mut byte = [0];
                let seen = lent.socket.lock().stream.poll_peek(cx, &mut ReadBuf::new(&mut byte));
                seen.map(|seen| matches!(seen, Ok(1..)))
            })
            .await;
            if !more {
                return;
            }
            // Until hyper has read that byte, a close behind it cannot be seen.
            sleep(HYPER_READS).await;
        }
    }

    /// From now on the connection, which is a proxy's, serves a client with this `usage`.
    pub fn serve(&self, usage: Arc<Usage>, permit: Option<Permit>) {
        if let Some(lent) = self.0.upgrade() {
            lent.socket.lock().admission.serve(usage, permit);
        }
    }

    /// The response to that client is complete.
    pub fn release(&self) {
        if let Some(lent) = self.0.upgrade() {
            lent.socket.lock().admission.release();
        }
    }

    /// Writes as much as the socket takes at once, unless something was written before.
    pub fn write_first(&self, bytes: &[u8]) {
        if let Some(lent) = self.0.upgrade() {
            let socket = lent.socket.lock();
            if !socket.written {
                let _ = socket.stream.try_write(bytes);
            }
        }
    }

    /// Reads and discards for a moment. Closing a socket with unread bytes resets it, and the peer might never read the
    /// response.
    pub async fn drain(&self) {
        let (mut some, mut left) = ([0; 4096], UNREAD);
        let reading = poll_fn(|cx| {
            let Some(lent) = self.0.upgrade() else { return Poll::Ready(()) };
            let mut socket = lent.socket.lock();
            while left > 0 {
                let mut buffer = ReadBuf::new(&mut some);
                match Pin::new(&mut socket.stream).poll_read(cx, &mut buffer) {
                    Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                        left = left.saturating_sub(buffer.filled().len())
                    }
                    Poll::Ready(_) => break,
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(())
        });
        let _ = timeout(MOMENT, reading).await;
    }

    /// What the socket is to be taken back for. `None` until it is asked for and all earlier bytes are written.
    pub fn wanted(&self) -> Option<(Hijack, Wanted)> {
        let lent = self.0.upgrade()?;
        let free = lent.socket.lock().stuck.is_none();
        let wanted = if free { lent.wanted.lock().take() } else { None };
        wanted.map(|wanted| (Hijack(lent), wanted))
    }
}

impl Socket {
    /// Writes for hyper, which has `length` bytes to write.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        length: usize,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let written = write(Pin::new(&mut self.stream), cx);
        if written.is_ready() {
            self.written = true;
            self.heard = Heard::Nothing;
            self.stuck = None;
            return written;
        }
        let stuck = self.stuck.get_or_insert_with(|| Stuck {
            backlog: Backlog::new(&self.admission),
            given_up: Box::pin(sleep(STUCK)),
        });
        let waited = match stuck.backlog.set(length) {
            Ok(()) => stuck.given_up.as_mut().poll(cx).map(|()| io::ErrorKind::TimedOut.into()),
            Err(error) => Poll::Ready(io::Error::other(error)),
        };
        waited.map(|error| {
            forget(&self.stream);
            Err(error)
        })
    }
}

impl AsyncRead for Hijack {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let mut socket = self.0.socket.lock();
        let read = Pin::new(&mut socket.stream).poll_read(cx, buf);
        if read.is_ready() {
            socket.heard = socket.heard.and(&buf.filled()[before..]);
        }
        read
    }
}

impl AsyncWrite for Hijack {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.socket.lock().poll(cx, bytes.len(), |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        many: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = many.iter().map(|piece| piece.len()).sum();
        self.0.socket.lock().poll(cx, length, |stream, cx| stream.poll_write_vectored(cx, many))
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
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        time::Instant,
    };

    use super::*;
    use crate::budget::{Budgets, ClientAddr, Limits, Resource};

    /// A connection of ours, and its peer.
    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0, peer)
    }

    fn admission(budgets: &Budgets) -> Admission {
        Admission::of_client(
            budgets.usage(ClientAddr::UNKNOWN).hold(Resource::Connections).unwrap(),
        )
    }

    fn endless() -> LastBytes {
        let body = stream::repeat(Bytes::from(vec![b'x'; 1 << 20])).boxed();
        LastBytes { head: b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), body }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_given_up() {
        let (socket, _peer) = pair().await;
        let begun = Instant::now();
        flow((socket, Admission::default()), endless()).await;
        assert!(begun.elapsed() >= STUCK);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_read_is_given_up() {
        let ((socket, _peer), begun) = (pair().await, Instant::now());
        let budgets = Budgets::new(Limits::default());
        let mut hijack = Hijack::new(socket, admission(&budgets));
        let refused = hijack.write_all(&vec![b'x'; 32 << 20]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= STUCK && begun.elapsed() < 2 * STUCK);
        assert!(budgets.held(Resource::Unread) > 0, "counted while it waited");
        drop(hijack);
        assert_eq!((budgets.held(Resource::Unread), budgets.held(Resource::Connections)), (0, 0));
    }

    #[tokio::test]
    async fn what_is_not_read_is_counted_until_it_is() {
        let ((socket, mut peer), budgets) = (pair().await, Budgets::new(Limits::default()));
        let mut hijack = Hijack::new(socket, admission(&budgets));
        let (bytes, mut read) = (vec![b'x'; 32 << 20], vec![0; 32 << 20]);
        let most = std::sync::atomic::AtomicUsize::new(0);
        let reading = async {
            while budgets.held(Resource::Unread) == 0 {
                tokio::task::yield_now().await;
            }
            most.store(budgets.held(Resource::Unread), std::sync::atomic::Ordering::Relaxed);
            peer.read_exact(&mut read).await.unwrap();
        };
        let (written, ()) = tokio::join!(hijack.write_all(&bytes), reading);
        written.unwrap();
        assert!(most.into_inner() > 1 << 20);
        assert_eq!(budgets.held(Resource::Unread), 0);
    }

    #[tokio::test]
    async fn more_than_an_address_may_leave_unread_ends_its_connection() {
        let budgets = Budgets::new(Limits::default().of_address(Resource::Unread, 1 << 20));
        let (socket, _peer) = pair().await;
        let mut hijack = Hijack::new(socket, admission(&budgets));
        assert!(hijack.write_all(&vec![b'x'; 32 << 20]).await.is_err());
        let (socket, _other) = pair().await;
        flow(
            (socket, admission(&budgets)),
            LastBytes {
                body: stream::iter([Bytes::from(vec![b'x'; 32 << 20])]).boxed(),
                ..endless()
            },
        )
        .await;
        drop(hijack);
        assert_eq!((budgets.held(Resource::Unread), budgets.held(Resource::Connections)), (0, 0));
    }
}
