//! What is checked before anybody comes in: origin, ticket, upgrade.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use hyper::{
    Request,
    header::{AUTHORIZATION, HOST, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION},
};

use super::{
    Edge,
    answer::{self, Answer},
    header,
};
use crate::{
    config::Origin,
    hub::Entrance,
    protocol::Trouble,
    room::{Name, RoomId},
    transport::ws,
};

/// A page may connect to the host it came from, and from the origins that were allowed. No page, no origin.
pub(super) fn check_origin<B>(request: &Request<B>, allowed: &[Origin]) -> Result<(), Trouble> {
    let Some(origin) = request.headers().get(ORIGIN) else {
        // Another site's page may name an address of ours as a picture, and browsers say no origin then.
        let embedded = request.headers().get("sec-fetch-site").is_some_and(|site| site == "cross-site");
        return if embedded { Err(Trouble::ForbiddenOrigin) } else { Ok(()) };
    };
    let origin = origin.to_str().map_err(|_| Trouble::ForbiddenOrigin)?.to_ascii_lowercase();
    let host = request.uri().authority().map(|authority| authority.as_str()).or_else(|| header(request, HOST));
    // The scheme is not compared: a proxy may have taken TLS away.
    let same = origin.split_once("://").zip(host).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host));
    if same || allowed.iter().any(|allowed| allowed.as_str() == origin) { Ok(()) } else { Err(Trouble::ForbiddenOrigin) }
}

/// The ticket in `Authorization: Bearer …`.
pub(super) fn ticket<B>(request: &Request<B>) -> Option<&str> {
    let (scheme, ticket) = header(request, AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(ticket.trim())
}

/// What the query says.
pub(super) fn query<B>(request: &Request<B>) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
}

/// `/ws`: checks the upgrade and hands the link to the transport. What is wrong with the room or the name is
/// told over the socket, because a page sees nothing of a refused upgrade.
pub(super) fn socket<B: Send>(edge: Arc<Edge>, request: &mut Request<B>) -> Result<Answer, Trouble> {
    check_origin(request, &edge.origins)?;
    let version = header(request, SEC_WEBSOCKET_VERSION) == Some("13");
    let key = header(request, SEC_WEBSOCKET_KEY).and_then(|key| BASE64_STANDARD.decode(key).ok());
    if !hyper_tungstenite::is_upgrade_request(request) || !version || key.is_none_or(|key| key.len() != 16) {
        return Err(Trouble::UpgradeRequired);
    }
    // A proxy takes what is refused here to another node; what is granted would be stuck at this one.
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
    let entrance = || -> Result<Entrance, Trouble> {
        Ok(Entrance {
            room: room.map_or_else(|| Ok(RoomId::generate()), |room| room.parse())?,
            name: name.map(|name| name.parse::<Name>()).transpose()?,
            cursor: cursor.map(|cursor| cursor.parse()).transpose()?,
            ticket: ticket(request).map(str::to_owned),
        })
    };
    let opening = ws::Opening { entrance: entrance(), resume, rate: edge.rate };
    let (answer, upgraded) = hyper_tungstenite::upgrade(request, Some(ws::settings())).map_err(|_| Trouble::UpgradeRequired)?;
    edge.links.spawn(ws::serve(Arc::clone(&edge.hub), upgraded, opening));
    Ok(answer.map(|_| answer::whole(Bytes::new())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_connect_to_its_own_host_and_where_it_is_allowed() {
        let allowed = ["https://other.example".parse().unwrap()];
        let ask = |origin: Option<&str>| {
            let request = Request::get("/ws").header(HOST, "chat.example:8080");
            let request = origin.into_iter().fold(request, |request, origin| request.header(ORIGIN, origin));
            check_origin(&request.body(()).unwrap(), &allowed)
        };
        for good in [None, Some("http://chat.example:8080"), Some("https://Chat.example:8080"), Some("https://other.example")] {
            assert_eq!(ask(good), Ok(()), "{good:?}");
        }
        for bad in
            ["null", "http://chat.example", "http://evil.example", "http://chat.example:8080.evil", "https://other.example:1", ""]
        {
            assert_eq!(ask(Some(bad)), Err(Trouble::ForbiddenOrigin), "{bad}");
        }
        let picture = Request::get("/api/rooms/r/events").header("sec-fetch-site", "cross-site").body(()).unwrap();
        assert_eq!(check_origin(&picture, &allowed), Err(Trouble::ForbiddenOrigin));
    }
}
