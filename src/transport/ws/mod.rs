//! The WebSocket: one small task a link. tungstenite only reads; what goes out
//! is written by the room itself, straight to the socket.

mod outbox;
mod pace;
mod stream;

use std::{num::NonZeroU32, ops::ControlFlow, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use hyper_tungstenite::{
    HyperWebsocket, WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{Role, WebSocketConfig, frame::coding::CloseCode},
    },
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{MissedTickBehavior, interval_at, timeout},
};

use self::{outbox::Outbox, pace::Pace, stream::Stream};
use crate::{
    hub::{Entrance, Hub, Reader, Seat},
    protocol::{Ask, Inbound, Outbound, Trouble},
};

/// The largest frame and message a client may send, in bytes.
pub const FRAME_LIMIT: usize = 64 * 1024;

/// A silent link is asked for a sign of life this often, and is dead when it gives none until the next time.
const PULSE: Duration = Duration::from_secs(20);

/// How long the first frame may take when a resume was announced.
const RESUME: Duration = Duration::from_secs(10);

/// How long the last bytes and the peer's goodbye may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// tungstenite's settings: it reads small frames and writes hardly anything; its defaults cost 256 KiB a link.
pub fn settings() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(512)
        .write_buffer_size(0)
        .max_write_buffer_size(4096)
        .max_message_size(Some(FRAME_LIMIT))
        .max_frame_size(Some(FRAME_LIMIT))
}

/// What the address and headers of an upgrade asked for.
pub struct Opening {
    /// Who wants in where, or why that cannot be.
    pub entrance: Result<Entrance, Trouble>,
    /// A resume frame is to come first.
    pub resume: bool,
    /// Frames a second for long.
    pub rate: NonZeroU32,
}

/// Serves one link until it ends. The seat outlives a lost link by the grace.
pub async fn serve(hub: Arc<Hub>, upgraded: HyperWebsocket, opening: Opening) {
    let Some((mut socket, outbox)) = take_over(upgraded).await else { return };
    let link = Link { hub, outbox: Arc::clone(&outbox), pace: Pace::new(opening.rate) };
    // Boxed: what only the opening needs is not carried along by every idle link.
    let seat = match Box::pin(link.open(&mut socket, opening.entrance, opening.resume)).await {
        Ok(seat) => seat,
        Err(Some(trouble)) => {
            outbox.send(&Outbound::Error(trouble.problem(None)));
            outbox.close(&trouble);
            farewell(socket, &outbox).await;
            return;
        }
        Err(None) => return,
    };
    let mut seat = Some(seat);
    tokio::select! {
        () = link.talk(&mut socket, &mut seat) => {}
        () = outbox.pump() => {}
    }
    drop(seat);
    farewell(socket, &outbox).await;
}

/// Takes the bare socket back from hyper.
async fn take_over(upgraded: HyperWebsocket) -> Option<(WebSocketStream<Stream>, Arc<Outbox>)> {
    let upgraded = upgraded.await.ok()?.into_inner().into_inner();
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    let (read, write) = parts.io.into_inner().into_split();
    let outbox = Arc::new(Outbox::new(write));
    let stream = Stream { head: parts.read_buf, socket: read, outbox: Arc::clone(&outbox) };
    Some((WebSocketStream::from_raw_socket(stream, Role::Server, Some(settings())).await, outbox))
}

/// Lets the last bytes out and waits for the peer to close, so that they are not lost to a reset.
async fn farewell(mut socket: WebSocketStream<Stream>, outbox: &Outbox) {
    let _ = timeout(FAREWELL, async {
        // The answer to a close of the peer's is still with tungstenite.
        let _ = socket.flush().await;
        outbox.finish().await;
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
}

struct Link {
    hub: Arc<Hub>,
    outbox: Arc<Outbox>,
    pace: Pace,
}

impl Link {
    /// From upgrade to welcome. `Err(None)` when the peer is gone.
    async fn open(
        &self,
        socket: &mut WebSocketStream<Stream>,
        entrance: Result<Entrance, Trouble>,
        resume: bool,
    ) -> Result<Seat, Option<Trouble>> {
        let mut entrance = entrance?;
        if resume && entrance.ticket.is_none() {
            let frame = tokio::select! {
                frame = timeout(RESUME, first_text(socket)) => frame.map_err(|_| Trouble::ResumeTimeout)?,
                restarting = self.hub.stops() => return Err(Some(restarting)),
            };
            match Inbound::parse(&frame?).ask? {
                Ask::Resume { ticket, cursor } => (entrance.ticket, entrance.cursor) = (Some(ticket), cursor),
                _ => return Err(Some(Trouble::BadFrame("with resume=1 the first frame must be resume".into()))),
            }
        }
        let reader: Arc<dyn Reader> = Arc::clone(&self.outbox) as _;
        Ok(self.hub.enter(entrance, reader).await?)
    }

    /// Hears the client until it leaves or is lost. The seat is gone afterwards if it left.
    async fn talk(&self, socket: &mut WebSocketStream<Stream>, seat: &mut Option<Seat>) {
        let mut pulse = interval_at(tokio::time::Instant::now() + PULSE, PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = true;
        loop {
            let message = tokio::select! {
                message = socket.next() => message,
                _ = pulse.tick() => {
                    if !std::mem::take(&mut heard) {
                        return;
                    }
                    self.outbox.ping();
                    continue;
                }
            };
            heard = true;
            let heard = match message {
                Some(Ok(message)) => self.hear(message, seat).await,
                Some(Err(error)) => self.stumble(&error),
                None => ControlFlow::Break(()),
            };
            if heard.is_break() {
                return;
            }
        }
    }

    async fn hear(&self, message: Message, seat: &mut Option<Seat>) -> ControlFlow<()> {
        let inbound = match &message {
            Message::Text(text) => Inbound::parse(text),
            Message::Binary(_) => Inbound { ask: Err(Trouble::BinaryFrame), n: None },
            Message::Close(frame) => {
                let code = frame.as_ref().map_or(CloseCode::Status, |frame| frame.code);
                // A page that unloads says 1001: it may be a reload. A client that gives up a stale link says 4000.
                if matches!(code, CloseCode::Normal | CloseCode::Status) {
                    self.leave(seat).await;
                }
                return ControlFlow::Break(());
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                let _ = self.pace.frame().await;
                return ControlFlow::Continue(());
            }
        };
        let answer = match self.pace.frame().await.and(inbound.ask) {
            Ok(Ask::Leave) => {
                self.leave(seat).await;
                self.outbox.close(&Trouble::Left);
                return ControlFlow::Break(());
            }
            Ok(ask) => match seat {
                Some(seat) => self.answer(ask, seat).await,
                None => return ControlFlow::Break(()),
            },
            Err(trouble) => Err(trouble),
        };
        if let Err(trouble) = answer {
            self.outbox.send(&Outbound::Error(trouble.problem(inbound.n)));
        }
        ControlFlow::Continue(())
    }

    async fn answer(&self, ask: Ask, seat: &mut Seat) -> Result<(), Trouble> {
        match ask {
            Ask::Chat { text, n } => {
                if let Some(again) = seat.say(n, &text).await? {
                    self.outbox.send(&again);
                }
            }
            Ask::Typing(typing) => seat.typing(typing).await?,
            Ask::LivekitToken => {
                let pass = seat.pass().await?;
                let (room, identity) = (seat.room().as_str(), seat.member().0);
                self.outbox.send(&Outbound::LivekitToken { token: &pass.token, livekit_url: &pass.url, room, identity });
            }
            Ask::Ping => self.outbox.send(&Outbound::Pong),
            Ask::Resume { .. } => return Err(Trouble::BadFrame("resume is good as the first frame only".into())),
            Ask::Leave => {}
        }
        Ok(())
    }

    async fn leave(&self, seat: &mut Option<Seat>) {
        if let Some(seat) = seat.take() {
            seat.leave().await;
        }
    }

    /// What the peer sent is not WebSocket, or too much of it.
    fn stumble(&self, error: &Error) -> ControlFlow<()> {
        match error {
            Error::Capacity(_) => {
                self.outbox.send(&Outbound::Error(Trouble::FrameTooBig.problem(None)));
                self.outbox.close(&Trouble::FrameTooBig);
            }
            Error::Utf8(_) => self.outbox.close(&Trouble::BadText),
            Error::Protocol(_) => self.outbox.close(&Trouble::BadProtocol),
            _ => {}
        }
        ControlFlow::Break(())
    }
}

/// The text of the first data frame.
async fn first_text(socket: &mut WebSocketStream<Stream>) -> Result<String, Option<Trouble>> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
            Some(Ok(Message::Binary(_))) => return Err(Some(Trouble::BinaryFrame)),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(Error::Capacity(_))) => return Err(Some(Trouble::FrameTooBig)),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(None),
        }
    }
}
