//! The WebSocket transport: one small task a connection. tungstenite only reads; the room itself writes, straight to
//! the socket.

mod early;
mod outbox;
mod received;
mod stream;

use std::{future::poll_fn, num::NonZeroU32, pin::pin, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use futures_util::{
    FutureExt, SinkExt, StreamExt,
    future::{BoxFuture, OptionFuture},
};
use hyper_tungstenite::{
    HyperWebsocket, WebSocketStream,
    tungstenite::protocol::{Role, WebSocketConfig},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncReadExt,
    time::{Instant, sleep, timeout},
};

use self::{
    early::Early,
    outbox::Outbox,
    received::{Received, first_frame, gather},
    stream::Stream,
};
use crate::{
    budget::Usage,
    hub::{Goodbye, Hub, JoinRequest, Session, Subscriber},
    protocol::{Ack, ApiError, ClientFrame, ClientMessage, ServerMessage, Timestamp, True},
    room::{NewEntry, PublishResult},
    transport::{hijack::Hijack, pacer::FramePacer},
};

/// The largest frame and message a client may send, in bytes.
pub const FRAME_LIMIT: usize = 64 * 1024;

/// How often a silent connection is pinged. It counts as lost when nothing comes before the next ping.
const PULSE: Duration = Duration::from_secs(20);

/// How long the first frame may take when a resume was announced.
const RESUME: Duration = Duration::from_secs(10);

/// How long the last bytes and the peer's close may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// tungstenite's settings: it reads small frames and writes hardly anything; its defaults cost 256 KiB a connection.
pub fn settings() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(512)
        .write_buffer_size(0)
        .max_write_buffer_size(4096)
        .max_message_size(Some(FRAME_LIMIT))
        .max_frame_size(Some(FRAME_LIMIT))
}

/// What the address and headers of an upgrade ask for.
pub struct UpgradeParams {
    /// The join request, or why it is refused.
    pub join_request: Result<JoinRequest, ApiError>,
    /// The first frame must be `resume`.
    pub resume: bool,
    /// Frames a second, sustained.
    pub rate: NonZeroU32,
    /// The budgets of the client's address.
    pub usage: Arc<Usage>,
}

/// Serves one connection until it ends. The session outlives a lost connection by the grace period.
pub fn serve(
    hub: Arc<Hub>,
    upgraded: HyperWebsocket,
    opening: UpgradeParams,
) -> impl Future<Output = ()> + Send {
    // Boxed, like everything here that is rare or short: the future of an idle connection should hold only what it
    // waits with.
    let opened = Box::pin(open(hub, upgraded, opening));
    async move {
        let Some((link, mut socket, mut session)) = opened.await else { return };
        tokio::select! {
            () = link.talk(&mut socket, &mut session) => {}
            () = link.outbox.pump() => {}
        }
        drop(session);
        Box::pin(farewell(&mut socket, &link.outbox)).await;
    }
}

type Socket = WebSocketStream<Stream>;

/// From upgrade to welcome; `None` when the connection ends before.
async fn open(
    hub: Arc<Hub>,
    upgraded: HyperWebsocket,
    opening: UpgradeParams,
) -> Option<(Connection, Socket, Option<Session>)> {
    let (mut socket, outbox) = take_over(upgraded).await?;
    let link = Connection { hub, outbox, pace: FramePacer::new(opening.rate, opening.usage) };
    match link.open(&mut socket, opening.join_request, opening.resume).await {
        Ok((session, early)) => {
            let mut session = Some(session);
            if !early.is_empty() {
                tokio::select! {
                    () = link.catch_up(early, &mut session) => {}
                    () = link.outbox.pump() => {}
                }
            }
            return Some((link, socket, session));
        }
        Err(Some(error)) => {
            link.outbox.send(&ServerMessage::Error(error.problem(None)));
            link.outbox.close(&error);
        }
        Err(None) => {}
    }
    farewell(&mut socket, &link.outbox).await;
    None
}

/// Takes the socket back from hyper.
async fn take_over(upgraded: HyperWebsocket) -> Option<(Socket, Arc<Outbox>)> {
    let upgraded = upgraded.await.ok()?.into_inner().into_inner();
    let parts = upgraded.downcast::<TokioIo<Hijack>>().ok()?;
    let (stream, admission) = parts.io.into_inner().give_back()?;
    let (read, write) = stream.into_split();
    let outbox = Arc::new(Outbox::new(write, admission));
    // A copy, mostly of nothing: the original would keep hyper's whole 8 KiB buffer alive.
    let head = Bytes::copy_from_slice(&parts.read_buf);
    let stream = Stream {
        head,
        socket: read,
        outbox: Arc::clone(&outbox),
        unread: 0,
        took_all: false,
        broken: false,
    };
    Some((WebSocketStream::from_raw_socket(stream, Role::Server, Some(settings())).await, outbox))
}

/// How long nothing may come before the rest of a broken stream counts as read.
const QUIET: Duration = Duration::from_millis(250);

/// Sends the last bytes and waits for the peer to close, so that a reset does not discard them.
async fn farewell(socket: &mut Socket, outbox: &Outbox) {
    let over = timeout(FAREWELL, async {
        // tungstenite still has the response to a close of the peer's.
        let _ = socket.flush().await;
        outbox.finish().await;
        while let Some(Ok(_)) = socket.next().await {}
        if socket.get_ref().broken {
            // Closing a socket with unread bytes resets it, and the peer might never read the reason.
            let mut rest = [0; 1024];
            while let Ok(Ok(1..)) = timeout(QUIET, socket.get_mut().read(&mut rest)).await {}
        }
    })
    .await;
    if over.is_err() {
        outbox.give_up();
    }
}

struct Connection {
    hub: Arc<Hub>,
    outbox: Arc<Outbox>,
    pace: FramePacer,
}

impl Connection {
    /// From upgrade to welcome. `Err(None)` when the peer is gone.
    async fn open(
        &self,
        socket: &mut Socket,
        join_request: Result<JoinRequest, ApiError>,
        resume: bool,
    ) -> Result<(Session, Early), Option<ApiError>> {
        let mut join_request = join_request?;
        if resume && join_request.ticket.is_none() {
            let frame = tokio::select! {
                frame = timeout(RESUME, first_frame(socket)) => frame.map_err(|_| ApiError::ResumeTimeout)?,
                restarting = self.hub.stops() => return Err(Some(restarting)),
            };
            match frame?.ask? {
                ClientMessage::Resume { ticket, cursor } => {
                    (join_request.ticket, join_request.cursor) = (Some(ticket), cursor)
                }
                _ => {
                    return Err(Some(ApiError::BadFrame(
                        "with resume=1 the first frame must be resume".into(),
                    )));
                }
            }
        }
        let reader: Arc<dyn Subscriber> = Arc::clone(&self.outbox) as _;
        let mut early = Early::default();
        // A client that resumes has a session that is held, whatever becomes of this connection.
        let held = join_request.ticket.clone().map(|ticket| (join_request.room.clone(), ticket));
        let error = tokio::select! {
            biased;
            entered = self.hub.enter(join_request, reader) => return Ok((entered?, early)),
            error = early.listen(socket) => error,
        };
        if let Some((room, ticket)) = held.filter(|_| early.unloads) {
            // If the store is unavailable, the session is held for the ordinary grace period.
            let _ = self.hub.unload(&room, &ticket).await;
        }
        Err(error)
    }

    /// Handles the frames that came before the welcome.
    async fn catch_up(&self, early: Early, session: &mut Option<Session>) {
        let (frames, goodbye) = early.take();
        if self.hear_all(frames, session).await {
            return;
        }
        if goodbye {
            self.leave(session).await;
        }
    }

    /// Handles frames until the member leaves or the connection is lost. The session is `None` afterwards if the member
    /// left.
    async fn talk(&self, socket: &mut Socket, session: &mut Option<Session>) {
        // On the stack: an interval would keep its timer in an allocation of its own.
        let mut pulse = pin!(sleep(PULSE));
        let mut heard = true;
        // Boxed, or an idle connection would carry the room for it.
        let mut next: Option<Box<Received>> = None;
        loop {
            let received = match next.take() {
                Some(received) => *received,
                None => tokio::select! {
                    received = Received::next(socket) => received,
                    () = pulse.as_mut() => {
                        pulse.as_mut().reset(Instant::now() + PULSE);
                        if !std::mem::take(&mut heard) {
                            return;
                        }
                        if self.outbox.is_stuck() {
                            return self.outbox.close(&ApiError::TooSlow);
                        }
                        self.outbox.ping();
                        continue;
                    }
                },
            };
            heard = true;
            // Parsed before anything is awaited, so that the frame is not kept while the store works. Boxed, or an idle
            // connection would carry the room for it.
            let step: BoxFuture<'_, bool> = match received {
                Received::Frame(frame) if socket.get_ref().is_drained() => {
                    Box::pin(self.hear(frame, session))
                }
                Received::Frame(frame) => {
                    let mut frames = vec![frame];
                    next = gather(socket, &mut frames).map(Box::new);
                    Box::pin(self.hear_all(frames, session))
                }
                Received::Control => Box::pin(self.pace.check(None).map(|_| false)),
                Received::Goodbye => Box::pin(self.leave(session).map(|_| true)),
                Received::Nonsense(error) => {
                    socket.get_mut().broken = true;
                    self.outbox.send(&ServerMessage::Error(error.problem(None)));
                    return self.outbox.close(&error);
                }
                Received::Unload => return session.iter().for_each(Session::unload),
                Received::Lost => return,
            };
            if step.await {
                return;
            }
        }
    }

    /// Handles frames in order. True when one of them ends the connection.
    async fn hear_all(&self, frames: Vec<ClientFrame>, session: &mut Option<Session>) -> bool {
        // Messages that came together are published together.
        let mut entries = Vec::new();
        for ClientFrame { ask, n } in frames {
            let counter = ask.as_ref().ok().and_then(ClientMessage::counter);
            let ask = match ask.map(ClientMessage::entry) {
                Ok(Ok(entry)) => {
                    let mut paced = pin!(self.pace.check(counter));
                    let paced = match poll_fn(|cx| Poll::Ready(paced.as_mut().poll(cx))).await {
                        Poll::Ready(paced) => paced,
                        Poll::Pending => {
                            // A message that is slowed slows none that came before it.
                            self.publish(&std::mem::take(&mut entries), session).await;
                            paced.await
                        }
                    };
                    match paced {
                        Ok(()) => entries.push(entry),
                        Err(error) => self.refuse(&error, n),
                    }
                    continue;
                }
                Ok(Err(ask)) => Ok(ask),
                Err(error) => Err(error),
            };
            self.publish(&std::mem::take(&mut entries), session).await;
            if self.hear(ClientFrame { ask, n }, session).await {
                return true;
            }
        }
        self.publish(&entries, session).await;
        session.is_none()
    }

    /// Handles a frame. True when that ends the connection.
    async fn hear(&self, inbound: ClientFrame, session: &mut Option<Session>) -> bool {
        let ClientFrame { ask, n } = inbound;
        if ask == Ok(ClientMessage::Leave) {
            let Goodbye { freed, end } = self.leave(session).await;
            if let Some(end) = end {
                let receipt = &self.hub.receipt(&end).boxed().await;
                self.outbox.send(&ServerMessage::Receipt { receipt });
            }
            self.outbox.close(if freed { &ApiError::Left } else { &ApiError::StoreUnavailable });
            return true;
        }
        let paced = self.pace.check(ask.as_ref().ok().and_then(ClientMessage::counter)).await;
        let error = match (paced.and(ask).map(ClientMessage::entry), session.as_mut()) {
            (Ok(Ok(entry)), Some(_)) => {
                self.publish(&[entry], session).await;
                None
            }
            (Ok(Err(ask)), Some(session)) => self.answer(ask, session).await.err(),
            (Ok(_), None) => return true,
            (Err(error), _) => Some(error),
        };
        if let Some(error) = error {
            self.refuse(&error, n);
        }
        false
    }

    /// Publishes messages. A new one is answered by its ack in the stream.
    async fn publish(&self, entries: &[NewEntry], session: &mut Option<Session>) {
        let Some(session) = session.as_mut().filter(|_| !entries.is_empty()) else { return };
        let answer = |entry: &NewEntry, result| match result {
            Ok(PublishResult { repeated: false, .. }) => {}
            Ok(PublishResult { n, seq, at, .. }) => {
                let (timestamp, duplicate) = (Timestamp(at), Some(True));
                let (n, seq) = (Some(n), Some(seq));
                let ack = Ack { n, seq, timestamp, cursor: None, duplicate };
                self.outbox.send(&ServerMessage::Ack(ack));
            }
            Err(error) => self.refuse(&error, entry.n),
        };
        session.publish(entries, answer).await;
    }

    fn refuse(&self, error: &ApiError, n: Option<u64>) {
        self.outbox.send(&ServerMessage::Error(error.problem(n)));
    }

    async fn answer(&self, ask: ClientMessage, session: &mut Session) -> Result<(), ApiError> {
        match ask {
            ClientMessage::Typing { typing } => session.typing(typing).await?,
            ClientMessage::Rename { user, n } => {
                let ack = session.rename(&user).await?;
                self.outbox.send(&ServerMessage::Ack(Ack { n, ..ack }));
            }
            ClientMessage::LivekitToken => {
                let token = Box::pin(session.livekit_token()).await?;
                let (room, identity) = (session.room(), session.member());
                self.outbox.send(&ServerMessage::LivekitToken {
                    token: &token.token,
                    livekit_url: &token.url,
                    room,
                    identity,
                });
            }
            ClientMessage::Host { request, n } => {
                if let Some(ack) = session.host_request(*request).await? {
                    self.outbox.send(&ServerMessage::Ack(Ack { n, ..ack }));
                }
            }
            ClientMessage::Ping => self.outbox.send(&ServerMessage::Pong),
            ClientMessage::Resume { .. } => {
                return Err(ApiError::BadFrame("resume is good as the first frame only".into()));
            }
            // Leaves and entries are answered before.
            _ => {}
        }
        Ok(())
    }

    /// Frees the session at once.
    fn leave(&self, session: &mut Option<Session>) -> BoxFuture<'static, Goodbye> {
        let leaving = OptionFuture::from(session.take().map(Session::leave));
        leaving.map(|left| left.unwrap_or(Goodbye { freed: true, end: None })).boxed()
    }
}
