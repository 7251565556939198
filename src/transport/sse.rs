//! Server-Sent Events: the frames of a WebSocket, in one direction.

use std::{future::ready, io::Write, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::timeout;

use super::{
    BodyFraming,
    stream_queue::{self, StreamFormat},
};
use crate::{
    hub::{Encoder, Frame, Hub, JoinRequest},
    protocol::{ApiError, ServerMessage},
};

static FORMAT: StreamFormat = StreamFormat {
    chunked: Encoder {
        frame: |frame, out| BodyFraming::Chunked.write(out, |out| event(frame, out)),
        echo: false,
    },
    bare: Encoder { frame: event, echo: false },
    prologue: Some("retry: 1000\n\n"),
    pulse: Some(":\n\n"),
    closing: |why| {
        let mut out = Vec::new();
        if let Some(wait) = why.retry_after() {
            // Writing to memory cannot fail.
            let _ = writeln!(out, "retry: {}", wait.as_millis());
        }
        out.extend_from_slice(&FORMAT.bare.encode(&ServerMessage::Closing(why.problem(None))));
        out
    },
};

/// Without a `retry` of ours a client reconnects after so many milliseconds: random, so that not all return at once.
const COME_BACK_MS: std::ops::Range<u64> = 2_000..6_000;

/// The shortest `retry`, however short a wait the rate limit asks for.
const RETRY_MIN_MS: u64 = 200;

/// How long the stream of a [`probe`] lasts: longer than its client waits for the first event.
const PROBE: Duration = Duration::from_secs(10);

/// A whole stream for a client that reconnects and cannot join now: the reason, and when to retry.
pub fn put_off(why: &ApiError) -> Vec<u8> {
    let wait = why.retry_after().map_or_else(
        || fastrand::u64(COME_BACK_MS),
        |wait| wait.as_millis().try_into().unwrap_or(u64::MAX),
    );
    let mut out = format!("retry: {}\n", wait.max(RETRY_MIN_MS)).into_bytes();
    out.extend_from_slice(&FORMAT.bare.encode(&ServerMessage::Closing(why.problem(None))));
    out
}

/// A stream that shows whether events pass the proxies at once: one event, then silence for a while.
pub fn probe(hub: &Arc<Hub>, framing: BodyFraming) -> impl Stream<Item = Bytes> + Send + 'static {
    let first = FORMAT.bare.encode(&ServerMessage::Pong);
    let hub = Arc::clone(hub);
    let silence =
        stream::once(async move { timeout(PROBE, hub.stops()).await }).filter_map(|_| ready(None));
    stream::iter([framing.piece(&first)]).chain(silence).chain(stream::iter(framing.end()))
}

/// JSON has no raw line breaks, so that one `data` line holds any frame.
fn event(frame: &Frame<'_>, out: &mut Vec<u8>) {
    if let Some(cursor) = frame.cursor() {
        let _ = writeln!(out, "id: {cursor}");
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(frame.json);
    out.extend_from_slice(b"\n\n");
}

/// Joins a room and returns its events, `welcome` first.
///
/// # Errors
/// As [`Hub::enter`].
pub async fn open(
    hub: &Arc<Hub>,
    join_request: JoinRequest,
    framing: BodyFraming,
) -> Result<impl Stream<Item = Bytes> + Send + 'static, ApiError> {
    stream_queue::open(hub, join_request, &FORMAT, framing).await
}
