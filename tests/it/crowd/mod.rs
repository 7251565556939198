//! Rooms of many: what readers believe is what is there, however late their node hears of it, and telling them costs
//! each the same, however many there are.

mod count;
mod late_nodes;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use parlor::{
    hub::{Encoder, Hub, HubConfig, JoinRequest, RoomRegistry, Session, Subscriber},
    protocol::ApiError,
    room::{Limits, NodeId, RoomId, Snapshot},
    store::memory::{Memory, World},
};
use serde_json::Value;

use crate::support::hub_config::{LINES, config};

/// Believes what it is told, as the contract says.
#[derive(Default)]
struct Belief {
    me: String,
    people: BTreeSet<String>,
    callers: BTreeSet<String>,
    count: u64,
    crowd: bool,
    closed: bool,
    bytes: usize,
    /// What was told and not taken yet.
    frames: Vec<Value>,
}

fn id(of: &Value) -> String {
    of["clientId"].as_str().unwrap().to_owned()
}

impl Belief {
    fn read(&mut self, frame: Value) {
        self.count = frame["count"].as_u64().unwrap_or(self.count);
        match frame["type"].as_str().unwrap() {
            "welcome" | "reset" => {
                self.me = id(&frame);
                self.crowd = frame["crowd"] == true;
                self.list(&frame);
            }
            "presence" if frame["members"].is_array() => {
                self.crowd = false;
                self.list(&frame);
            }
            "presence" => self.crowd = true,
            "joined" => drop(self.people.insert(id(&frame))),
            "left" => {
                self.people.remove(&id(&frame));
                self.callers.remove(&id(&frame));
            }
            "call" if frame["inCall"] == true => {
                assert!(frame["user"].is_string());
                self.people.insert(id(&frame));
                self.callers.insert(id(&frame));
            }
            "call" => drop(self.callers.remove(&id(&frame))),
            _ => {}
        }
        self.frames.push(frame);
    }

    fn list(&mut self, frame: &Value) {
        let members = frame["members"].as_array().unwrap();
        self.people = members.iter().map(id).collect();
        self.callers = members.iter().filter(|member| member["inCall"] == true).map(id).collect();
    }

    /// What is not as it is in the room.
    fn error(&self, room: &Snapshot, most: usize) -> Option<String> {
        let people: BTreeSet<String> =
            room.members.iter().map(|member| member.id.to_string()).collect();
        let callers: BTreeSet<String> = room
            .members
            .iter()
            .filter(|member| member.call.is_on())
            .map(|member| member.id.to_string())
            .collect();
        let whole = if self.crowd { people.len() * 4 > most * 3 } else { self.people == people };
        let right = whole
            && self.count == people.len() as u64
            && self.callers == callers
            && self.people.contains(&self.me)
            && !self.closed;
        let Self { me, crowd, count, .. } = self;
        let believed = (&self.people, &self.callers);
        (!right)
            .then(|| format!("{me}: crowd {crowd}, {count}, {believed:?}; there are {people:?}, {callers:?}: {:?}", self.frames))
    }
}

#[derive(Default)]
struct Eye(Mutex<Belief>);

impl Eye {
    fn sees(&self) -> MutexGuard<'_, Belief> {
        self.0.lock()
    }
}

impl Subscriber for Eye {
    fn encoder(&self) -> &'static Encoder {
        &LINES
    }

    fn deliver(&self, frames: &[Bytes]) {
        let mut belief = self.sees();
        for line in frames
            .iter()
            .flat_map(|frame| frame.split(|byte| *byte == b'\n'))
            .filter(|line| !line.is_empty())
        {
            belief.bytes += line.len();
            belief.read(serde_json::from_slice(line).unwrap());
        }
    }

    fn close(&self, _: &ApiError) {
        self.sees().closed = true;
    }
}

struct Someone {
    seat: Session,
    eye: Arc<Eye>,
}

impl Someone {
    /// The types and counts of what was told since this was last asked, but for the rest.
    fn told(&self) -> Vec<(String, u64)> {
        let frames = std::mem::take(&mut self.eye.sees().frames);
        let word = |frame: &Value| frame["type"].as_str().unwrap().to_owned();
        frames.iter().filter_map(|frame| Some((word(frame), frame["count"].as_u64()?))).collect()
    }

    fn first(&self) -> Value {
        self.eye.sees().frames[0].clone()
    }

    fn ticket(&self) -> String {
        self.first()["ticket"].as_str().unwrap().to_owned()
    }
}

fn room() -> RoomId {
    "r".parse().unwrap()
}

fn limits() -> Limits {
    Limits { members: 10_000, ..Limits::default() }
}

fn rooms(crowd: usize) -> Arc<RoomRegistry> {
    let (limits, grace) = (limits(), Duration::from_secs(15));
    RoomRegistry::new(HubConfig { limits, crowd, grace, ..config() })
}

/// A node in a world, where every name is as long as any other.
fn node(world: &Arc<World>, number: u64, crowd: usize) -> (Arc<Hub>, Arc<Memory>) {
    let rooms = rooms(crowd);
    let store = Memory::new(Arc::clone(world), NodeId(number), Arc::clone(&rooms) as _);
    (Hub::new(rooms, Arc::clone(&store) as _), store)
}

async fn enter(hub: &Arc<Hub>, ticket: Option<String>) -> Someone {
    loop {
        let (eye, name) = (Arc::new(Eye::default()), Some("Somebody".parse().unwrap()));
        let join_request = JoinRequest {
            room: room(),
            name,
            ticket: ticket.clone(),
            cursor: None,
            usage: None,
            invite: None,
            waits: false,
        };
        match hub.enter(join_request, Arc::clone(&eye) as _).await {
            Ok(seat) => return Someone { seat, eye },
            Err(trouble) => assert_eq!(trouble, ApiError::StoreUnavailable),
        }
    }
}

async fn many(hub: &Arc<Hub>, count: usize) -> Vec<Someone> {
    let mut people = Vec::with_capacity(count);
    for _ in 0..count {
        people.push(enter(hub, None).await);
    }
    people
}
