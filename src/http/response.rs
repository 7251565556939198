//! Constructors of responses.

use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, DATE, HeaderName, HeaderValue, RETRY_AFTER,
        SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE,
    },
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use serde::Serialize;
use tower::BoxError;

use crate::{budget::Resource, protocol::ApiError, room::RoomError};

/// What handlers return.
pub type HttpResponse = Response<Payload>;

/// A body, whole or streamed.
pub type Payload = UnsyncBoxBody<Bytes, BoxError>;

/// The cursor from which an event stream resumes.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Asks proxies, and this server's own layers, to pass on each piece at once.
pub(super) const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How many bytes of an upload have come.
pub(super) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// How many bytes it will have.
pub(super) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

pub(super) fn whole(body: Bytes) -> Payload {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

pub(super) fn of(kind: HeaderValue, body: impl Into<Bytes>) -> HttpResponse {
    let mut answer = Response::new(whole(body.into()));
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    answer
}

pub(super) fn text(body: impl Into<Bytes>) -> HttpResponse {
    of(HeaderValue::from_static("text/plain; charset=utf-8"), body)
}

pub(super) fn yaml(body: &'static str) -> HttpResponse {
    of(HeaderValue::from_static("application/yaml"), body)
}

pub(super) fn json(shape: &impl Serialize) -> HttpResponse {
    // The shapes have string keys and no failing parts.
    of(JSON, serde_json::to_vec(shape).unwrap_or_default())
}

/// Public keys as a JWK set. Cached for minutes only: a node may start with another key.
pub(super) fn key_set(json: String) -> HttpResponse {
    let mut answer = of(HeaderValue::from_static("application/jwk-set+json"), json);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    answer
}

/// JSON that is already serialized.
pub(super) fn written(json: Bytes) -> HttpResponse {
    of(JSON, json)
}

/// 204.
pub(super) fn nothing() -> HttpResponse {
    let mut answer = of(JSON, Bytes::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().remove(CONTENT_TYPE);
    answer
}

/// `{"code","message"}` with its status.
pub(super) fn refuse(error: &ApiError) -> HttpResponse {
    refuse_send(error, None)
}

/// As [`refuse`], with the sender's own counter of the message.
pub(super) fn refuse_send(error: &ApiError, n: Option<u64>) -> HttpResponse {
    let mut answer = json(&error.problem(n));
    *answer.status_mut() =
        StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(wait) = error.retry_after() {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    let mut add = |name, value| answer.headers_mut().insert(name, HeaderValue::from_static(value));
    match error {
        ApiError::UpgradeRequired => {
            add(SEC_WEBSOCKET_VERSION, "13");
            add(UPGRADE, "websocket");
            add(CONNECTION, "upgrade");
        }
        // The rest of the body is not read.
        ApiError::BodyTooBig(_) => drop(add(CONNECTION, "close")),
        ApiError::Refused(RoomError::BadOffset(at)) => {
            answer.headers_mut().insert(UPLOAD_OFFSET, HeaderValue::from(*at));
        }
        ApiError::BadTicket => drop(add(WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)),
        _ if error.status() == 401 => drop(add(WWW_AUTHENTICATE, "Bearer")),
        _ => {}
    }
    answer
}

/// Status line and headers, for a response that bypasses hyper.
pub(super) fn head(answer: &mut HttpResponse) -> Vec<u8> {
    let date = httpdate::fmt_http_date(SystemTime::now());
    let date = HeaderValue::try_from(date).unwrap_or(HeaderValue::from_static(""));
    answer.headers_mut().insert(DATE, date);
    let mut head = format!("HTTP/1.1 {}\r\n", answer.status()).into_bytes();
    for (name, value) in answer.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// 405, with the allowed methods.
pub(super) fn not_that_way(allowed: &'static str) -> HttpResponse {
    let mut answer = refuse(&ApiError::MethodNotAllowed);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// The metrics in Prometheus's text format: gauges, hashed passwords if there are accounts, the store's repairs, and
/// what budgets refused.
pub(super) fn metrics(
    gauges: &[(&str, &str, usize)],
    hashes: Option<u64>,
    repair_counts: &[(&str, &str, u64)],
    refusals: impl Iterator<Item = (Resource, u64)>,
) -> HttpResponse {
    let mut registry = Registry::with_prefix("parlor");
    for &(name, help, value) in gauges {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    }
    if let Some(hashes) = hashes {
        let counter = Counter::<u64>::default();
        counter.inc_by(hashes);
        registry.register("password_hashes", "Passwords hashed or compared at this node", counter);
    }
    let refused = Family::<Vec<(&str, &str)>, Counter>::default();
    for (resource, count) in refusals {
        refused.get_or_create(&vec![("budget", resource.as_str())]).inc_by(count);
    }
    registry.register(
        "refused",
        "What was refused because an address or this node met its limit",
        refused,
    );
    let store = registry.sub_registry_with_prefix("store");
    for &(name, help, value) in repair_counts {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        store.register(name, help, counter);
    }
    let mut body = String::new();
    // Writing to memory cannot fail.
    let _ = encode(&mut body, &registry);
    of(HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8"), body)
}
