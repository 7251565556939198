//! The checks before a client joins: origin, ticket, login, upgrade.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use hyper::{
    Request, Version,
    header::{ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION},
};

use super::{
    AppState, Client,
    cookies::Login,
    header,
    query::{self, JoinQuery},
    response::{self, HttpResponse},
};
pub(super) use super::{authorization::ticket, client_address::address, origin::check_origin};
use crate::{
    account::AccountError,
    budget::Usage,
    hub::JoinRequest,
    protocol::ApiError,
    room::{Name, RoomId},
    transport::ws,
};

impl AppState {
    /// The name under which a client joins: its account's, or without a login the given one, unless an account owns
    /// that. Every join calls this.
    pub(super) async fn resolve_name(
        &self,
        usage: &Usage,
        login: Login,
        given: Option<Name>,
    ) -> Result<Option<Name>, ApiError> {
        let Some(accounts) = &self.accounts else { return Ok(given) };
        // Before any query to the database.
        usage.frame()?;
        if !login.is_empty() {
            match login.first_good(accounts).await {
                Ok((account, _)) => return Ok(Some(account.name.verified())),
                // A client whose cookie has expired joins as a guest.
                Err(AccountError::NotLoggedIn) if !login.deliberate => {}
                Err(other) => return Err(other.into()),
            }
        }
        if self.require_login {
            return Err(ApiError::LoginRequired);
        }
        match &given {
            Some(name) if accounts.is_taken(name).await? => Err(ApiError::NameTaken),
            _ => Ok(given),
        }
    }
}

impl AppState {
    /// The budgets of the client's address.
    pub(super) fn usage<B>(&self, request: &Request<B>) -> Arc<Usage> {
        match request.extensions().get::<Client>() {
            Some(client) => Arc::clone(&client.usage),
            None => self.budgets.usage(address(request, self.proxies).into()),
        }
    }
}

/// `/ws`: checks the upgrade and passes the connection to the transport. Errors of the room or the name are sent over
/// the socket, because a page cannot read a refused upgrade.
pub(super) async fn socket<B: Send>(
    edge: Arc<AppState>,
    request: &mut Request<B>,
) -> Result<HttpResponse, ApiError> {
    check_origin(request, &edge.origins)?;
    let version = header(request, SEC_WEBSOCKET_VERSION) == Some("13");
    let key = header(request, SEC_WEBSOCKET_KEY).and_then(|key| BASE64_STANDARD.decode(key).ok());
    // RFC 6455, section 4.1: HTTP/1.1 or higher. Before that there were no upgrades (RFC 9110, section 7.8).
    let old = request.version() < Version::HTTP_11;
    if old
        || !hyper_tungstenite::is_upgrade_request(request)
        || !version
        || key.is_none_or(|key| key.len() != 16)
    {
        return Err(ApiError::UpgradeRequired);
    }
    // A proxy takes a refused request to another node; an accepted connection would stay at this one.
    if edge.hub.is_stopping() {
        return Err(edge.hub.come_back());
    }
    let (mut room, mut resume, mut wish) = (None, false, JoinQuery::default());
    for (key, value) in query::parameters(request) {
        match &*key {
            "room" => room = Some(value).filter(|room| !room.is_empty()),
            "resume" => resume = value == "1" || value == "true",
            key => wish.take(key, value, "cursor"),
        }
    }
    let usage = edge.usage(request);
    let join_request = || -> Result<JoinRequest, ApiError> {
        let room = room.map_or_else(|| Ok(RoomId::generate()), |room| room.parse())?;
        let invite = wish.invite();
        let (name, cursor) = wish.parse()?;
        let ticket = ticket(request).map(str::to_owned);
        let usage = Some(Arc::clone(&usage));
        Ok(JoinRequest { usage, room, name, cursor, ticket, invite, waits: true })
    };
    let mut join_request = join_request();
    let (login, is_page) = (Login::of(request), request.headers().contains_key(ORIGIN));
    if let Ok(wanted) = &mut join_request {
        match edge.resolve_name(&usage, login, wanted.name.take()).await {
            Ok(name) => wanted.name = name,
            Err(error) if !is_page && error.status() == 401 => return Err(error),
            Err(error) => join_request = Err(error),
        }
    }
    let opening = ws::UpgradeParams { join_request, resume, rate: edge.rate, usage };
    let (answer, upgraded) = hyper_tungstenite::upgrade(request, Some(ws::settings()))
        .map_err(|_| ApiError::UpgradeRequired)?;
    edge.links.spawn(ws::serve(Arc::clone(&edge.hub), upgraded, opening));
    Ok(answer.map(|_| response::whole(Bytes::new())))
}
