//! The HTTP interface: the list of addresses, the layers that every request passes, and the handlers.

mod accept;
mod account;
mod client_address;
mod cookies;
mod gate;
mod guards;
mod layers;
mod long_poll;
mod origin;
mod page;
mod preview;
mod response;
mod room;
mod stream;

use std::{future::pending, net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    Method, Request,
    body::Body,
    header::{AUTHORIZATION, HeaderName},
};
use percent_encoding::percent_decode_str;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tower::BoxError;

use self::account::AccountRoute;
pub use self::{
    gate::{Client, Gate, Overflow},
    layers::{Layered, layered},
    long_poll::LongPoll,
    origin::Origins,
    response::HttpResponse,
    stream::StreamingResponse,
};
use crate::{
    account::{Accounts, PATIENCE},
    budget::{Budgets, ClientAddr, Resource},
    hub::Hub,
    protocol::ApiError,
    room::{MemberId, RoomId},
    transport::{FramePacers, hijack::HijackHandle, poll::Pollers},
};

/// The descriptions of this server's interfaces, for programs.
const OPENAPI: &str = include_str!("../../docs/openapi.yaml");
const ASYNCAPI: &str = include_str!("../../docs/asyncapi.yaml");

/// The address at the other end of the connection; the server adds it to every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// How long the head of a response may take, where the request does not wait for anything.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a join without a ticket continues for a client that has closed its side.
const HALF_CLOSED: Duration = Duration::from_secs(2);

/// The largest request body, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

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
    pub paces: FramePacers<MemberId>,
    /// The rate limit of messages without a ticket, for each address in each room.
    pub strangers: FramePacers<(RoomId, ClientAddr)>,
    /// What each address and this node may hold and do.
    pub budgets: Arc<Budgets>,
    /// WebSocket connections; the server waits for them when it stops.
    pub links: TaskTracker,
}

/// An address. One variant each, so that a wrong method (405) differs from an address that does not exist (404).
#[derive(Clone, PartialEq, Eq, Debug)]
enum Address<'a> {
    Page,
    Terminal(&'a str),
    Socket,
    Room(&'a str),
    Rooms,
    Join(&'a str),
    Messages(&'a str),
    Events(&'a str),
    Typing(&'a str),
    Leave(&'a str),
    Pass(&'a str),
    LiveKit,
    Health,
    Ready,
    Metrics,
    AccountRoute(AccountRoute),
    Visitor,
    Document(&'static str),
    Asset(&'a str),
}

impl<'a> Address<'a> {
    fn of(path: &'a str) -> Self {
        // Only one slash is stripped: a proxy that blocks an address compares it as it is written.
        let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        match segments[..] {
            [""] | ["transports"] | ["account"] => Self::Page,
            ["r", room] => Self::Terminal(room),
            ["ws"] => Self::Socket,
            ["api", "rooms", room] => Self::Room(room),
            ["api", "rooms"] => Self::Rooms,
            ["api", "rooms", room, "join"] => Self::Join(room),
            ["api", "rooms", room, "messages"] => Self::Messages(room),
            ["api", "rooms", room, "events"] => Self::Events(room),
            ["api", "rooms", room, "typing"] => Self::Typing(room),
            ["api", "rooms", room, "leave"] => Self::Leave(room),
            ["api", "rooms", room, "livekit-token"] => Self::Pass(room),
            ["api", "visitor"] => Self::Visitor,
            ["api", "openapi.yaml"] => Self::Document(OPENAPI),
            ["api", "asyncapi.yaml"] => Self::Document(ASYNCAPI),
            ["livekit", "webhook"] => Self::LiveKit,
            ["healthz"] => Self::Health,
            ["readyz"] => Self::Ready,
            ["metrics"] => Self::Metrics,
            ["register"] => Self::AccountRoute(AccountRoute::Register),
            ["login"] => Self::AccountRoute(AccountRoute::Login),
            ["logout"] => Self::AccountRoute(AccountRoute::Logout),
            ["me"] => Self::AccountRoute(AccountRoute::Me),
            ["me", "password"] => Self::AccountRoute(AccountRoute::Password),
            _ => Self::Asset(path),
        }
    }

    fn allows(&self, method: &Method) -> bool {
        self.allowed().split(", ").any(|allowed| allowed == method.as_str())
    }

    fn allowed(&self) -> &'static str {
        match self {
            Self::Rooms | Self::Join(_) | Self::Typing(_) | Self::Leave(_) | Self::Pass(_) | Self::LiveKit => "POST",
            Self::AccountRoute(desk) => desk.allowed(),
            // A HEAD would take the same effort as the GET and return nothing.
            Self::Socket | Self::Events(_) => "GET",
            Self::Messages(_) => "GET, POST",
            Self::Terminal(_) => "GET, HEAD, POST",
            _ => "GET, HEAD",
        }
    }

    /// How long the head of a response may take.
    fn patience(&self) -> Duration {
        match self {
            Self::Messages(_) => TIMEOUT + room::LONGEST_WAIT,
            Self::AccountRoute(_) => TIMEOUT + PATIENCE,
            _ => TIMEOUT,
        }
    }
}

impl AppState {
    /// Answers one request.
    pub async fn answer<B>(self: Arc<Self>, mut request: Request<B>) -> HttpResponse
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin,
    {
        let path = request.uri().path().to_owned();
        let address = Address::of(&path);
        // Health checks use the IP address of the moment, and their responses hold nothing that other sites could use.
        let is_probe = matches!(address, Address::Health | Address::Ready);
        let named = if is_probe { Ok(()) } else { origin::check_name(&request, &self.origins) };
        if let Err(trouble) = origin::check_host(&request).and(named) {
            return response::refuse(&trouble);
        }
        if !address.allows(request.method()) {
            // An address that does not exist is 404 in any method.
            let unknown = matches!(address, Address::Asset(path) if !page::exists(path));
            return if unknown { response::refuse(&ApiError::NotFound) } else { response::not_that_way(address.allowed()) };
        }
        let comes_back = matches!(address, Address::Events(_)) && stream::comes_back(&request);
        let refuse = if comes_back { stream::put_off } else { response::refuse };
        if let Some(Overflow(trouble)) = request.extensions().get()
            && !matches!(address, Address::Health | Address::Ready | Address::Metrics)
        {
            return refuse(trouble);
        }
        let patience = address.patience();
        let gone = gone(&address, &request);
        // Boxed except for the poll: it may wait for a minute, and its future should not hold room for the other
        // handlers.
        let answering = async {
            match address {
                Address::Page => Ok(page::index(&request, &self.origins)),
                Address::Terminal(room) => Ok(Box::pin(self.terminal(room, request)).await),
                Address::Socket => Box::pin(guards::socket(self, &mut request)).await,
                Address::Room(room) => Box::pin(self.room(room, &request)).await,
                Address::Rooms => Box::pin(self.join(None, request)).await,
                Address::Join(room) => Box::pin(self.join(Some(room), request)).await,
                Address::Messages(room) if request.method() == Method::POST => Box::pin(self.say(room, request)).await,
                Address::Messages(room) => self.poll(room, request).await,
                Address::Events(room) => Box::pin(self.events(room, &request)).await,
                Address::Typing(room) => Box::pin(self.typing(room, request)).await,
                Address::Leave(room) => Box::pin(self.leave(room, request)).await,
                Address::Pass(room) => Box::pin(self.pass(room, request)).await,
                Address::LiveKit => Box::pin(self.livekit(request)).await,
                Address::Health => Ok(response::text("ok\n")),
                Address::Ready => Box::pin(self.readiness()).await,
                Address::Metrics => Ok(self.metrics()),
                Address::AccountRoute(AccountRoute::Register | AccountRoute::Login) if request.method() != Method::POST => {
                    Ok(page::index(&request, &self.origins))
                }
                Address::Visitor => Box::pin(self.visitor(&request)).await,
                Address::AccountRoute(desk) => Box::pin(self.desk(desk, request)).await,
                Address::Document(text) => Ok(response::yaml(text)),
                Address::Asset(path) => page::asset(path, &request, &self.origins),
            }
        };
        let result = tokio::select! {
            biased;
            result = timeout(patience, answering) => result.unwrap_or(Err(ApiError::Timeout)),
            () = gone => Ok(response::nothing()),
        };
        result.unwrap_or_else(|trouble| refuse(&trouble))
    }

    async fn room<B>(&self, room: &str, request: &Request<B>) -> Result<HttpResponse, ApiError> {
        let room = room_id(room)?;
        self.usage(request).frame()?;
        let members = self.hub.count(&room).await?;
        Ok(response::json(&serde_json::json!({ "room": room.as_str(), "members": members })))
    }

    async fn pass<B>(&self, room: &str, mut request: Request<B>) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        guards::check_origin(&request, &self.origins)?;
        body(request.body_mut()).await?;
        let room = room_id(room)?;
        let ticket = guards::ticket(&request).ok_or(ApiError::NoTicket)?;
        let member = self.ticket_holder(&self.usage(&request), &room, ticket).await?.member;
        self.paces.word(&member).await?;
        let pass = self.hub.pass(&room, member).await?;
        let shape = serde_json::json!({
            "token": pass.token, "livekitUrl": pass.url, "room": room.as_str(), "identity": member.to_string(),
        });
        Ok(response::json(&shape))
    }

    /// An event of LiveKit's, signed over the bytes of the body.
    async fn livekit<B>(&self, mut request: Request<B>) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        let body = body(request.body_mut()).await?;
        let body = std::str::from_utf8(&body).map_err(|_| ApiError::BadText)?;
        self.hub.report(body, header(&request, AUTHORIZATION).unwrap_or_default()).await?;
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
        let warnings = self.hub.warnings().into_iter().map(|warning| format!("warning: {warning}\n"));
        Ok(response::text(format!("ready\n{}", warnings.collect::<String>())))
    }

    fn metrics(&self) -> HttpResponse {
        let (rooms, seats) = self.hub.counts();
        let held = |resource| self.budgets.held(resource);
        let gauges = [
            ("rooms", "Rooms with seats at this node", rooms),
            ("seats", "Seats at this node", seats),
            ("connections", "Connections that this node holds", held(Resource::Connections)),
            ("text_bytes", "Bytes said into rooms that live, as budgets count them", held(Resource::Text)),
            ("unread_bytes", "Bytes that wait for clients that do not read", held(Resource::Unread)),
        ];
        let hashes = self.accounts.as_ref().map(|accounts| accounts.hashes());
        response::metrics(&gauges, hashes, &self.hub.repair_counts(), self.budgets.refusals())
    }
}

/// Waits until the peer of a request that takes a session is gone. Its next connection may have the session by then,
/// and a guest that is gone must not become a member. Never ends if the request takes no session.
fn gone<B>(address: &Address<'_>, request: &Request<B>) -> impl Future<Output = ()> + use<B> {
    let takes_a_seat = match address {
        Address::Messages(_) | Address::Terminal(_) => request.method() == Method::GET,
        Address::Rooms | Address::Join(_) | Address::Events(_) => true,
        _ => false,
    };
    let lender = request.extensions().get::<HijackHandle>().filter(|_| takes_a_seat).cloned();
    let by_ticket = guards::ticket(request).is_some();
    async move {
        match lender {
            Some(lender) => lender.closed().await,
            None => pending().await,
        }
        // A client may close its side after the request and still read. Without a ticket no session is at stake, so it
        // gets a moment.
        if !by_ticket {
            sleep(HALF_CLOSED).await;
        }
    }
}

/// Reads a whole body, needed or not, so that the connection can go on. A body above the limit is refused.
async fn body<B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin>(body: &mut B) -> Result<Vec<u8>, ApiError> {
    // A body announced as too large is refused without reading it.
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(ApiError::BodyTooBig(BODY_LIMIT));
    }
    let (mut body, mut read) = (Limited::new(body, BODY_LIMIT), Vec::new());
    while let Some(frame) = body.frame().await {
        match frame {
            Err(error) if error.is::<LengthLimitError>() => return Err(ApiError::BodyTooBig(BODY_LIMIT)),
            Err(_) => return Err(ApiError::BadFrame("the body broke off".into())),
            Ok(frame) => read.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
        }
    }
    Ok(read)
}

/// The room in an address: percent-decoded, then checked.
fn room_id(segment: &str) -> Result<RoomId, ApiError> {
    let text = percent_decode_str(segment).decode_utf8().map_err(|_| crate::room::RoomError::BadRoom)?;
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
    fn addresses_are_found() {
        for (path, address) in [
            ("/", Address::Page),
            ("/transports", Address::Page),
            ("/account", Address::Page),
            ("/login", Address::AccountRoute(AccountRoute::Login)),
            ("/api/visitor", Address::Visitor),
            ("/r/general", Address::Terminal("general")),
            ("/ws", Address::Socket),
            ("/api/rooms/a%20b", Address::Room("a%20b")),
            ("/api/rooms/x/livekit-token", Address::Pass("x")),
            ("/livekit/webhook", Address::LiveKit),
            ("/r/a/b", Address::Asset("/r/a/b")),
            ("//metrics", Address::Asset("//metrics")),
            ("//", Address::Asset("//")),
            ("/assets/x.js", Address::Asset("/assets/x.js")),
            ("/api", Address::Asset("/api")),
        ] {
            assert_eq!(Address::of(path), address);
        }
    }

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
            assert_eq!(room_id(bad), Err(ApiError::Refused(crate::room::RoomError::BadRoom)), "{bad}");
        }
    }
}
