//! The outgoing side of a WebSocket. Frames go straight to the socket. What it does not take waits in a bounded queue,
//! which the connection's own task drains.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io::{self, IoSlice},
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use futures_util::task::AtomicWaker;
use hyper_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};
use parking_lot::Mutex;
use tokio::net::tcp::OwnedWriteHalf;

use crate::{
    budget::Admission,
    hub::{Encoder, Subscriber},
    protocol::{ApiError, ServerMessage},
    transport::backlog::{Backlog, forget},
};

/// How many bytes a client may fall behind before its connection is closed, to be resumed.
const QUEUE_LIMIT: usize = 256 * 1024;

/// How many pieces one write takes at most.
const PIECES: usize = 32;

/// WebSocket text frames.
pub(super) static ENCODER: Encoder =
    Encoder { frame: |frame, out| text_frame(frame.json, out), echo: false };

fn text_frame(json: &[u8], out: &mut Vec<u8>) {
    frame(OpCode::Data(Data::Text), &[json], out);
}

/// A whole frame of the server's, unmasked.
fn frame(opcode: OpCode, payload: &[&[u8]], out: &mut Vec<u8>) {
    let length = payload.iter().map(|part| part.len() as u64).sum();
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    // Writing to memory cannot fail.
    let _ = header.format(length, out);
    payload.iter().for_each(|part| out.extend_from_slice(part));
}

pub(super) struct Outbox {
    socket: Half,
    state: Mutex<State>,
    pumping: AtomicWaker,
    /// Counts the connection for as long as its socket is open.
    admission: Admission,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Bytes>,
    queued: usize,
    /// How many bytes may be queued now: a long welcome is allowed beyond the limit, but not what comes on top of it.
    limit: usize,
    /// The socket has taken bytes since [`Outbox::is_stuck`] was last called.
    moved: bool,
    closing: bool,
    /// The front of the queue is the rest of a piece whose beginning is already sent.
    cut: bool,
    /// Present while something is queued.
    backlog: Option<Backlog>,
}

/// The writing half. It ends when both halves are closed. To shut it down first, as tokio would, costs a system call
/// and a segment more for every connection. Always `Some` until dropped.
struct Half(Option<OwnedWriteHalf>);

impl Half {
    /// Whether the socket takes bytes. An error shows itself in the next write.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0
            .as_ref()
            .map_or(Poll::Ready(()), |half| half.as_ref().poll_write_ready(cx).map(|_| ()))
    }

    /// Makes the kernel discard unsent bytes when the socket closes.
    fn forget(&self) {
        if let Some(half) = &self.0 {
            forget(half.as_ref());
        }
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match (&self.0, slices) {
            (Some(half), [one]) => half.try_write(one),
            (Some(half), many) => half.try_write_vectored(many),
            (None, _) => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        if let Some(half) = self.0.take() {
            half.forget();
        }
    }
}

impl Outbox {
    pub(super) fn new(socket: OwnedWriteHalf, admission: Admission) -> Self {
        Self {
            socket: Half(Some(socket)),
            state: Mutex::default(),
            pumping: AtomicWaker::new(),
            admission,
        }
    }

    /// Sends a frame to this client alone.
    pub(super) fn send(&self, message: &ServerMessage<'_>) {
        self.deliver(&[ENCODER.encode(message)]);
    }

    /// Pings the peer.
    pub(super) fn ping(&self) {
        let mut out = Vec::with_capacity(2);
        frame(OpCode::Control(Control::Ping), &[], &mut out);
        self.deliver(&[out.into()]);
    }

    /// Takes raw bytes that tungstenite wrote: pongs and its response to a close. They must not cut into other frames.
    pub(super) fn put(&self, bytes: &[u8]) {
        self.deliver(&[Bytes::copy_from_slice(bytes)]);
    }

    /// Drains the queue whenever the socket takes more. Returns when no more frames are accepted.
    pub(super) async fn pump(&self) {
        // Not a chain of futures: every idle connection would carry the room for them.
        poll_fn(|cx| {
            self.pumping.register(cx.waker());
            loop {
                let mut state = self.state.lock();
                if state.closing {
                    return Poll::Ready(());
                }
                if state.queue.is_empty() || self.socket.poll_writable(cx).is_pending() {
                    return Poll::Pending;
                }
                state.drain(&self.socket);
                // The count goes down, which cannot fail.
                state.count(&self.admission);
            }
        })
        .await;
    }

    /// Whether bytes have waited since the last call and the socket took none of them. Such a client may still send,
    /// but it does not read, and its queue must not be kept for ever.
    pub(super) fn is_stuck(&self) -> bool {
        let mut state = self.state.lock();
        !std::mem::take(&mut state.moved) && !state.queue.is_empty()
    }

    /// The time is over: what the peer has not taken is discarded with the socket.
    pub(super) fn give_up(&self) {
        if !self.state.lock().queue.is_empty() {
            self.socket.forget();
        }
    }

    /// Sends what is queued.
    pub(super) async fn finish(&self) {
        self.state.lock().closing = true;
        while !self.state.lock().queue.is_empty() {
            poll_fn(|cx| self.socket.poll_writable(cx)).await;
            self.state.lock().drain(&self.socket);
        }
    }
}

impl State {
    fn push(&mut self, frame: Bytes) {
        self.queued += frame.len();
        self.queue.push_back(frame);
    }

    fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.queued = 0;
        self.backlog = None;
    }

    /// Counts what waits. False when a budget is exceeded; the queue is then cleared.
    fn count(&mut self, admission: &Admission) -> bool {
        if self.queue.is_empty() {
            return true;
        }
        let counted = self.backlog.get_or_insert_with(|| Backlog::new(admission)).set(self.queued);
        if counted.is_err() {
            self.clear();
        }
        counted.is_ok()
    }

    /// Writes as much of the queue as the socket takes.
    fn drain(&mut self, socket: &Half) {
        while !self.queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let count = self
                .queue
                .iter()
                .zip(&mut slices)
                .map(|(piece, slice)| *slice = IoSlice::new(piece))
                .count();
            match socket.write(&slices[..count]) {
                Ok(written) => self.consume(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    // The peer is gone: the reading side will notice, and nothing here can be delivered.
                    self.clear();
                    self.closing = true;
                }
            }
        }
        // A client that keeps up needs no room for a queue.
        self.queue = VecDeque::new();
        self.backlog = None;
    }

    fn consume(&mut self, mut written: usize) {
        self.moved = true;
        self.queued -= written;
        while let Some(front) = self.queue.front_mut() {
            if front.len() > written {
                front.advance(written);
                self.cut |= written > 0;
                return;
            }
            written -= front.len();
            self.cut = false;
            self.queue.pop_front();
        }
    }
}

impl Subscriber for Outbox {
    fn encoder(&self) -> &'static Encoder {
        &ENCODER
    }

    fn deliver(&self, frames: &[Bytes]) {
        let mut state = self.state.lock();
        if state.closing {
            return;
        }
        let idle = state.queue.is_empty();
        if idle {
            state.moved = true;
            state.limit = QUEUE_LIMIT + frames.iter().map(Bytes::len).sum::<usize>();
        }
        if let ([one], true) = (frames, idle) {
            // The common case: one piece, an empty queue, a socket that takes it all.
            match self.socket.write(&[IoSlice::new(one)]) {
                Ok(written) if written == one.len() => return,
                Ok(written) => {
                    state.cut = written > 0;
                    state.push(one.slice(written..));
                }
                // An error repeats itself in the drain below, which handles it.
                Err(_) => state.push(one.clone()),
            }
        } else {
            frames.iter().for_each(|frame| state.push(frame.clone()));
        }
        if idle {
            state.drain(&self.socket);
        }
        if !state.count(&self.admission) {
            // Nothing can follow half a piece: then the connection just ends.
            if state.cut {
                state.closing = true;
                self.socket.forget();
                self.pumping.wake();
                return;
            }
            drop(state);
            self.close(&ApiError::TooSlow);
        } else if state.queued > state.limit {
            drop(state);
            self.close(&ApiError::TooSlow);
        } else if !state.queue.is_empty() || state.closing {
            drop(state);
            self.pumping.wake();
        }
    }

    fn close(&self, why: &ApiError) {
        let problem = why.problem(None);
        // A close frame holds 123 bytes of reason.
        let reason: String = match why {
            ApiError::Restarting(_) | ApiError::RateLimited(_) => {
                format!("{}; retry in {} ms", problem.code, problem.retry_after.unwrap_or(0))
            }
            _ => problem.code.to_owned(),
        };
        let code = why.close_code().to_be_bytes();
        let mut out = Vec::with_capacity(192);
        if !matches!(why, ApiError::Left) {
            text_frame(&ServerMessage::Closing(problem).to_json(), &mut out);
        }
        frame(OpCode::Control(Control::Close), &[&code, reason.as_bytes()], &mut out);
        {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.closing, true) {
                return;
            }
            state.push(out.into());
            state.drain(&self.socket);
        }
        self.pumping.wake();
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::AsyncReadExt,
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::budget::{Budgets, ClientAddr, Limits, Resource};

    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_stuck_and_one_that_is_slow_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (_read, write) = listener.accept().await.unwrap().0.into_split();
        let outbox = Outbox::new(write, Admission::default());
        assert!(!outbox.is_stuck(), "who has nothing to read is not stuck");
        // More than any socket buffer holds, and allowed as the first delivery.
        outbox.deliver(&[Bytes::from(vec![b'x'; 32 << 20])]);
        assert!(!outbox.is_stuck(), "something went out");
        assert!(outbox.is_stuck(), "and then nothing");
        let mut some = vec![0; 8 << 20];
        tokio::select! {
            () = outbox.pump() => {}
            read = peer.read_exact(&mut some) => assert_eq!(read.unwrap(), some.len()),
        }
        assert!(!outbox.is_stuck(), "slow is not stuck");
    }

    /// What arrives, until the end, at a connection whose address may leave a mebibyte unread.
    async fn flooded(pieces: &[usize]) -> (Vec<u8>, Budgets) {
        let budgets = Budgets::new(Limits::default().of_address(Resource::Unread, 1 << 20));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (read, write) = listener.accept().await.unwrap().0.into_split();
        let permit = budgets.usage(ClientAddr::UNKNOWN).hold(Resource::Connections).unwrap();
        let outbox = Outbox::new(write, Admission::of_client(permit));
        for length in pieces {
            outbox.deliver(&[Bytes::from(vec![b'x'; *length])]);
        }
        let mut heard = Vec::new();
        let (_, ()) = tokio::join!(peer.read_to_end(&mut heard), async {
            outbox.pump().await;
            assert!(budgets.held(Resource::Unread) <= 1 << 20);
            outbox.finish().await;
            drop((outbox, read));
        });
        (heard, budgets)
    }

    #[tokio::test]
    async fn a_link_that_leaves_too_much_unread_is_sent_away_to_resume() {
        // Small pieces, as messages are: at some point one waits whole.
        let (heard, budgets) = flooded(&[1000; 20_000]).await;
        assert!(heard.len() < 20_000_000, "{}", heard.len());
        assert!(heard.windows(8).any(|bytes| bytes == b"too_slow"), "told why");
        // A piece larger than all that the address may leave unread: the connection ends within it.
        let (heard, _) = flooded(&[32 << 20]).await;
        assert!(
            heard.len() < 32 << 20 && heard.iter().all(|byte| *byte == b'x'),
            "and nothing is said amid it"
        );
        assert_eq!((budgets.held(Resource::Unread), budgets.held(Resource::Connections)), (0, 0));
    }
}
