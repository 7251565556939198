//! What the host of a room asks for by requests, its invites, and what a person is told before joining.

use bytes::Bytes;
use hyper::{Method, Request, StatusCode, body::Body};
use serde::Deserialize;
use tower::BoxError;

use super::{
    AppState, BODY_LIMIT, body, guards,
    origin::public_base,
    response::{self, HttpResponse},
    room_id,
};
use crate::{
    hub::{HostAnswer, KeepAlive},
    protocol::{
        Ack, ApiError, ClientMessage, DoorDto, InviteDto, InvitesDto, NewInviteDto, ServerMessage,
    },
    room::{HostAction, Invite, InviteId, Name, RoomError},
};

/// An invite's time, where the host gives none: a day.
const USUAL_MINUTES: u64 = 24 * 60;

/// What a host says of a new invite.
#[derive(Default, Deserialize)]
#[serde(default, expecting = "one JSON object")]
struct InviteRequest {
    minutes: Option<u64>,
    uses: Option<u32>,
    name: Option<String>,
}

impl InviteRequest {
    /// Milliseconds, people, and the name for a guest.
    fn parse(self) -> Result<((u64, u32), Option<Name>), ApiError> {
        let (minutes, uses) = (self.minutes.unwrap_or(USUAL_MINUTES), self.uses.unwrap_or(1));
        let good = (1..=Invite::MOST_MINUTES).contains(&minutes);
        if !good || !(1..=Invite::MOST_USES).contains(&uses) {
            return Err(ApiError::BadFrame(format!(
                "an invite has \"minutes\" from 1 to {} and \"uses\" from 1 to {}",
                Invite::MOST_MINUTES,
                Invite::MOST_USES
            )));
        }
        let name = self.name.filter(|name| !name.trim().is_empty());
        Ok(((minutes * 60_000, uses), name.map(|name| name.parse()).transpose()?))
    }
}

impl AppState {
    /// How many are in a room, and by which rules new members join.
    pub(super) async fn room<B>(
        &self,
        room: &str,
        request: &Request<B>,
    ) -> Result<HttpResponse, ApiError> {
        let room = room_id(room)?;
        self.usage(request).frame()?;
        let (members, rules) = self.hub.door(&room).await?;
        Ok(response::json(&DoorDto::new(&room, members, &rules)))
    }

    /// A request of the host.
    pub(super) async fn host<B>(
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
        let done = async {
            let (room, who, mut keep_alive) = self.hear(&usage, room, ticket).await?;
            let ClientMessage::Host { request, n } = inbound.ask? else {
                return Err(ApiError::BadFrame(
                    "this address takes kick, lock, admit, refuse, host, burn, lifetime, history, topic, mute, hush, \
                     invite-only or revoke"
                        .into(),
                ));
            };
            let answer = self.hub.host_request(&room, who.member, *request).await?;
            keep_alive.iter_mut().for_each(KeepAlive::accept);
            Ok(match answer {
                HostAnswer::Done(ack) => ServerMessage::Ack(Ack { n, ..ack }).to_json(),
                HostAnswer::Burned(receipt) => {
                    ServerMessage::Receipt { receipt: &receipt }.to_json()
                }
            })
        };
        Ok(match done.await {
            Ok(json) => response::written(json.into()),
            Err(error) => response::refuse_send(&error, given),
        })
    }

    /// Makes an invite, or lists those that are still good.
    pub(super) async fn invites<B>(
        &self,
        room: &str,
        mut request: Request<B>,
    ) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        guards::check_origin(&request, &self.origins)?;
        let makes = request.method() == Method::POST;
        let wish = match makes {
            true => body::object_or_default(&body::whole(request.body_mut(), BODY_LIMIT).await?)?,
            false => InviteRequest::default(),
        };
        let usage = self.usage(&request);
        let ticket = guards::ticket(&request).map(str::to_owned);
        let (room, who, mut keep_alive) = self.hear(&usage, room, ticket).await?;
        let mut answer = if makes {
            let (size, name) = wish.parse()?;
            let (invite, text) =
                self.hub.make_invite(&room, who.member, size, name.as_ref()).await?;
            let base = public_base(&request, &self.origins).unwrap_or_default();
            response::json(&NewInviteDto::new(&base, &room, &invite, &text))
        } else {
            let invites = self.hub.invites(&room, who.member).await?;
            response::json(&InvitesDto { invites: invites.iter().map(InviteDto::from).collect() })
        };
        if makes {
            *answer.status_mut() = StatusCode::CREATED;
        }
        keep_alive.iter_mut().for_each(KeepAlive::accept);
        Ok(answer)
    }

    /// Takes an invite back.
    pub(super) async fn revoke<B>(
        &self,
        room: &str,
        invite: &str,
        request: Request<B>,
    ) -> Result<HttpResponse, ApiError> {
        guards::check_origin(&request, &self.origins)?;
        let usage = self.usage(&request);
        let ticket = guards::ticket(&request).map(str::to_owned);
        let (room, who, mut keep_alive) = self.hear(&usage, room, ticket).await?;
        let id: InviteId = invite.parse().map_err(|_: RoomError| RoomError::BadInvite)?;
        self.hub.decide(&room, who.member, &HostAction::Revoke(id)).await?;
        keep_alive.iter_mut().for_each(KeepAlive::accept);
        Ok(response::nothing())
    }
}
