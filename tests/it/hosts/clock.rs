//! A node whose clock a test sets, for what takes minutes.

use std::sync::{Arc, atomic::AtomicU64};

use bytes::Bytes;
use parlor::{
    hub::{Encoder, Hub, HubConfig, JoinRequest, RoomRegistry, Session, Subscriber},
    protocol::{ApiError, HostRequest},
    room::{HostAction, Limits, Millis, NodeId},
    store::memory::{Memory, World},
};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

use crate::support::{
    PATIENCE,
    hub_config::{LINES, config},
};

/// How far a clock is ahead of the wall's.
pub type Ahead = AtomicU64;

/// A clock of its own, and by how many milliseconds it is ahead.
macro_rules! own_clock {
    () => {{
        static AHEAD: $crate::hosts::clock::Ahead = $crate::hosts::clock::Ahead::new(0);
        fn clock() -> parlor::room::Millis {
            parlor::store::memory::wall_clock() + AHEAD.load(std::sync::atomic::Ordering::SeqCst)
        }
        (clock as fn() -> parlor::room::Millis, &AHEAD)
    }};
}
pub(super) use own_clock;

/// A node with its rooms in memory.
pub fn node(limits: Limits, clock: fn() -> Millis) -> (Arc<Hub>, Arc<World>) {
    let rooms = RoomRegistry::new(HubConfig { limits, clock, ..config() });
    let world = World::new(limits, clock);
    let store = Memory::new(Arc::clone(&world), NodeId(1), Arc::clone(&rooms) as _);
    (Hub::new(rooms, store), world)
}

/// Remembers every frame, and the close as `{"closed": code}`.
struct Ear(UnboundedSender<Value>);

impl Subscriber for Ear {
    fn encoder(&self) -> &'static Encoder {
        &LINES
    }

    fn deliver(&self, frames: &[Bytes]) {
        let lines = frames.iter().flat_map(|frame| frame.split(|byte| *byte == b'\n'));
        for line in lines.filter(|line| !line.is_empty()) {
            let _ = self.0.send(serde_json::from_slice(line).unwrap());
        }
    }

    fn close(&self, why: &ApiError) {
        let _ =
            self.0.send(json!({"type": "closed", "code": why.code(), "status": why.close_code()}));
    }
}

/// A member at such a node.
pub struct Person {
    pub session: Session,
    heard: UnboundedReceiver<Value>,
    pub welcome: Value,
}

impl Person {
    /// The next frame of this type, whatever comes before it.
    pub async fn until(&mut self, kind: &str) -> Value {
        next(&mut self.heard, kind).await
    }

    /// Decides something as the host.
    pub async fn decide(&mut self, action: HostAction) -> Result<(), ApiError> {
        self.session.host_request(HostRequest::Decide(action)).await.map(drop)
    }

    pub fn ticket(&self) -> String {
        self.welcome["ticket"].as_str().unwrap().to_owned()
    }
}

async fn next(heard: &mut UnboundedReceiver<Value>, kind: &str) -> Value {
    loop {
        let frame = timeout(PATIENCE, heard.recv()).await.expect(kind).expect(kind);
        if frame["type"] == *kind {
            return frame;
        }
    }
}

/// What a person comes with.
#[derive(Clone, Default)]
pub struct With {
    pub ticket: Option<String>,
    pub invite: Option<String>,
}

/// Joins the room `r`.
pub async fn join(hub: &Arc<Hub>, name: &str, with: With) -> Result<Person, ApiError> {
    let (ear, mut heard) = unbounded_channel();
    let request = JoinRequest {
        room: "r".parse().unwrap(),
        name: (!name.is_empty()).then(|| name.parse().unwrap()),
        ticket: with.ticket,
        cursor: None,
        usage: None,
        invite: with.invite,
        waits: true,
    };
    let session = hub.enter(request, Arc::new(Ear(ear))).await?;
    let welcome = next(&mut heard, "welcome").await;
    Ok(Person { session, heard, welcome })
}
