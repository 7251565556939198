//! The layers that every request and every response passes.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Version,
    body::{Body, Incoming},
    header::{
        AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HeaderName, HeaderValue,
        REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
    },
    http::Extensions,
};
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, DefaultPredicate, Predicate},
    cors::{AllowOrigin, CorsLayer},
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    sensitive_headers::SetSensitiveRequestHeadersLayer,
    trace::{DefaultOnFailure, TraceLayer},
};

use super::{
    AppState, page,
    response::{self, Payload},
};
use crate::protocol::ApiError;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The whole HTTP interface as one service.
pub type Layered = BoxCloneSyncService<Request<Incoming>, Response<Payload>, Infallible>;

/// Puts the layers around the handlers.
pub fn layered(edge: Arc<AppState>) -> Layered {
    let origins: Vec<HeaderValue> = edge
        .origins
        .allowed
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok())
        .collect();
    let security_headers =
        Arc::new(security_headers(edge.hub.config().video.as_ref().map(|video| video.url())));
    let dress = move |mut response: Response<Payload>| {
        for (name, value) in &*security_headers {
            // A file has a policy of its own.
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        response
    };
    let handler = service_fn(move |request| {
        let edge = Arc::clone(&edge);
        async move { Ok::<_, Infallible>(edge.answer(request).await) }
    });
    // Boxed in parts: as one type the stack takes the compiler a minute to check.
    let guarded: Layered = BoxCloneSyncService::new(
        ServiceBuilder::new()
            .map_response(boxed)
            .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
                response::refuse(&ApiError::Internal)
            }))
            .service(handler),
    );
    let compressed: Layered = BoxCloneSyncService::new(
        ServiceBuilder::new()
            .map_response(boxed)
            .layer(
                CorsLayer::new()
                    .allow_origin(AllowOrigin::list(origins))
                    .allow_methods([
                        Method::GET,
                        Method::HEAD,
                        Method::POST,
                        Method::PATCH,
                        Method::DELETE,
                    ])
                    .allow_headers([
                        AUTHORIZATION,
                        CONTENT_TYPE,
                        response::LAST_EVENT_ID,
                        response::UPLOAD_OFFSET,
                    ])
                    .expose_headers([
                        RETRY_AFTER,
                        response::UPLOAD_OFFSET,
                        response::UPLOAD_LENGTH,
                    ]),
            )
            .map_response(restore_status)
            .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(no_stream)))
            .map_response(keep_status)
            .service(guarded.clone()),
    );
    // A probe of /readyz while the store is away would log an error for each request; what failed is logged where it failed.
    let quiet = DefaultOnFailure::new().level(tracing::Level::DEBUG);
    let whole: Layered = BoxCloneSyncService::new(
        ServiceBuilder::new()
            .map_response(dress.clone())
            .map_response(boxed)
            .layer(SetSensitiveRequestHeadersLayer::new([AUTHORIZATION, COOKIE]))
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(TraceLayer::new_for_http().make_span_with(span).on_failure(quiet))
            .layer(PropagateRequestIdLayer::x_request_id())
            .service(compressed),
    );
    let upgrade: Layered = BoxCloneSyncService::new(
        ServiceBuilder::new()
            .map_response(dress)
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
            .service(guarded),
    );
    // Shared, because each connection and request takes a clone, and a clone of the whole stack is expensive. A
    // WebSocket has no body to compress and no response to share with other origins.
    let services = Arc::new((whole, upgrade));
    BoxCloneSyncService::new(service_fn(move |mut request: Request<Incoming>| {
        // An empty id counts as none, and must not be echoed.
        if request.headers().get(X_REQUEST_ID).is_some_and(HeaderValue::is_empty) {
            request.headers_mut().remove(X_REQUEST_ID);
        }
        let (whole, upgrade) = &*services;
        let service = if hyper_tungstenite::is_upgrade_request(&request) { upgrade } else { whole };
        service.clone().oneshot(request)
    }))
}

/// The status as the handler set it.
#[derive(Clone, Copy)]
struct HandlerStatus(StatusCode);

fn keep_status<B>(mut response: Response<B>) -> Response<B> {
    let said = HandlerStatus(response.status());
    response.extensions_mut().insert(said);
    response
}

/// A client that accepts none of the codings gets the response uncompressed. The compression layer would turn the
/// status into 406 although the request was carried out, and a client that retries would repeat it.
fn restore_status<B>(mut response: Response<B>) -> Response<B> {
    if let Some(HandlerStatus(status)) = response.extensions_mut().remove() {
        *response.status_mut() = status;
    }
    response
}

fn boxed<B>(response: Response<B>) -> Response<Payload>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}

/// The security headers of every response.
fn security_headers(livekit: Option<&str>) -> [(HeaderName, HeaderValue); 5] {
    let text = HeaderValue::from_static;
    [
        (CONTENT_SECURITY_POLICY, content_security_policy(&page::inline_scripts(), livekit)),
        (X_CONTENT_TYPE_OPTIONS, text("nosniff")),
        (REFERRER_POLICY, text("no-referrer")),
        (HeaderName::from_static("cross-origin-opener-policy"), text("same-origin")),
        (
            HeaderName::from_static("permissions-policy"),
            text("camera=(self), microphone=(self), display-capture=(self), geolocation=()"),
        ),
    ]
}

/// A span without path or query: a room id gives access to the room, and names are private.
fn span<B>(request: &Request<B>) -> tracing::Span {
    let id = request
        .extensions()
        .get::<RequestId>()
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or_default();
    tracing::debug_span!("request", method = %request.method(), id)
}

/// Not for streams: compression holds bytes back until it has enough of them.
fn no_stream(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    !headers.contains_key(response::UNBUFFERED)
}

/// Only this server's own scripts, files and connections, and LiveKit if configured: then WebAssembly as well, which the
/// effects of a call are. Inline scripts are allowed by hash.
fn content_security_policy(scripts: &[String], livekit: Option<&str>) -> HeaderValue {
    let scripts: String = scripts.iter().map(|script| format!(" {script}")).collect();
    let wasm = if livekit.is_some() { " 'wasm-unsafe-eval'" } else { "" };
    let livekit = livekit.map(|url| {
        let (scheme, rest) = url.split_once("://").unwrap_or(("wss", url));
        let host = rest.split('/').next().unwrap_or_default();
        let secure = if matches!(scheme, "wss" | "https") { "s" } else { "" };
        format!(" ws{secure}://{host} http{secure}://{host}")
    });
    let policy = format!(
        "default-src 'none'; script-src 'self'{scripts}{wasm}; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; \
         connect-src 'self'{}; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        livekit.unwrap_or_default()
    );
    HeaderValue::from_str(&policy)
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}
