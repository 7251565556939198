//! The HTTP interface: the list of addresses, the layers that every request passes, and the handlers.

mod accept;
mod account;
mod authorization;
mod body;
mod client_address;
mod cookies;
mod disposition;
mod file;
mod gate;
mod guards;
mod hosting;
mod layers;
mod long_poll;
mod origin;
mod page;
mod preview;
mod query;
mod response;
mod room;
mod route;
mod stream;

use std::{future::pending, net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::{
    Method, Request,
    body::Body,
    header::{AUTHORIZATION, HeaderName},
};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tower::BoxError;

use self::route::{AccountRoute, Handler, Route};
pub use self::{
    gate::{Client, Gate, Overflow},
    layers::{Layered, layered},
    long_poll::LongPoll,
    origin::Origins,
    response::HttpResponse,
    route::api,
    stream::StreamingResponse,
};
use crate::{
    account::Accounts,
    budget::{Budgets, ClientAddr, Resource},
    hub::Hub,
    protocol::ApiError,
    receipt::ReceiptSigner,
    room::{MemberId, RoomId},
    transport::{FramePacers, hijack::HijackHandle, poll::Pollers},
};

/// The address at the other end of the connection; the server adds it to every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// How long a join without a ticket continues for a client that has closed its side.
const HALF_CLOSED: Duration = Duration::from_secs(2);

/// The largest request body, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// What a LiveKit token is asked for.
#[derive(Default, Deserialize)]
#[serde(default, expecting = "one JSON object")]
struct LiveKitTokenRequest {
    /// To test the connection, and not to join the call.
    test: bool,
}

/// The state that handlers share.
pub struct AppState {
    /// This node.
    pub hub: Arc<Hub>,
    /// Which hosts and origins are allowed.
    pub origins: Origins,
    /// Accounts, if they are enabled.
    pub accounts: Option<Arc<Accounts>>,
    /// Whether a login is required to join.
    pub require_login: bool,
    /// How many proxies stand before this server.
    pub proxies: usize,
    /// How many frames a second a connection may send, sustained.
    pub rate: NonZeroU32,
    /// The members that poll here.
    pub pollers: Pollers,
    /// The rate limit of each member's requests.
    pub pacers: FramePacers<MemberId>,
    /// The rate limit of messages without a ticket, for each address in each room.
    pub anonymous_pacers: FramePacers<(RoomId, ClientAddr)>,
    /// What each address and this node may hold and do.
    pub budgets: Arc<Budgets>,
    /// Signs receipts; the public half of its key has an address.
    pub receipts: Arc<ReceiptSigner>,
    /// WebSocket connections; the server waits for them when it stops.
    pub links: TaskTracker,
}

impl AppState {
    /// Answers one request.
    pub async fn answer<B>(self: Arc<Self>, mut request: Request<B>) -> HttpResponse
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin,
    {
        let path = request.uri().path().to_owned();
        let (route, room) = Route::find(&path);
        let handler = route.handler;
        // Health checks use the IP address of the moment, and their responses hold nothing that other sites could use.
        let is_probe = matches!(handler, Handler::Health | Handler::Ready);
        let named = if is_probe { Ok(()) } else { origin::check_name(&request, &self.origins) };
        if let Err(error) = origin::check_host(&request).and(named) {
            return response::refuse(&error);
        }
        if !route.allows(request.method()) {
            // An address that does not exist is 404 in any method.
            let unknown = handler == Handler::Asset && !page::exists(&path);
            return if unknown {
                response::refuse(&ApiError::NotFound)
            } else {
                response::not_that_way(route.methods)
            };
        }
        let comes_back = handler == Handler::Events && stream::comes_back(&request);
        let refuse = if comes_back { stream::put_off } else { response::refuse };
        if let Some(Overflow(error)) = request.extensions().get()
            && !matches!(handler, Handler::Health | Handler::Ready | Handler::Metrics)
        {
            return refuse(error);
        }
        let patience = route.patience();
        let gone = gone(handler, &request);
        // Boxed except for the poll: it may wait for a minute, and its future should not hold room for the other
        // handlers.
        let answering = async {
            match handler {
                Handler::Page => Ok(page::index(&request, &self.origins)),
                Handler::Terminal => Ok(Box::pin(self.terminal(room, request)).await),
                Handler::Socket => Box::pin(guards::socket(self, &mut request)).await,
                Handler::Room => Box::pin(self.room(room, &request)).await,
                Handler::Rooms => Box::pin(self.join(None, request)).await,
                Handler::Join => Box::pin(self.join(Some(room), request)).await,
                Handler::Messages if request.method() == Method::POST => {
                    Box::pin(self.publish(room, request)).await
                }
                Handler::Messages => self.poll(room, request).await,
                Handler::Events => Box::pin(self.events(room, &request)).await,
                Handler::Typing => Box::pin(self.typing(room, request)).await,
                Handler::Files => Box::pin(self.open_file(room, request)).await,
                Handler::File => {
                    let file = path.rsplit('/').next().unwrap_or_default();
                    Box::pin(self.file(room, file, request)).await
                }
                Handler::Host => Box::pin(self.host(room, request)).await,
                Handler::Invites => Box::pin(self.invites(room, request)).await,
                Handler::Invite => {
                    let invite = path.rsplit('/').next().unwrap_or_default();
                    Box::pin(self.revoke(room, invite, request)).await
                }
                Handler::Leave => Box::pin(self.leave(room, request)).await,
                Handler::LiveKitToken => Box::pin(self.livekit_token(room, request)).await,
                Handler::LiveKit => Box::pin(self.livekit(request)).await,
                Handler::Health => Ok(response::text("ok\n")),
                Handler::Ready => Box::pin(self.readiness()).await,
                Handler::Metrics => Ok(self.metrics()),
                Handler::ReceiptKey => Ok(response::key_set(self.receipts.jwks())),
                Handler::Account(AccountRoute::Register | AccountRoute::Login)
                    if request.method() != Method::POST =>
                {
                    Ok(page::index(&request, &self.origins))
                }
                Handler::Visitor => Box::pin(self.visitor(&request)).await,
                Handler::Account(route) => Box::pin(self.account(route, request)).await,
                Handler::Document(text) => Ok(response::yaml(text)),
                Handler::Asset => page::asset(&path, &request, &self.origins),
            }
        };
        let result = tokio::select! {
            biased;
            result = timeout(patience, answering) => result.unwrap_or(Err(ApiError::Timeout)),
            () = gone => Ok(response::nothing()),
        };
        result.unwrap_or_else(|error| refuse(&error))
    }

    async fn livekit_token<B>(
        &self,
        room: &str,
        mut request: Request<B>,
    ) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        guards::check_origin(&request, &self.origins)?;
        let body = body::whole(request.body_mut(), BODY_LIMIT).await?;
        let room = room_id(room)?;
        let ticket = guards::ticket(&request).ok_or(ApiError::NoTicket)?;
        let member = self.ticket_holder(&self.usage(&request), &room, ticket).await?.member;
        self.pacers.check(&member).await?;
        if body::object_or_default::<LiveKitTokenRequest>(&body)?.test {
            let livekit = self.hub.connection_test_token(&room, member).await?;
            let shape = serde_json::json!({ "token": livekit.token, "livekitUrl": livekit.url });
            return Ok(response::json(&shape));
        }
        let livekit = self.hub.livekit_token(&room, member).await?;
        let shape = serde_json::json!({
            "token": livekit.token, "livekitUrl": livekit.url, "room": room.as_str(), "identity": member.to_string(),
        });
        Ok(response::json(&shape))
    }

    /// An event of LiveKit's, signed over the bytes of the body.
    async fn livekit<B>(&self, mut request: Request<B>) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        let body = body::whole(request.body_mut(), BODY_LIMIT).await?;
        let body = std::str::from_utf8(&body).map_err(|_| ApiError::BadText)?;
        self.hub.webhook_event(body, header(&request, AUTHORIZATION).unwrap_or_default()).await?;
        Ok(response::text("ok\n"))
    }

    async fn readiness(&self) -> Result<HttpResponse, ApiError> {
        match (self.hub.is_stopping(), self.hub.ready()) {
            (true, _) => return Err(ApiError::Stopping),
            (false, false) => return Err(ApiError::StoreUnavailable),
            (false, true) => {}
        }
        // If the database is unavailable, guests can still join, unless a login is required.
        if let Some(accounts) = self.accounts.as_ref().filter(|_| self.require_login) {
            accounts.ready().await?;
        }
        let warnings =
            self.hub.warnings().into_iter().map(|warning| format!("warning: {warning}\n"));
        Ok(response::text(format!("ready\n{}", warnings.collect::<String>())))
    }

    fn metrics(&self) -> HttpResponse {
        let (rooms, sessions) = self.hub.counts();
        let held = |resource| self.budgets.held(resource);
        let gauges = [
            ("rooms", "Rooms with sessions at this node", rooms),
            ("sessions", "Sessions at this node", sessions),
            // The name before 0.2, for one release.
            ("seats", "Old name of sessions", sessions),
            ("connections", "Connections that this node holds", held(Resource::Connections)),
            (
                "text_bytes",
                "Bytes of the messages in living rooms, as budgets count them",
                held(Resource::Text),
            ),
            (
                "file_bytes",
                "Bytes of the files in living rooms, as budgets count them",
                held(Resource::Files),
            ),
            (
                "unread_bytes",
                "Bytes that wait for clients that do not read",
                held(Resource::Unread),
            ),
        ];
        let hashes = self.accounts.as_ref().map(|accounts| accounts.hashes());
        response::metrics(&gauges, hashes, &self.hub.repair_counts(), self.budgets.refusals())
    }
}

/// Waits until the peer of a request that takes a session is gone. Its next connection may have the session by then,
/// and a guest that is gone must not become a member. Never ends if the request takes no session.
fn gone<B>(handler: Handler, request: &Request<B>) -> impl Future<Output = ()> + use<B> {
    let takes_a_seat = match handler {
        Handler::Messages | Handler::Terminal => request.method() == Method::GET,
        Handler::Rooms | Handler::Join | Handler::Events => true,
        _ => false,
    };
    let hijack_handle =
        request.extensions().get::<HijackHandle>().filter(|_| takes_a_seat).cloned();
    let by_ticket = guards::ticket(request).is_some();
    async move {
        match hijack_handle {
            Some(hijack_handle) => hijack_handle.closed().await,
            None => pending().await,
        }
        // A client may close its side after the request and still read. Without a ticket no session is at stake, so it
        // gets a moment.
        if !by_ticket {
            sleep(HALF_CLOSED).await;
        }
    }
}

/// The room in an address: percent-decoded, then checked.
fn room_id(segment: &str) -> Result<RoomId, ApiError> {
    let text =
        percent_decode_str(segment).decode_utf8().map_err(|_| crate::room::RoomError::BadRoom)?;
    Ok(text.parse()?)
}

/// A header as text.
fn header<B>(request: &Request<B>, name: impl Into<HeaderName>) -> Option<&str> {
    request.headers().get(name.into()).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_poll_carries_no_room_for_other_requests() {
        fn size<A, B, F: Future>(_: impl Fn(A, B) -> F) -> usize {
            size_of::<F>()
        }
        let size = size(AppState::answer::<hyper::body::Incoming>);
        assert!(size <= 2700, "{size}");
    }

    #[test]
    fn rooms_in_addresses_are_decoded_once() {
        assert_eq!(room_id("%D0%BA%D0%BE%D0%BC").unwrap().as_str(), "ком");
        for bad in ["a%2Fb", "%FF", "%2541", "a%20b", ""] {
            assert_eq!(
                room_id(bad),
                Err(ApiError::Refused(crate::room::RoomError::BadRoom)),
                "{bad}"
            );
        }
    }
}
