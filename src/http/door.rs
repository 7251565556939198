//! What is checked before anybody comes in: origin, ticket, login, upgrade.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use cookie::Cookie;
use hyper::{
    Request, Version,
    header::{AUTHORIZATION, COOKIE, HOST, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION},
    http::uri::Authority,
};

use super::{
    Client, Edge, Peer, account,
    answer::{self, Answer},
    header,
};
use crate::{
    account::AccountError,
    budget::Account,
    config::Origin,
    hub::Entrance,
    protocol::Trouble,
    room::{Name, RoomId},
    transport::ws,
};

/// Whom a request is for, said once and in so many words: of two hosts a proxy may have gone by the other one. Before
/// HTTP/1.1 nobody had to say it.
pub(super) fn check_host<B>(request: &Request<B>) -> Result<(), Trouble> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let good = match (hosts.next(), hosts.next()) {
        (None, _) => request.version() < Version::HTTP_11,
        (Some(host), None) => {
            host.is_empty() || (!host.as_bytes().contains(&b'@') && Authority::try_from(host.as_bytes()).is_ok())
        }
        (Some(_), Some(_)) => false,
    };
    if good { Ok(()) } else { Err(Trouble::BadHost) }
}

/// A page may connect to the host it came from, and from the origins that were allowed. No page, no origin.
pub(super) fn check_origin<B>(request: &Request<B>, allowed: &[Origin]) -> Result<(), Trouble> {
    let Some(origin) = request.headers().get(ORIGIN) else {
        // Another site's page may name an address of ours as a picture, and browsers say no origin then. From a
        // neighbour under the same domain the login's cookie would come along.
        let site = request.headers().get("sec-fetch-site");
        let embedded = site.is_some_and(|site| site == "cross-site" || site == "same-site");
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
    bearer(request).filter(|slip| !is_login(slip))
}

/// The login token: in `Authorization: Bearer …` or in the cookie.
pub(super) fn token<B>(request: &Request<B>) -> Option<&str> {
    bearer(request).filter(|slip| is_login(slip)).or_else(|| {
        let cookies = request.headers().get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
        let mut cookies = cookies.flat_map(Cookie::split_parse).flatten();
        cookies.find(|cookie| cookie.name() == account::COOKIE).and_then(|cookie| cookie.value_raw())
    })
}

fn bearer<B>(request: &Request<B>) -> Option<&str> {
    let (scheme, slip) = header(request, AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(slip.trim())
}

/// Tickets and login tokens travel in the same header: a ticket has two parts, a login token three.
fn is_login(slip: &str) -> bool {
    slip.split('.').count() == 3
}

/// What a request brings to show who sends it.
pub(super) struct Login {
    token: Option<String>,
    /// In a header, rather than in a cookie that the browser sends by itself.
    deliberate: bool,
}

/// See [`Edge::known_as`].
pub(super) fn login<B>(request: &Request<B>) -> Login {
    Login { token: token(request).map(str::to_owned), deliberate: bearer(request).is_some_and(is_login) }
}

impl Edge {
    /// Under which name somebody comes in: that of their account if they are logged in, else the one they give,
    /// unless it belongs to an account. Every way into a room asks here.
    pub(super) async fn known_as(&self, login: Login, given: Option<Name>) -> Result<Option<Name>, Trouble> {
        let Some(accounts) = &self.accounts else { return Ok(given) };
        if let Some(token) = login.token {
            match accounts.who(&token).await {
                Ok(account) => return Ok(Some(account.name.verified())),
                // A cookie that has ended makes a guest of whoever still has it.
                Err(AccountError::NotLoggedIn) if !login.deliberate => {}
                Err(other) => return Err(other.into()),
            }
        }
        if self.require_login {
            return Err(Trouble::LoginRequired);
        }
        match &given {
            Some(name) if accounts.is_taken(name).await? => Err(Trouble::NameTaken),
            _ => Ok(given),
        }
    }
}

/// Where the request comes from. So many proxies stand before this server, each of which has added whom it saw at
/// the end of `X-Forwarded-For`; what stands before that was written by whoever asks.
pub(super) fn address<B>(request: &Request<B>, proxies: usize) -> IpAddr {
    let peer = request.extensions().get().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| *address);
    let lines = request.headers().get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let seen: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let first = proxies.checked_sub(1).and_then(|others| seen.iter().rev().nth(others));
    first.and_then(|address| address.trim().parse().ok()).unwrap_or(peer)
}

impl Edge {
    /// The account of the client's address.
    pub(super) fn account<B>(&self, request: &Request<B>) -> Arc<Account> {
        match request.extensions().get::<Client>() {
            Some(client) => Arc::clone(&client.account),
            None => self.budgets.account(address(request, self.proxies).into()),
        }
    }
}

/// What the query says.
pub(super) fn query<B>(request: &Request<B>) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
}

/// `/ws`: checks the upgrade and hands the link to the transport. What is wrong with the room or the name is
/// told over the socket, because a page sees nothing of a refused upgrade.
pub(super) async fn socket<B: Send>(edge: Arc<Edge>, request: &mut Request<B>) -> Result<Answer, Trouble> {
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
    let account = edge.account(request);
    let entrance = || -> Result<Entrance, Trouble> {
        Ok(Entrance {
            account: Some(Arc::clone(&account)),
            room: room.map_or_else(|| Ok(RoomId::generate()), |room| room.parse())?,
            name: name.map(|name| name.parse::<Name>()).transpose()?,
            cursor: cursor.map(|cursor| cursor.parse()).transpose()?,
            ticket: ticket(request).map(str::to_owned),
        })
    };
    let mut entrance = entrance();
    let (login, is_page) = (login(request), request.headers().contains_key(ORIGIN));
    if let Ok(welcome) = &mut entrance {
        match edge.known_as(login, welcome.name.take()).await {
            Ok(name) => welcome.name = name,
            Err(trouble) if !is_page && trouble.status() == 401 => return Err(trouble),
            Err(trouble) => entrance = Err(trouble),
        }
    }
    let opening = ws::Opening { entrance, resume, rate: edge.rate, account };
    let (answer, upgraded) = hyper_tungstenite::upgrade(request, Some(ws::settings())).map_err(|_| Trouble::UpgradeRequired)?;
    edge.links.spawn(ws::serve(Arc::clone(&edge.hub), upgraded, opening));
    Ok(answer.map(|_| answer::whole(Bytes::new())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_the_proxies_saw_and_not_what_anybody_claims() {
        let ask = |seen: &[&str], proxies| {
            let request = Request::get("/").extension(Peer(IpAddr::from([10, 0, 0, 1])));
            let request = seen.iter().fold(request, |request, seen| request.header("x-forwarded-for", *seen));
            address(&request.body(()).unwrap(), proxies).to_string()
        };
        assert_eq!(ask(&["192.0.2.9"], 0), "10.0.0.1");
        assert_eq!(ask(&["192.0.2.9, 192.0.2.1"], 1), "192.0.2.1");
        assert_eq!(ask(&["192.0.2.9", "2001:db8::1, 192.0.2.1"], 2), "2001:db8::1");
        assert_eq!(ask(&["192.0.2.1"], 2), "10.0.0.1");
        assert_eq!(ask(&["nonsense"], 1), "10.0.0.1");
    }

    #[test]
    fn tickets_and_login_tokens_are_told_apart() {
        let ask = |given: &[(&str, &str)]| {
            let request = given.iter().fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
            let request = request.body(()).unwrap();
            (ticket(&request).map(str::to_owned), token(&request).map(str::to_owned))
        };
        let (slip, login) = (Some("a.b".to_owned()), |token: &str| Some(token.to_owned()));
        assert_eq!(ask(&[]), (None, None));
        assert_eq!(ask(&[("authorization", "Bearer a.b")]), (slip.clone(), None));
        assert_eq!(ask(&[("authorization", "bearer a.b.c")]), (None, login("a.b.c")));
        assert_eq!(ask(&[("authorization", "Bearer a.b"), ("cookie", "x=y; token=d.e.f")]), (slip, login("d.e.f")));
        assert_eq!(ask(&[("cookie", "mytoken=x; token=d.e.f; token=later")]), (None, login("d.e.f")));
        assert_eq!(ask(&[("authorization", "Basic a.b.c"), ("cookie", "tokens=1; x")]), (None, None));
    }

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
        for site in ["cross-site", "same-site"] {
            let picture = Request::get("/api/rooms/r/events").header("sec-fetch-site", site).body(()).unwrap();
            assert_eq!(check_origin(&picture, &allowed), Err(Trouble::ForbiddenOrigin), "{site}");
        }
    }
}
