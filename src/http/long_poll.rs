//! A long poll: its response bypasses hyper, whose buffers would otherwise be held while it waits.

use http_body_util::BodyExt;
use hyper::{
    Method, Request, StatusCode, Version,
    body::Body,
    header::{CONNECTION, CONTENT_LENGTH, HeaderValue, UPGRADE},
};

use super::{HttpResponse, query, response};
use crate::transport::hijack::Whole;

/// A request whose response may take long.
pub struct LongPoll {
    /// The connection ends after this response: the client asked for that, or speaks HTTP/1.0.
    ends: bool,
}

impl LongPoll {
    /// Recognises a request that is a long poll.
    pub fn of<B: Body>(request: &Request<B>) -> Option<Self> {
        let path = request.uri().path();
        let waits = *request.method() == Method::GET
            && path.starts_with("/api/rooms/")
            && path.ends_with("/messages");
        if !waits || !request.body().is_end_stream() || request.headers().contains_key(UPGRADE) {
            return None;
        }
        if !query::parameters(request).any(|(key, value)| key == "wait" && value != "0") {
            return None;
        }
        let mut words = request
            .headers()
            .get_all(CONNECTION)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        let closes = words.any(|check| check.trim_ascii().eq_ignore_ascii_case(b"close"));
        Some(Self { ends: closes || request.version() < Version::HTTP_11 })
    }

    /// The response as bytes for the socket; `None` if its body fails.
    pub async fn to_bytes(self, answer: HttpResponse, stops: bool) -> Option<Whole> {
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        let mut answer = HttpResponse::from_parts(parts, response::whole(body.clone()));
        let headers = answer.headers_mut();
        let ends = self.ends || stops || headers.contains_key(CONNECTION);
        if ends {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        // A response without content has no length, either.
        if answer.status() != StatusCode::NO_CONTENT {
            answer.headers_mut().insert(CONTENT_LENGTH, body.len().into());
        }
        let mut bytes = response::head(&mut answer);
        bytes.extend_from_slice(&body);
        Some(Whole { bytes, ends })
    }
}
