//! Every error and close reason in one table. It has the stable code, the HTTP status and the WebSocket close code,
//! which tells a client whether to come back.

use std::time::Duration;

use serde::Serialize;

use crate::room::RoomError;

/// When a person who waits to be admitted asks again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// When a person asks again where as many wait as may.
const KNOCK_AGAIN: Duration = Duration::from_secs(5);

/// Why something was refused or a connection is closed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[cfg_attr(test, derive(strum::EnumIter))]
pub enum ApiError {
    /// The room refused.
    #[error(transparent)]
    Refused(#[from] RoomError),
    /// Not a frame of this protocol; says what is wrong.
    #[error("{0}")]
    BadFrame(String),
    /// Not a valid counter of a message.
    #[error("n is a whole number from 1 to 9007199254740991")]
    BadN,
    /// The `wait` of a poll is not valid.
    #[error("wait is a whole number of seconds from 0 to 60")]
    BadWait,
    /// A binary frame.
    #[error("frames are JSON text, not binary")]
    BinaryFrame,
    /// An unknown frame type.
    #[error(
        "known types are chat, react, edit, delete, rename, typing, livekit-token, ping, leave, of a host kick, lock, admit, \
         refuse, host, burn, lifetime, history, topic, mute, hush, invite-only and revoke, and, as the first frame, resume"
    )]
    UnknownType,
    /// A ticket is needed.
    #[error("send the ticket from your welcome as 'Authorization: Bearer <ticket>'")]
    NoTicket,
    /// The ticket is not of this server, not for this room, or too old.
    #[error("this ticket is not good for this room")]
    BadTicket,
    /// Not a name for an account.
    #[error(
        "an account's name has 2 to 32 letters, digits or ' - . _ and single spaces, at least one letter or digit, and does not begin as guests do"
    )]
    BadUser,
    /// Not a password.
    #[error("a password has 8 to 72 bytes (letters beyond ASCII take 2 to 4 each) and no NUL")]
    BadPassword,
    /// An account has this name, or one that looks like it.
    #[error("this name, or one that looks like it, belongs to another account")]
    NameTaken,
    /// No such account, or not its password: the client is not told which.
    #[error("there is no account with this name and this password")]
    WrongLogin,
    /// No token, or none that is good.
    #[error("you are not logged in: POST /login gives a token")]
    NotLoggedIn,
    /// Only for clients that are logged in.
    #[error("people must log in here before they join")]
    LoginRequired,
    /// Too many wrong tries.
    #[error("too many tries: wait {} s", .0.as_secs().max(1))]
    TooManyTries(Duration),
    /// Too many clients log in at once.
    #[error("too many people are logging in: come back in {} s", .0.as_secs().max(1))]
    AccountsBusy(Duration),
    /// The database is out of reach.
    #[error("accounts are out of reach for the moment")]
    AccountsUnavailable,
    /// No database.
    #[error("there are no accounts here: the operator sets DATABASE_URL")]
    AccountsOff,
    /// A body that does not say that it is JSON.
    #[error("send JSON, with 'Content-Type: application/json'")]
    NotJson,
    /// A webhook event that LiveKit has not signed.
    #[error("this is not signed with the LiveKit keys of this server")]
    BadSignature,
    /// A request without a valid `Host`, or with two.
    #[error("a request has one Host, and it is a host's name")]
    BadHost,
    /// A request for a host that the operator does not allow.
    #[error(
        "this server does not answer to this host; PARLOR_ALLOWED_HOSTS lists those it answers to"
    )]
    UnknownHost,
    /// A page of another site.
    #[error(
        "this origin may not talk to this server (PARLOR_ORIGINS can allow it), or the proxy changed Host: let it pass Host \
         on, or set PARLOR_PROXIES and let it send X-Forwarded-Host"
    )]
    ForbiddenOrigin,
    /// Too much, too fast.
    #[error("too many frames: wait {} ms", .0.as_millis())]
    RateLimited(Duration),
    /// One address holds or does too much.
    #[error("this address has as many {what} as it may: come back in {} s", .wait.as_secs().max(1))]
    AddressLimit {
        /// Too much of what.
        what: &'static str,
        /// When to try again.
        wait: Duration,
    },
    /// All addresses together hold too much.
    #[error("this server has as many {what} as it may: come back in {} s", .wait.as_secs().max(1))]
    ServerFull {
        /// Too much of what.
        what: &'static str,
        /// When to try again.
        wait: Duration,
    },
    /// No LiveKit keys.
    #[error(
        "video is not set up here: the operator sets LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET"
    )]
    VideoNotConfigured,
    /// LiveKit does not accept this server's keys.
    #[error(
        "video cannot be used here: LiveKit refuses this server's settings, which the operator must mend"
    )]
    VideoRefused,
    /// The store is out of reach.
    #[error("rooms are out of reach for the moment")]
    StoreUnavailable,
    /// The operator has switched files off.
    #[error("there are no files here: the operator sets PARLOR_FILE_BYTES")]
    FilesOff,
    /// The store has no space.
    #[error("there is no space left for this")]
    StoreFull,
    /// The server is stopping.
    #[error("the server is restarting: come back in {} ms", .0.as_millis())]
    Restarting(Duration),
    /// The server is stopping, as health checks are told.
    #[error("the server is stopping")]
    Stopping,
    /// The subscriber fell too far behind.
    #[error("you read too slowly: come back and resume")]
    TooSlow,
    /// The same session was opened elsewhere.
    #[error("this session was opened elsewhere")]
    Replaced,
    /// A frame over the limit.
    #[error("a frame has at most 64 KiB")]
    FrameTooBig,
    /// A request body over the limit, which is given in bytes.
    #[error("a request body has at most {} KiB here", .0 / 1024)]
    BodyTooBig(usize),
    /// `resume=1`, but no resume frame came.
    #[error("the resume frame did not come within 10 s")]
    ResumeTimeout,
    /// The connection broke the WebSocket protocol.
    #[error("this is not the WebSocket protocol")]
    BadProtocol,
    /// A text frame that is not UTF-8.
    #[error("text is UTF-8")]
    BadText,
    /// No such address.
    #[error("there is nothing at this address")]
    NotFound,
    /// A message to a room without members.
    #[error("this room has no members")]
    NobodyThere,
    /// Not this method.
    #[error("this address does not take that method")]
    MethodNotAllowed,
    /// A WebSocket address without an upgrade.
    #[error("this address speaks WebSocket, version 13")]
    UpgradeRequired,
    /// Took too long.
    #[error("this took too long")]
    Timeout,
    /// A fault of this server.
    #[error("something broke on our side")]
    Internal,
    /// A person who cannot be kept waiting here has to ask again, with this ticket.
    #[error("this room's host decides who joins: ask again with this ticket")]
    AskAgain(String),
    /// The host has ended the room, or its time was over.
    #[error("this room has ended, and everything in it is gone")]
    Burned,
    /// The member left: nothing is wrong.
    #[error("goodbye")]
    Left,
}

/// When a client may reconnect after an error. With `retryAfter`, not before that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Reconnect {
    /// The same request would get the same answer.
    Never,
    /// Only when the user asks: the session is open elsewhere.
    IfAsked,
    /// At once, with its ticket.
    Now,
    /// After growing delays.
    Backoff,
    /// Nothing is broken, but there is no place yet: after some seconds.
    Later,
    /// As after a lost connection. The ticket may be void: then the client is a new member.
    Afresh,
}

impl ApiError {
    /// (code, HTTP status, WebSocket close code, when to reconnect).
    fn row(&self) -> (&'static str, u16, u16, Reconnect) {
        use Reconnect::{Afresh, Backoff, IfAsked, Later, Never, Now};
        match self {
            Self::Refused(refusal) => match refusal {
                RoomError::TooLong => (refusal.code(), 413, 4413, Never),
                RoomError::NotMember => (refusal.code(), 403, 4403, Afresh),
                RoomError::Overtaken => (refusal.code(), 409, 4001, IfAsked),
                RoomError::RoomFull => (refusal.code(), 409, 4409, Later),
                RoomError::StaleN
                | RoomError::NameVerified
                | RoomError::TooLate
                | RoomError::ReactionsFull
                | RoomError::FilesFull
                | RoomError::FileIncomplete
                | RoomError::BadOffset(_) => (refusal.code(), 409, 4400, Never),
                RoomError::NotYours | RoomError::NotHost | RoomError::Muted => {
                    (refusal.code(), 403, 4400, Never)
                }
                RoomError::Kicked | RoomError::NotAdmitted | RoomError::InviteOnly => {
                    (refusal.code(), 403, 4403, Never)
                }
                RoomError::RoomLocked => (refusal.code(), 423, 4423, Never),
                RoomError::Knocking => (refusal.code(), 423, 4423, Later),
                RoomError::KnocksFull => (refusal.code(), 429, 4429, Later),
                RoomError::InviteSpent | RoomError::InviteExpired | RoomError::InviteRevoked => {
                    (refusal.code(), 410, 4410, Never)
                }
                RoomError::BansFull | RoomError::InvitesFull => (refusal.code(), 409, 4400, Never),
                RoomError::NoTarget | RoomError::NoFile | RoomError::NoMember => {
                    (refusal.code(), 404, 4400, Never)
                }
                RoomError::FileTooBig => (refusal.code(), 413, 4400, Never),
                // What breaks the rule of its kind: a room id, a name, a text.
                _ => (refusal.code(), 400, 4400, Never),
            },
            Self::BadFrame(_) => ("bad_frame", 400, 4400, Never),
            Self::BadN => ("bad_n", 400, 4400, Never),
            Self::BadWait => ("bad_wait", 400, 4400, Never),
            Self::BinaryFrame => ("binary_frame", 400, 1003, Never),
            Self::UnknownType => ("unknown_type", 400, 4400, Never),
            Self::NoTicket => ("no_ticket", 401, 4401, Afresh),
            Self::BadTicket => ("bad_ticket", 401, 4401, Afresh),
            Self::BadUser => ("bad_user", 400, 4400, Never),
            Self::BadPassword => ("bad_password", 400, 4400, Never),
            Self::NameTaken => ("name_taken", 409, 4409, Never),
            Self::WrongLogin => ("wrong_login", 401, 4401, Never),
            Self::NotLoggedIn => ("not_logged_in", 401, 4401, Never),
            Self::LoginRequired => ("login_required", 401, 4401, Never),
            Self::TooManyTries(_) => ("rate_limited", 429, 4429, Backoff),
            Self::AccountsBusy(_) => ("accounts_busy", 503, 4503, Backoff),
            Self::AccountsUnavailable => ("accounts_unavailable", 503, 4503, Backoff),
            Self::AccountsOff => ("accounts_off", 404, 4404, Never),
            Self::NotJson => ("not_json", 415, 4415, Never),
            Self::BadSignature => ("bad_signature", 401, 4401, Never),
            Self::BadHost | Self::UnknownHost => ("bad_host", 400, 4400, Never),
            Self::ForbiddenOrigin => ("forbidden_origin", 403, 4403, Never),
            Self::RateLimited(_) => ("rate_limited", 429, 4429, Backoff),
            Self::AddressLimit { .. } => ("address_limit", 429, 4429, Later),
            Self::ServerFull { .. } => ("server_full", 503, 4503, Backoff),
            Self::VideoNotConfigured => ("video_not_configured", 503, 4503, Never),
            Self::VideoRefused => ("video_refused", 503, 4503, Never),
            Self::StoreUnavailable => ("store_unavailable", 503, 4503, Backoff),
            Self::FilesOff => ("files_off", 404, 4400, Never),
            Self::StoreFull => ("store_full", 503, 4503, Backoff),
            Self::Restarting(_) => ("restarting", 503, 1012, Backoff),
            Self::Stopping => ("restarting", 503, 1012, Backoff),
            Self::TooSlow => ("too_slow", 503, 1013, Now),
            Self::Replaced => ("replaced", 409, 4001, IfAsked),
            Self::FrameTooBig => ("frame_too_big", 413, 1009, Backoff),
            Self::BodyTooBig(_) => ("body_too_big", 413, 1009, Never),
            Self::ResumeTimeout => ("resume_timeout", 408, 4408, Now),
            Self::BadProtocol => ("bad_protocol", 400, 1002, Backoff),
            Self::BadText => ("bad_text", 400, 1007, Backoff),
            Self::AskAgain(_) => ("knocking", 423, 4423, Later),
            Self::Burned => ("burned", 410, 4410, Never),
            Self::NotFound => ("not_found", 404, 4404, Never),
            Self::NobodyThere => ("nobody_there", 404, 4404, Afresh),
            Self::MethodNotAllowed => ("method_not_allowed", 405, 4405, Never),
            Self::UpgradeRequired => ("upgrade_required", 426, 4426, Never),
            Self::Timeout => ("timeout", 504, 4504, Backoff),
            Self::Internal => ("internal", 500, 1011, Backoff),
            Self::Left => ("left", 200, 1000, Never),
        }
    }

    /// The stable code that goes over the wire.
    pub fn code(&self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.row().1
    }

    /// The WebSocket close code.
    pub fn close_code(&self) -> u16 {
        self.row().2
    }

    /// When a client may reconnect after it.
    pub fn reconnect(&self) -> Reconnect {
        self.row().3
    }

    /// How long to wait before the next try, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(wait)
            | Self::TooManyTries(wait)
            | Self::AccountsBusy(wait)
            | Self::Restarting(wait) => Some(*wait),
            Self::AddressLimit { wait, .. } | Self::ServerFull { wait, .. } => Some(*wait),
            Self::AskAgain(_) => Some(ASK_AGAIN),
            Self::Refused(RoomError::KnocksFull) => Some(KNOCK_AGAIN),
            _ => None,
        }
    }

    /// Whether the same request may be granted later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Refused(RoomError::RoomFull)) || matches!(self.status(), 429 | 500..)
    }

    /// The shape it takes in an error frame and in an HTTP body.
    pub fn problem(&self, n: Option<u64>) -> ErrorBody {
        let retry_after =
            self.retry_after().map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        let ticket = if let Self::AskAgain(ticket) = self { Some(ticket.clone()) } else { None };
        ErrorBody { code: self.code(), message: self.to_string(), n, retry_after, ticket }
    }
}

/// `{"code","message","n"?,"retryAfter"?}`: an error as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// Stable; for programs.
    #[cfg_attr(test, schemars(with = "super::schema::Code"), ts(as = "super::schema::Code"))]
    pub code: &'static str,
    /// What was wrong and what is allowed; for people.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub message: String,
    /// The counter of the message that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "super::schema::Counter"))]
    pub n: Option<u64>,
    /// Milliseconds to wait before the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// With `knocking`: to ask again with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<super::schema::Ticket>"))]
    pub ticket: Option<String>,
}
