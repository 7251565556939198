//! A room by requests: join, poll, send, type, leave.

use std::time::Duration;

use bytes::Bytes;
use hyper::{Request, body::Body};
use serde::Deserialize;
use tokio::time::Instant;
use tower::BoxError;

use super::{
    AppState, BODY_LIMIT, body,
    cookies::Login,
    guards,
    query::{self, JoinQuery},
    response::{self, HttpResponse},
    room_id,
};
use crate::{
    budget::Usage,
    hub::{JoinRequest, KeepAlive},
    protocol::{Ack, ApiError, ClientFrame, ClientMessage, ServerMessage, Timestamp, True},
    room::{PublishResult, RoomError, RoomId},
    ticket::Claims,
};

/// The longest a poll may wait.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A ticket where the client can send no header, whether the page only unloads, and whether the client wants the
/// receipt, should it be the last member.
#[derive(Default, Deserialize)]
#[serde(default, expecting = "one JSON object")]
struct LeaveBody {
    ticket: Option<String>,
    unload: bool,
    receipt: bool,
}

impl AppState {
    /// Joins a member that polls; without a room, in a new one with a generated id.
    pub(super) async fn join<B>(
        &self,
        room: Option<&str>,
        mut request: Request<B>,
    ) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        guards::check_origin(&request, &self.origins)?;
        let login = Login::of(&request);
        let wish: JoinQuery =
            body::object_or_default(&body::whole(request.body_mut(), BODY_LIMIT).await?)?;
        let usage = self.usage(&request);
        let room = room.map_or_else(|| Ok(RoomId::generate()), room_id)?;
        let invite = wish.invite();
        let (name, cursor) = wish.parse()?;
        let ticket = guards::ticket(&request).map(str::to_owned);
        let name = self.resolve_name(&usage, login, name).await?;
        let (usage, waits) = (Some(usage), false);
        let join_request = JoinRequest { usage, room, name, cursor, ticket, invite, waits };
        Ok(response::written(self.pollers.join(join_request).await?))
    }

    /// Returns what has happened since a cursor.
    pub(super) async fn poll<B>(
        &self,
        room: &str,
        request: Request<B>,
    ) -> Result<HttpResponse, ApiError> {
        guards::check_origin(&request, &self.origins)?;
        let (mut after, mut wait) = (None, Duration::ZERO);
        for (key, value) in query::parameters(&request) {
            match &*key {
                "after" => after = Some(value).filter(|after| !after.is_empty()),
                "wait" => wait = seconds(&value)?,
                _ => {}
            }
        }
        let after = after.map(|after| after.parse()).transpose()?;
        let (room, ticket) =
            (room_id(room)?, guards::ticket(&request).ok_or(ApiError::NoTicket)?.to_owned());
        let (began, usage) = (Instant::now(), self.usage(&request));
        // Its headers are slices of the buffer that hyper read them into, and would keep the whole buffer.
        drop(request);
        let who = match Box::pin(self.ticket_holder(&usage, &room, &ticket)).await {
            // The room of that member is gone, perhaps because its host has ended it. Another may have its name by now.
            Err(error @ (ApiError::Refused(RoomError::NotMember) | ApiError::BadTicket)) => {
                let last = Box::pin(self.pollers.after_the_end(&room, &ticket)).await?;
                return last.map(response::written).ok_or(error);
            }
            who => who?,
        };
        Box::pin(self.pacers.check(&who.member)).await?;
        let answer =
            self.pollers.poll(&room, &ticket, &who, after, wait, (began, Some(&usage))).await?;
        Ok(answer.map_or_else(response::nothing, response::written))
    }

    /// Sends a message for a member.
    pub(super) async fn publish<B>(
        &self,
        room: &str,
        request: Request<B>,
    ) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        let usage = self.usage(&request);
        let (ticket, inbound) = self.read_message(request).await?;
        let given = inbound.n;
        let said = async {
            let (room, who, mut keep_alive) = self.hear(&usage, room, ticket).await?;
            let entry = match inbound.ask?.entry() {
                Ok(entry) => entry,
                Err(ClientMessage::Rename { user, n }) => {
                    let ack = Box::pin(self.hub.rename(&room, &who, &user)).await?;
                    keep_alive.iter_mut().for_each(KeepAlive::accept);
                    return Ok(ServerMessage::Ack(Ack { n, ..ack }));
                }
                Err(_) => {
                    return Err(ApiError::BadFrame(
                        "this address takes a chat, react, edit, delete or rename".into(),
                    ));
                }
            };
            let PublishResult { n, seq, at, repeated } =
                self.hub.publish(&room, &who, entry, &usage).await?;
            keep_alive.iter_mut().for_each(KeepAlive::accept);
            Ok(ServerMessage::Ack(Ack {
                n: Some(n),
                seq: Some(seq),
                timestamp: Timestamp(at),
                cursor: None,
                duplicate: True::when(repeated),
            }))
        };
        Ok(match said.await {
            Ok(ack) => response::written(ack.to_json().into()),
            Err(error) => response::refuse_send(&error, given),
        })
    }

    /// Tells the other members that a member types or has stopped.
    pub(super) async fn typing<B>(
        &self,
        room: &str,
        request: Request<B>,
    ) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        let usage = self.usage(&request);
        let (ticket, inbound) = self.read_message(request).await?;
        let began = Instant::now();
        let (room, who, mut keep_alive) = self.hear(&usage, room, ticket).await?;
        let ClientMessage::Typing { typing } = inbound.ask? else {
            return Err(ApiError::BadFrame(
                "this address takes {\"typing\":true} or {\"typing\":false}".into(),
            ));
        };
        self.hub.typing(&room, &who, typing, began).await?;
        keep_alive.iter_mut().for_each(KeepAlive::accept);
        Ok(response::nothing())
    }

    /// Frees a member's session, or notes that its page unloads and may only be reloading. A page that is being closed
    /// can send no header, only a body.
    pub(super) async fn leave<B>(
        &self,
        room: &str,
        mut request: Request<B>,
    ) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        guards::check_origin(&request, &self.origins)?;
        let body = body::whole(request.body_mut(), BODY_LIMIT).await?;
        let began = Instant::now();
        let room = room_id(room)?;
        self.usage(&request).frame()?;
        let header = guards::ticket(&request);
        let body = match body::object_or_default::<LeaveBody>(&body) {
            // A client with a ticket in the header needs no body.
            Err(_) if header.is_some() => LeaveBody::default(),
            body => body?,
        };
        let ticket = header.or(body.ticket.as_deref()).ok_or(ApiError::NoTicket)?;
        let end = match body.unload {
            true => {
                self.hub.unload(&room, ticket).await?;
                None
            }
            false => self.hub.leave_by_ticket(&room, ticket, began).await?,
        };
        Ok(match end.filter(|_| body.receipt) {
            Some(end) => {
                let receipt = self.hub.receipt(&end).await;
                response::written(ServerMessage::Receipt { receipt: &receipt }.to_json().into())
            }
            None => response::nothing(),
        })
    }

    /// A message or typing state from a request's body, and the ticket that came with it.
    pub(super) async fn read_message<B>(
        &self,
        mut request: Request<B>,
    ) -> Result<(Option<String>, ClientFrame), ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        guards::check_origin(&request, &self.origins)?;
        let body = body::whole(request.body_mut(), BODY_LIMIT).await?;
        let text = std::str::from_utf8(&body).map_err(|_| ApiError::BadText)?;
        let inbound = ClientFrame::parse(if text.trim().is_empty() { "{}" } else { text });
        Ok((guards::ticket(&request).map(str::to_owned), inbound))
    }

    /// The holder of a ticket. If this node cannot verify it alone, asking the store counts as a frame.
    pub(super) async fn ticket_holder(
        &self,
        usage: &Usage,
        room: &RoomId,
        ticket: &str,
    ) -> Result<Claims, ApiError> {
        if !self.hub.serves(room) {
            usage.frame()?;
        }
        self.hub.ticket_holder(room, ticket).await
    }

    /// Verifies and rate-limits a member's request. A request that is refused after this renews nothing.
    pub(super) async fn hear(
        &self,
        usage: &Usage,
        room: &str,
        ticket: Option<String>,
    ) -> Result<(RoomId, Claims, Option<KeepAlive>), ApiError> {
        let (room, who) = self.sender(usage, room, ticket).await?;
        self.pacers.check(&who.member).await?;
        let keep_alive = self.pollers.hear(&who);
        Ok((room, who, keep_alive))
    }

    /// The member that sends a request.
    pub(super) async fn sender(
        &self,
        usage: &Usage,
        room: &str,
        ticket: Option<String>,
    ) -> Result<(RoomId, Claims), ApiError> {
        let room = room_id(room)?;
        // Before the store is asked for the holder.
        usage.frame()?;
        let who = self.hub.ticket_holder(&room, &ticket.ok_or(ApiError::NoTicket)?).await?;
        Ok((room, who))
    }
}

/// Parses how long to wait.
fn seconds(given: &str) -> Result<Duration, ApiError> {
    // No sign, no fraction, no unit.
    let digits = given.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = given.parse().ok().filter(|_| digits).map(Duration::from_secs);
    seconds.filter(|wait| *wait <= LONGEST_WAIT).ok_or(ApiError::BadWait)
}
