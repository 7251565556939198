//! The hub with readers that only remember, and time that jumps.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parlor::{
    hub::{Entrance, Hub, Reader, Rooms, Seat, Terms, Wire},
    protocol::Trouble,
    room::{Cursor, Limits, NodeId, RoomId},
    store::memory::{Memory, World, wall_clock},
    ticket::Signer,
};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

static LINES: Wire = Wire { frame: |json, _: Option<Cursor>, out| out.extend(json.iter().chain(b"\n")) };

/// Remembers every frame, and the close as `{"closed": code}`.
struct Ear(UnboundedSender<Value>);

impl Reader for Ear {
    fn wire(&self) -> &'static Wire {
        &LINES
    }

    fn deliver(&self, frames: &[Bytes]) {
        for line in frames.iter().flat_map(|frame| frame.split(|byte| *byte == b'\n')).filter(|line| !line.is_empty()) {
            let _ = self.0.send(serde_json::from_slice(line).unwrap());
        }
    }

    fn close(&self, why: &Trouble) {
        let _ = self.0.send(serde_json::json!({ "closed": why.close_code() }));
    }
}

struct Someone {
    seat: Seat,
    heard: UnboundedReceiver<Value>,
    welcome: Value,
}

impl Someone {
    async fn hears(&mut self) -> Value {
        self.heard.recv().await.unwrap()
    }
}

fn hub() -> (Arc<Hub>, Arc<World>) {
    let limits = Limits::default();
    let terms = Terms { signer: Signer::new(""), limits, grace: Duration::from_secs(15), video: None, clock: wall_clock };
    let rooms = Rooms::new(terms);
    let world = World::new(limits, wall_clock);
    let store = Memory::new(Arc::clone(&world), NodeId(1), Arc::clone(&rooms) as _);
    (Hub::new(rooms, store), world)
}

async fn enter(hub: &Arc<Hub>, room: &str, name: &str, back: Option<&Value>) -> Someone {
    let (ear, mut heard) = unbounded_channel();
    let word = |field: &str| back.map(|welcome| welcome[field].as_str().unwrap().to_owned());
    let entrance = Entrance {
        room: room.parse::<RoomId>().unwrap(),
        name: Some(name.parse().unwrap()),
        ticket: word("ticket"),
        cursor: word("cursor").map(|cursor| cursor.parse().unwrap()),
    };
    let seat = hub.enter(entrance, Arc::new(Ear(ear))).await.unwrap();
    let welcome = heard.recv().await.unwrap();
    assert_eq!(welcome["type"], "welcome");
    Someone { seat, heard, welcome }
}

#[tokio::test(start_paused = true)]
async fn a_lost_seat_is_held_for_the_grace_and_not_longer() {
    let (hub, world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let lost = tokio::time::Instant::now();
    drop(bob);
    let left = ann.hears().await;
    assert_eq!((left["type"].as_str(), left["reason"].as_str(), left["count"].as_u64()), (Some("left"), Some("lost"), Some(1)));
    assert_eq!(lost.elapsed().as_secs(), 15);
    drop(ann);
    tokio::time::sleep(Duration::from_secs(16)).await;
    assert!(world.is_empty() && hub.counts() == (0, 0), "nothing of the room is left");
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_in_time_was_never_gone() {
    let (hub, _world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let welcome = bob.welcome.clone();
    drop(bob);
    tokio::time::sleep(Duration::from_secs(14)).await;
    ann.seat.say(Some(1), &"are you there?".parse().unwrap()).await.unwrap();
    let mut bob = enter(&hub, "r", "Somebody", Some(&welcome)).await;
    assert_eq!(bob.welcome["clientId"], welcome["clientId"]);
    assert_eq!(bob.welcome["user"], "Bob");
    assert_eq!((bob.welcome["resumed"].as_bool(), bob.welcome["reset"].as_bool()), (Some(true), Some(false)));
    assert_eq!(bob.welcome["history"][0]["text"], "are you there?");
    tokio::time::sleep(Duration::from_secs(60)).await;
    bob.seat.say(Some(1), &"yes".parse().unwrap()).await.unwrap();
    assert_eq!(ann.hears().await["type"], "ack");
    assert_eq!(ann.hears().await["text"], "yes", "and nobody heard of it");
    assert_eq!(bob.hears().await["type"], "ack");
}

#[tokio::test(start_paused = true)]
async fn typing_ends_by_itself() {
    let (hub, _world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let mut bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let begun = tokio::time::Instant::now();
    bob.seat.typing(true).await.unwrap();
    assert_eq!(ann.hears().await["typing"], true);
    assert_eq!(ann.hears().await["typing"], false);
    assert_eq!(begun.elapsed().as_secs(), 6);
    bob.seat.typing(true).await.unwrap();
    assert_eq!(ann.hears().await["typing"], true);
    bob.seat.say(None, &"done".parse().unwrap()).await.unwrap();
    assert_eq!(ann.hears().await["type"], "chat");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(ann.heard.try_recv().is_err(), "a message ends it without a word");
}

#[tokio::test(start_paused = true)]
async fn a_seat_opened_elsewhere_closes_the_first_link() {
    let (hub, _world) = hub();
    let mut first = enter(&hub, "r", "Ann", None).await;
    let second = enter(&hub, "r", "Ann", Some(&first.welcome)).await;
    assert_eq!(first.hears().await["closed"], 4001);
    drop(first);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(hub.counts(), (1, 1), "the late goodbye of the first link is void");
    assert_eq!(hub.count(second.seat.room()).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_stopping_node_tells_everybody_and_lets_nobody_in() {
    let (hub, world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    hub.goodbye().await;
    assert_eq!(ann.hears().await["closed"], 1012);
    assert!(world.is_empty());
    let (ear, _heard) = unbounded_channel();
    let entrance = Entrance { room: "r".parse().unwrap(), name: None, ticket: None, cursor: None };
    assert!(matches!(hub.enter(entrance, Arc::new(Ear(ear))).await, Err(Trouble::Restarting(_))));
}
