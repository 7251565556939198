//! One connection, until it ends or becomes a WebSocket or a stream.

use std::{
    convert::Infallible,
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use futures_util::{future::BoxFuture, poll};
use hyper::{
    Request, StatusCode,
    body::Incoming,
    header::{CONNECTION, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::watch};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::probation::{self, Trial};
use crate::{
    budget::Admission,
    http::{Client, Gate, HttpResponse, Layered, LongPoll, Overflow, Peer, StreamingResponse},
    transport::{
        Served,
        hijack::{self, Hijack, HijackHandle, Wait, Wanted, Whole},
    },
};

/// The largest head of a request, in bytes; hyper buffers this much of an incomplete one.
const HEAD_LIMIT: usize = 16 * 1024;

/// How long a client may take for the head of a request, and how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The same where most connections are taken.
const HURRY: Duration = Duration::from_secs(5);

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Serving {
    pub(super) service: Layered,
    pub(super) gate: Arc<Gate>,
    pub(super) links: TaskTracker,
    pub(super) stopped: watch::Receiver<()>,
}

/// A connection that was accepted.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer: Peer,
    /// The client, unless the peer is a proxy.
    pub(super) client: Option<Client>,
    pub(super) admission: Admission,
    /// Present if a limit is met.
    pub(super) trial: Option<Arc<Trial>>,
}

/// Serves one connection.
pub(super) async fn serve(arrival: Accepted, Serving { service, gate, links, stopped }: Serving) {
    let Accepted { stream, peer, client, admission, trial } = arrival;
    let patience = match &trial {
        Some(_) => probation::HEAD,
        None if gate.is_crowded() => HURRY,
        None => HEAD_TIMEOUT,
    };
    let hijack = Hijack::new(stream, admission);
    let (hijack_handle, mut stops) = (hijack.hijack_handle(), stopped.clone());
    let on_request = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(hijack_handle.clone());
        gate.request(client.as_ref(), &mut request, &hijack_handle);
        let (on_trial, counted) = (trial.is_some(), client.is_none());
        if let Some(trial) = &trial {
            request.extensions_mut().insert(Overflow(trial.error().clone()));
        }
        let poll =
            if !on_trial && hijack_handle.heard_one_head() { LongPoll::of(&request) } else { None };
        let (answering, hijack_handle) = (service.clone().oneshot(request), hijack_handle.clone());
        let stopped = &stopped;
        async move {
            let mut answer = match poll {
                Some(poll) => {
                    let mut answering = Box::pin(answering);
                    match poll!(answering.as_mut()) {
                        Poll::Ready(answer) => answer?,
                        Poll::Pending => {
                            hijack_handle.part(Wanted::Wait(wait(
                                answering,
                                poll,
                                stopped.clone(),
                            )));
                            return pending().await;
                        }
                    }
                }
                None => answering.await?,
            };
            if let Some(parting) = StreamingResponse::of(&mut answer) {
                hijack_handle.part(Wanted::Flow(parting));
                // hyper must not write anything of this response.
                return pending().await;
            }
            if on_trial {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            let ends = counted && answer.status() != StatusCode::SWITCHING_PROTOCOLS;
            Ok::<_, Infallible>(answer.map(|body| Served::new(body, ends.then_some(hijack_handle))))
        }
    });
    let parted = {
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(patience)
                .max_buf_size(HEAD_LIMIT)
                // A client may close its side after its request: the request is still carried out and answered.
                .half_close(true)
                .serve_connection(TokioIo::new(hijack), on_request)
                .with_upgrades()
        );
        let outcome = tokio::select! {
            outcome = until_parted(connection.as_mut(), &hijack_handle) => Some(outcome),
            _ = stops.changed() => None,
            () = over(trial.as_deref()) => return refuse(trial.as_deref(), &hijack_handle),
        };
        match outcome {
            Some(outcome) => {
                if let Err(error) = &outcome {
                    refuse(trial.as_deref(), &hijack_handle);
                    // A connection on trial is not drained: draining ones would delay all that wait to be accepted.
                    if trial.is_none() && error.is_parse_too_large() {
                        // Boxed: each connection would carry the room for it.
                        Box::pin(hijack_handle.drain()).await;
                    }
                }
                outcome
            }
            None => {
                connection.as_mut().graceful_shutdown();
                until_parted(connection, &hijack_handle).await
            }
        }
    };
    match parted {
        // A task of its own for each: this one is as large as hyper's state of a connection.
        Ok(Some((hijack, Wanted::Flow(parting)))) => {
            if let Some(socket) = hijack.give_back() {
                links.spawn(hijack::flow(socket, parting));
            }
        }
        Ok(Some((hijack, Wanted::Wait(waiting)))) => {
            let serving = Serving { service, gate, links: links.clone(), stopped };
            links.spawn(answer(hijack, waiting, (peer, client), serving));
        }
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "connection ended"),
    }
}

/// The response to a long poll, once it exists.
fn wait(
    answering: Pin<Box<impl Future<Output = Result<HttpResponse, Infallible>> + Send + 'static>>,
    poll: LongPoll,
    stopped: watch::Receiver<()>,
) -> Wait {
    Box::pin(async move {
        let Ok(answer) = answering.await;
        poll.to_bytes(answer, stopped.has_changed().is_err()).await
    })
}

/// Sends the response to a long poll and serves on over the same connection. Not an `async fn`, because it and
/// [`serve`] start each other.
fn answer(
    mut hijack: Hijack,
    waiting: Wait,
    (peer, client): (Peer, Option<Client>),
    serving: Serving,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let Some(Whole { bytes, ends }) = waiting.await else { return };
        let written = hijack.write_all(&bytes).await;
        hijack.hijack_handle().release();
        if written.is_err() || ends {
            let _ = hijack.shutdown().await;
            return;
        }
        let Some((stream, admission)) = hijack.give_back() else { return };
        let links = serving.links.clone();
        links.spawn(serve(Accepted { stream, peer, client, admission, trial: None }, serving));
    })
}

/// Waits for the end of a trial; for ever if there is none.
async fn over(trial: Option<&Trial>) {
    match trial {
        // Boxed: hardly any connection is on trial, and each would carry the room for a timer.
        Some(trial) => Box::pin(trial.over()).await,
        None => pending().await,
    }
}

/// Writes the reason why a connection on trial ends, if nothing was written yet.
fn refuse(trial: Option<&Trial>, hijack_handle: &HijackHandle) {
    if let Some(trial) = trial {
        hijack_handle.write_first(&trial.last_word());
    }
}

/// Serves until the connection ends, or until its socket is taken back.
async fn until_parted(
    mut connection: Pin<&mut impl Future<Output = hyper::Result<()>>>,
    hijack_handle: &HijackHandle,
) -> hyper::Result<Option<(Hijack, Wanted)>> {
    poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Pending => {
            hijack_handle.wanted().map_or(Poll::Pending, |wanted| Poll::Ready(Ok(Some(wanted))))
        }
        ended => ended.map_ok(|()| None),
    })
    .await
}
