//! A message to a large room goes out in slices: other rooms have their turn in between, and each member hears
//! everything once and in one order, while others join, leave and resume.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use parking_lot::Mutex;
use parlor::{
    hub::{Encoder, Hub, JoinRequest, RoomRegistry, Session, Subscriber},
    protocol::ApiError,
    room::{Cursor, Limits, NewEntry, NodeId},
    store::memory::{Memory, World, wall_clock},
};
use serde_json::Value;
use tokio::task::yield_now;

use crate::support::hub_config::{LINES, config};

const MANY: usize = 450;

/// What came over each link.
type Heard = Arc<Mutex<HashMap<String, Vec<Value>>>>;

/// Notes what is heard under a name.
struct Ear(String, Heard);

impl Subscriber for Ear {
    fn encoder(&self) -> &'static Encoder {
        &LINES
    }

    fn deliver(&self, frames: &[Bytes]) {
        for line in frames
            .iter()
            .flat_map(|frame| frame.split(|byte| *byte == b'\n'))
            .filter(|line| !line.is_empty())
        {
            self.1
                .lock()
                .entry(self.0.clone())
                .or_default()
                .push(serde_json::from_slice(line).unwrap());
        }
    }

    fn close(&self, _: &ApiError) {}
}

fn hub() -> Arc<Hub> {
    let rooms = RoomRegistry::new(config());
    let store =
        Memory::new(World::new(Limits::default(), wall_clock), NodeId(1), Arc::clone(&rooms) as _);
    Hub::new(rooms, store)
}

async fn enter(
    hub: &Arc<Hub>,
    room: &str,
    name: &str,
    heard: &Heard,
    back: Option<(String, Cursor)>,
) -> Session {
    let (ticket, cursor) = back.unzip();
    let (room, named) = (room.parse().unwrap(), Some(name.parse().unwrap()));
    let join_request =
        JoinRequest { room, name: named, ticket, cursor, usage: None, invite: None, waits: false };
    hub.enter(join_request, Arc::new(Ear(name.to_owned(), Arc::clone(heard)))).await.unwrap()
}

/// The numbers of what came over a link, with its welcome's history; the ticket and the room's life.
fn numbers(heard: &Heard, name: &str) -> (Vec<u64>, String, String) {
    let (mut numbers, mut ticket, mut life) = (Vec::new(), String::new(), String::new());
    for frame in heard.lock().get(name).into_iter().flatten() {
        if let Some(history) = frame["history"].as_array() {
            numbers.extend(history.iter().map(|entry| entry["seq"].as_u64().unwrap()));
            frame["ticket"].as_str().unwrap().clone_into(&mut ticket);
            frame["cursor"].as_str().unwrap().split('-').next().unwrap().clone_into(&mut life);
        }
        numbers.extend(frame["seq"].as_u64());
    }
    (numbers, ticket, life)
}

/// Lets the other tasks go on, time aside, until something holds.
async fn yield_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1_000_000 {
        if holds() {
            return;
        }
        yield_now().await;
    }
    panic!("in vain waited until {what}");
}

async fn publish(session: &mut Session, text: &str) {
    let entry = NewEntry { n: None, text: text.parse().unwrap() };
    session.publish(&[entry], |_, said| assert!(said.is_ok())).await;
}

#[tokio::test]
async fn other_rooms_speak_while_many_are_told() {
    let (hub, heard) = (hub(), Heard::default());
    let mut many = Vec::new();
    for who in 0..MANY {
        let name = format!("m{who}");
        many.push((name.clone(), enter(&hub, "many", &name, &heard, None).await));
    }
    let mut few = enter(&hub, "few", "Ann", &heard, None).await;
    heard.lock().clear();
    publish(&mut many[0].1, "to everybody").await;
    let told = || many.iter().filter(|(name, _)| numbers(&heard, name).0 == [1]).count();
    yield_until("the first are told", || told() > 0).await;
    assert!(told() < MANY, "not all in one go");
    publish(&mut few, "meanwhile").await;
    yield_until("Ann has her ack", || numbers(&heard, "Ann").0 == [1]).await;
    assert!(told() < MANY, "before all of the many were told");
    yield_until("all are told", || told() == MANY).await;
}

async fn everything_once_and_in_order_while_people_come_and_go() {
    const WORDS: u64 = 60;
    let (hub, heard) = (hub(), Heard::default());
    let mut rng = fastrand::Rng::with_seed(7);
    // The name of their link, what they have heard over links before it, and their seat.
    let mut people: Vec<(String, Vec<u64>, Session)> = Vec::new();
    for who in 0..MANY {
        let name = format!("m{who}");
        people.push((name.clone(), Vec::new(), enter(&hub, "r", &name, &heard, None).await));
    }
    let links = Arc::new(AtomicU64::new(0));
    let speaking = tokio::spawn({
        let links = Arc::clone(&links);
        let mut speakers =
            [people.swap_remove(200), people.swap_remove(100), people.swap_remove(0)];
        async move {
            for word in 0..WORDS {
                // Two in quick succession, then a moment in which the slices of both are on their way.
                publish(&mut speakers[word as usize % 3].2, &format!("word {word}")).await;
                let changes = links.load(Ordering::SeqCst) + 3 * (word % 2);
                while links.load(Ordering::SeqCst) < changes {
                    yield_now().await;
                }
            }
            speakers
        }
    });
    while !speaking.is_finished() {
        let (at, link) =
            (rng.usize(..people.len()), format!("link{}", links.fetch_add(1, Ordering::SeqCst)));
        match rng.u8(..4) {
            // Comes back over another link, while the old one is there or after it was lost.
            0 | 1 => {
                let (before, mut had, seat) = people.swap_remove(at);
                let (numbers, ticket, life) = numbers(&heard, &before);
                had.extend(numbers);
                let cursor =
                    format!("{life}-{}", had.last().copied().unwrap_or(0)).parse().unwrap();
                let older = rng.bool().then_some(seat);
                let back = enter(&hub, "r", &link, &heard, Some((ticket, cursor))).await;
                drop(older);
                people.push((link, had, back));
            }
            2 => {
                people.swap_remove(at).2.leave().await;
            }
            _ => {
                people.push((link.clone(), Vec::new(), enter(&hub, "r", &link, &heard, None).await))
            }
        }
        yield_now().await;
    }
    people.extend(speaking.await.unwrap());
    for (link, had, _) in &people {
        let all = || [&had[..], &numbers(&heard, link).0].concat();
        yield_until("everything is told", || all().last() == Some(&WORDS)).await;
        assert!(all().into_iter().eq(1..=WORDS), "{link}: {:?}", all());
    }
}

#[tokio::test]
async fn everything_once_and_in_order_by_turns() {
    everything_once_and_in_order_while_people_come_and_go().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_once_and_in_order_at_the_same_time() {
    everything_once_and_in_order_while_people_come_and_go().await;
}
