//! The checks before a client joins: origin, ticket, login, upgrade.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use hyper::{
    Request, Version,
    header::{AUTHORIZATION, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION},
};

use super::{
    AppState, Client,
    cookies::Login,
    header,
    response::{self, HttpResponse},
};
pub(super) use super::{client_address::address, origin::check_origin};
use crate::{
    account::AccountError,
    budget::Usage,
    hub::JoinRequest,
    protocol::ApiError,
    room::{Name, RoomId},
    transport::ws,
};

/// The ticket in `Authorization: Bearer …`.
pub(super) fn ticket<B>(request: &Request<B>) -> Option<&str> {
    ticket_holder(request).filter(|slip| !is_login(slip))
}

/// The value of `Authorization: Bearer …`: a ticket or a login token.
pub(super) fn ticket_holder<B>(request: &Request<B>) -> Option<&str> {
    let (scheme, slip) = header(request, AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(slip.trim())
}

/// Tickets and login tokens use the same header: a ticket has two parts, a login token three.
pub(super) fn is_login(slip: &str) -> bool {
    slip.split('.').count() == 3
}

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

/// The parameters of the query.
pub(super) fn query<B>(request: &Request<B>) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
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
    let (mut room, mut name, mut cursor, mut resume) = (None, None, None, false);
    for (key, value) in query(request) {
        match &*key {
            "room" => room = Some(value).filter(|room| !room.is_empty()),
            "name" => name = Some(value).filter(|name| !name.trim().is_empty()),
            "cursor" => cursor = Some(value).filter(|cursor| !cursor.is_empty()),
            "resume" => resume = value == "1" || value == "true",
            _ => {}
        }
    }
    let usage = edge.usage(request);
    let join_request = || -> Result<JoinRequest, ApiError> {
        Ok(JoinRequest {
            usage: Some(Arc::clone(&usage)),
            room: room.map_or_else(|| Ok(RoomId::generate()), |room| room.parse())?,
            name: name.map(|name| name.parse::<Name>()).transpose()?,
            cursor: cursor.map(|cursor| cursor.parse()).transpose()?,
            ticket: ticket(request).map(str::to_owned),
        })
    };
    let mut join_request = join_request();
    let (login, is_page) = (Login::of(request), request.headers().contains_key(ORIGIN));
    if let Ok(welcome) = &mut join_request {
        match edge.resolve_name(&usage, login, welcome.name.take()).await {
            Ok(name) => welcome.name = name,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_and_login_tokens_are_told_apart() {
        let ask = |authorization: &str| {
            let request =
                Request::get("/").header("authorization", authorization).body(()).unwrap();
            (ticket(&request).map(str::to_owned), ticket_holder(&request).is_some_and(is_login))
        };
        assert_eq!(ask("Bearer a.b"), (Some("a.b".to_owned()), false));
        assert_eq!(ask("bearer a.b.c"), (None, true));
        assert_eq!(ask("Basic a.b.c"), (None, false));
    }
}
