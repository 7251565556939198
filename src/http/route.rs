//! The addresses, one line each. What stands in no line is an asset of the page.

use std::time::Duration;

use hyper::Method;

use super::room::LONGEST_WAIT;
use crate::account::PATIENCE;

/// The descriptions of this server's interfaces, for programs.
const OPENAPI: &str = include_str!("../../docs/openapi.yaml");
const ASYNCAPI: &str = include_str!("../../docs/asyncapi.yaml");

/// How long the head of a response may take, where the request does not wait for anything.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the piece of a file may take that comes with a request: a quarter of a megabyte over a slow line.
const PIECE: Duration = Duration::from_secs(50);

/// What answers an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Handler {
    Page,
    Terminal,
    Socket,
    Room,
    Rooms,
    Join,
    Messages,
    Events,
    Typing,
    Leave,
    Host,
    Invites,
    Invite,
    Files,
    File,
    LiveKitToken,
    LiveKit,
    Health,
    Ready,
    Metrics,
    ReceiptKey,
    Visitor,
    Account(AccountRoute),
    Document(&'static str),
    Asset,
}

/// What is asked of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AccountRoute {
    Register,
    Login,
    Logout,
    Me,
    Password,
}

/// An address: its path, the methods that it allows, and its handler.
pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) methods: &'static str,
    pub(super) handler: Handler,
}

const fn route(path: &'static str, methods: &'static str, handler: Handler) -> Route {
    Route { path, methods, handler }
}

// A HEAD of a socket or a stream would take the effort of its GET and return nothing.
static ROUTES: [Route; 31] = [
    route("/ws", "GET", Handler::Socket),
    route("/", "GET, HEAD", Handler::Page),
    route("/transports", "GET, HEAD", Handler::Page),
    route("/account", "GET, HEAD", Handler::Page),
    route("/r/{room}", "GET, HEAD, POST", Handler::Terminal),
    route("/api/rooms", "POST", Handler::Rooms),
    route("/api/rooms/{room}", "GET, HEAD", Handler::Room),
    route("/api/rooms/{room}/join", "POST", Handler::Join),
    route("/api/rooms/{room}/messages", "GET, POST", Handler::Messages),
    route("/api/rooms/{room}/events", "GET", Handler::Events),
    route("/api/rooms/{room}/typing", "POST", Handler::Typing),
    route("/api/rooms/{room}/leave", "POST", Handler::Leave),
    route("/api/rooms/{room}/host", "POST", Handler::Host),
    route("/api/rooms/{room}/invites", "GET, HEAD, POST", Handler::Invites),
    route("/api/rooms/{room}/invites/{invite}", "DELETE", Handler::Invite),
    route("/api/rooms/{room}/files", "POST", Handler::Files),
    route("/api/rooms/{room}/files/{file}", "GET, HEAD, PATCH, DELETE", Handler::File),
    route("/api/rooms/{room}/livekit-token", "POST", Handler::LiveKitToken),
    route("/api/visitor", "GET, HEAD", Handler::Visitor),
    route("/api/openapi.yaml", "GET, HEAD", Handler::Document(OPENAPI)),
    route("/api/asyncapi.yaml", "GET, HEAD", Handler::Document(ASYNCAPI)),
    route("/livekit/webhook", "POST", Handler::LiveKit),
    route("/healthz", "GET, HEAD", Handler::Health),
    route("/readyz", "GET, HEAD", Handler::Ready),
    route("/metrics", "GET, HEAD", Handler::Metrics),
    route("/.well-known/parlor-receipt-key", "GET, HEAD", Handler::ReceiptKey),
    // The page has views at the first two.
    route("/register", "GET, HEAD, POST", Handler::Account(AccountRoute::Register)),
    route("/login", "GET, HEAD, POST", Handler::Account(AccountRoute::Login)),
    route("/logout", "POST", Handler::Account(AccountRoute::Logout)),
    route("/me", "GET, HEAD, DELETE", Handler::Account(AccountRoute::Me)),
    route("/me/password", "POST", Handler::Account(AccountRoute::Password)),
];

static ASSET: Route = route("", "GET, HEAD", Handler::Asset);

/// The paths and methods of the API, as `docs/openapi.yaml` has to describe them.
pub fn api() -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_api = |route: &&Route| !matches!(route.handler, Handler::Page | Handler::Asset);
    ROUTES.iter().filter(is_api).map(|route| (route.path, route.methods))
}

impl Route {
    /// The route of a path, and the room in it, as it is written there.
    // Not matchit: it matches no empty segment, and an empty room id is answered with the rule for ids.
    pub(super) fn find(path: &str) -> (&'static Self, &str) {
        ROUTES.iter().find_map(|route| Some((route, route.room(path)?))).unwrap_or((&ASSET, ""))
    }

    fn room<'a>(&self, path: &'a str) -> Option<&'a str> {
        // Only one slash is stripped: a proxy that blocks an address compares it as it is written.
        let mut given = path.strip_prefix('/').unwrap_or(path).split('/');
        let mut room = "";
        for expected in self.path[1..].split('/') {
            let segment = given.next()?;
            match expected {
                "{room}" => room = segment,
                "{file}" | "{invite}" => {}
                _ if expected != segment => return None,
                _ => {}
            }
        }
        given.next().is_none().then_some(room)
    }

    pub(super) fn allows(&self, method: &Method) -> bool {
        self.methods.split(", ").any(|allowed| allowed == method.as_str())
    }

    /// How long the head of a response may take.
    pub(super) fn patience(&self) -> Duration {
        match self.handler {
            Handler::Messages => TIMEOUT + LONGEST_WAIT,
            Handler::Account(_) => TIMEOUT + PATIENCE,
            Handler::File => TIMEOUT + PIECE,
            _ => TIMEOUT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_one_handler() {
        for (path, handler, room) in [
            ("/", Handler::Page, ""),
            ("/transports", Handler::Page, ""),
            ("/account", Handler::Page, ""),
            ("/login", Handler::Account(AccountRoute::Login), ""),
            ("/api/visitor", Handler::Visitor, ""),
            ("/r/general", Handler::Terminal, "general"),
            ("/r/", Handler::Terminal, ""),
            ("/ws", Handler::Socket, ""),
            ("/api/rooms/a%20b", Handler::Room, "a%20b"),
            ("/api/rooms//join", Handler::Join, ""),
            ("/api/rooms/x/livekit-token", Handler::LiveKitToken, "x"),
            ("/api/rooms/x/files", Handler::Files, "x"),
            ("/api/rooms/x/files/y", Handler::File, "x"),
            ("/api/rooms/x/files/y/z", Handler::Asset, ""),
            ("/livekit/webhook", Handler::LiveKit, ""),
            ("/.well-known/parlor-receipt-key", Handler::ReceiptKey, ""),
            ("/.well-known/parlor-receipt-key/", Handler::Asset, ""),
            ("/.well-known", Handler::Asset, ""),
            ("/r/a/b", Handler::Asset, ""),
            ("//metrics", Handler::Asset, ""),
            ("/metrics/", Handler::Asset, ""),
            ("//", Handler::Asset, ""),
            ("/assets/x.js", Handler::Asset, ""),
            ("/api", Handler::Asset, ""),
        ] {
            let (route, found) = Route::find(path);
            assert_eq!((route.handler, found), (handler, room), "{path}");
        }
    }
}
