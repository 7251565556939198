//! A room as a stream: events for programs, text for a terminal.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::BoxStream};
use hyper::{
    Request, Version,
    body::Body,
    header::{CACHE_CONTROL, CONNECTION, HeaderValue, TRANSFER_ENCODING, VARY},
};
use parking_lot::Mutex;
use tower::BoxError;

use super::{
    AppState, BODY_LIMIT, accept, body,
    cookies::Login,
    guards, header, page,
    query::{self, JoinQuery},
    response::{self, HttpResponse, LAST_EVENT_ID, UNBUFFERED},
    room_id,
};
use crate::{
    hub::{JoinRequest, NullSubscriber},
    protocol::ApiError,
    room::{NewEntry, Text},
    ticket::Claims,
    transport::{BodyFraming, hijack::LastBytes, plain, sse},
};

const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const LINES: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// A proxy that compresses a stream delays what it carries.
const AS_IT_IS: HeaderValue = HeaderValue::from_static("no-store, no-transform");

impl AppState {
    /// Server-Sent Events.
    pub(super) async fn events<B>(
        &self,
        room: &str,
        request: &Request<B>,
    ) -> Result<HttpResponse, ApiError> {
        guards::check_origin(request, &self.origins)?;
        let framing = framing(request);
        if query::parameters(request).any(|(key, value)| key == "probe" && value == "1") {
            room_id(room)?;
            self.usage(request).frame()?;
            return match self.hub.is_stopping() {
                true => Err(self.hub.come_back()),
                false => Ok(flowing(EVENTS, framing, sse::probe(&self.hub, framing))),
            };
        }
        let wish = JoinQuery::of(request, "after");
        let invite = wish.invite();
        let (name, after) = wish.parse()?;
        let last = last_id(request).map(str::parse).transpose()?;
        let ticket = guards::ticket(request).map(str::to_owned);
        let room = room_id(room)?;
        let usage = self.usage(request);
        let name = self.resolve_name(&usage, Login::of(request), name).await?;
        let (cursor, usage, waits) = (last.or(after), Some(usage), true);
        let join_request = JoinRequest { room, name, ticket, cursor, usage, invite, waits };
        Ok(flowing(EVENTS, framing, sse::open(&self.hub, join_request, framing).await?))
    }

    /// `/r/{room}`: the page, or the room as text for clients that ask for it. A POST sends its body as a message.
    pub(super) async fn terminal<B>(&self, room: &str, request: Request<B>) -> HttpResponse
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        let said = match *request.method() {
            hyper::Method::POST => self.speak(room, request).await,
            hyper::Method::GET if accept::wants_text(&request) => self.listen(room, &request).await,
            _ => {
                let mut answer = page::index(&request, &self.origins);
                answer.headers_mut().append(VARY, accept::VARIES);
                return answer;
            }
        };
        said.unwrap_or_else(|error| {
            let mut refusal = response::refuse(&error);
            *refusal.body_mut() = response::whole(format!("{error}\n").into());
            refusal.headers_mut().insert(hyper::header::CONTENT_TYPE, LINES);
            refusal.headers_mut().insert(VARY, accept::VARIES);
            refusal
        })
    }

    async fn listen<B>(&self, room: &str, request: &Request<B>) -> Result<HttpResponse, ApiError> {
        guards::check_origin(request, &self.origins)?;
        let wish = JoinQuery::of(request, "after");
        let invite = wish.invite();
        let (name, cursor) = wish.parse()?;
        let room = room_id(room)?;
        let usage = self.usage(request);
        let name = self.resolve_name(&usage, Login::of(request), name).await?;
        let (ticket, usage, waits) = (None, Some(usage), true);
        let join_request = JoinRequest { room, name, ticket, cursor, usage, invite, waits };
        let framing = framing(request);
        let mut answer =
            flowing(LINES, framing, plain::open(&self.hub, join_request, framing).await?);
        answer.headers_mut().insert(VARY, accept::VARIES);
        Ok(answer)
    }

    async fn speak<B>(&self, room: &str, mut request: Request<B>) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        guards::check_origin(&request, &self.origins)?;
        let wish = JoinQuery::of(&request, "after");
        let invite = wish.invite();
        let (name, _) = wish.parse()?;
        let usage = self.usage(&request);
        let login = Login::of(&request);
        let body = body::whole(request.body_mut(), BODY_LIMIT).await?;
        let text = std::str::from_utf8(&body).map_err(|_| ApiError::BadText)?;
        let text: Text = text.trim_end_matches(['\r', '\n']).parse()?;
        let room = room_id(room)?;
        // Before the rate limit: a client that may not send here must not use up the limit of its address.
        let name = self.resolve_name(&usage, login, name).await?;
        usage.frame()?;
        self.anonymous_pacers.check(&(room.clone(), usage.address())).await?;
        if self.hub.count(&room).await? == 0 {
            return Err(ApiError::NobodyThere);
        }
        let join_request = JoinRequest {
            room: room.clone(),
            name,
            ticket: None,
            cursor: None,
            usage: Some(Arc::clone(&usage)),
            invite,
            waits: false,
        };
        let session = self.hub.enter(join_request, Arc::new(NullSubscriber)).await?;
        let who = Claims { member: session.member(), name: session.name().clone() };
        let entry = NewEntry { n: None, text: text.clone() };
        let said = self.hub.publish(&room, &who, entry, &usage).await;
        session.leave().await;
        Ok(response::of(LINES, plain::line(said?.at, &who.name, &text)))
    }
}

/// Whether an event stream reconnects. Any status but 200 would end an `EventSource` for good.
pub(super) fn comes_back<B>(request: &Request<B>) -> bool {
    last_id(request).is_some()
}

/// The id of the last event that the client received on an earlier stream.
fn last_id<B>(request: &Request<B>) -> Option<&str> {
    header(request, LAST_EVENT_ID).filter(|last| !last.is_empty())
}

/// Sends such a stream an event with the error and when to retry, if a retry can help.
pub(super) fn put_off(error: &ApiError) -> HttpResponse {
    if !error.is_passing() {
        return response::refuse(error);
    }
    as_it_is(response::of(EVENTS, sse::put_off(error)))
}

/// The body of a streamed response. It bypasses hyper, and is written by [`flow`](crate::transport::hijack::flow).
#[derive(Clone)]
pub struct StreamingResponse {
    framing: BodyFraming,
    body: Arc<Mutex<Option<BoxStream<'static, Bytes>>>>,
}

impl StreamingResponse {
    /// Takes the stream out of a response; `None` if the response is not streamed.
    pub fn of(answer: &mut HttpResponse) -> Option<LastBytes> {
        let Self { framing, body } = answer.extensions_mut().remove()?;
        let body = body.lock().take()?;
        if framing == BodyFraming::Chunked {
            answer.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        // The connection was taken from hyper, which would have to read the next request.
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        Some(LastBytes { head: response::head(answer), body })
    }
}

/// A streamed response that no layer or proxy may buffer.
fn flowing(
    kind: HeaderValue,
    framing: BodyFraming,
    stream: impl Stream<Item = Bytes> + Send + 'static,
) -> HttpResponse {
    let mut answer = as_it_is(response::of(kind, Bytes::new()));
    let body = Arc::new(Mutex::new(Some(stream.boxed())));
    answer.extensions_mut().insert(StreamingResponse { framing, body });
    answer
}

fn as_it_is(mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().insert(CACHE_CONTROL, AS_IT_IS);
    answer.headers_mut().insert(UNBUFFERED, HeaderValue::from_static("no"));
    answer
}

/// HTTP/1.0 has no chunks.
fn framing<B>(request: &Request<B>) -> BodyFraming {
    if request.version() < Version::HTTP_11 {
        BodyFraming::CloseDelimited
    } else {
        BodyFraming::Chunked
    }
}
