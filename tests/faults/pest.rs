//! One whom the host removes, and who tries again and again to come back: by the ticket, and anew from an address that
//! is kept out.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    diary::Diary,
    link::open,
    manner::{Patience, Wish},
    person::Person,
    rules::PEST,
};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(400);

/// How it may be refused: as one who was removed, or because a node or the store is away.
const REFUSALS: [&str; 12] = [
    KICKED,
    "store_unavailable",
    "store_full",
    "restarting",
    "connection refused",
    "upgrade broken off",
    "link lost",
    "no answer",
    "gone",
    "close 1012",
    "HTTP 502",
    "HTTP 503",
];
const KICKED: &str = "kicked";

/// What became of its tries.
#[derive(Default)]
struct Tries {
    refused: BTreeMap<String, usize>,
    inside: Vec<String>,
}

pub struct Pest {
    pub person: Person,
    tries: Arc<Mutex<Tries>>,
    task: JoinHandle<()>,
}

impl Pest {
    /// Comes in by the first of the doors, and tries all of them later.
    pub fn start(
        doors: &[SocketAddr],
        room: &str,
        (number, by_address): (usize, bool),
        pace: Duration,
    ) -> Self {
        let how = if by_address { "Address" } else { "Ticket" };
        let name = format!("{PEST}{how}{number}");
        let person = Person::start(doors[0], room, &name, pace, Patience::PAGE);
        let tries = Arc::new(Mutex::new(Tries::default()));
        let pesters = Pesters {
            home: person.home,
            doors: doors.to_vec(),
            room: room.to_owned(),
            name,
            by_address,
            tries: Arc::clone(&tries),
        };
        let task = tokio::spawn(pesters.pester(person.shared()));
        Self { person, tries, task }
    }

    /// The host has removed it.
    pub fn is_out(&self) -> bool {
        self.person.diary().ended.is_some()
    }

    /// How often it was refused as one who was removed.
    pub fn kicked(&self) -> usize {
        self.tries.lock().refused.get(KICKED).copied().unwrap_or_default()
    }

    /// How often it was refused as one who was removed, or was not refused.
    pub fn answers(&self) -> usize {
        self.kicked() + self.tries.lock().inside.len()
    }

    /// It came back.
    pub fn is_back(&self) -> bool {
        !self.tries.lock().inside.is_empty()
    }

    /// Tries no more. Returns what must not have happened.
    pub fn stop(&self) -> Vec<String> {
        self.task.abort();
        self.person.wish(Wish::Die);
        let (tries, name) = (self.tries.lock(), self.person.diary().name.clone());
        let strange = tries.refused.iter().filter(|(how, _)| !REFUSALS.contains(&how.as_str()));
        let strange = strange.map(|(how, times)| format!("{name} was refused with {how}: {times}"));
        let inside = tries.inside.iter().map(|how| format!("{name} came back {how}"));
        strange.chain(inside).collect()
    }
}

impl Drop for Pest {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Pesters {
    home: Ipv4Addr,
    doors: Vec<SocketAddr>,
    room: String,
    name: String,
    by_address: bool,
    tries: Arc<Mutex<Tries>>,
}

impl Pesters {
    async fn pester(self, diary: Arc<Mutex<Diary>>) {
        while diary.lock().ended.is_none() {
            sleep(Duration::from_millis(20)).await;
        }
        let (ticket, cursor) = {
            let diary = diary.lock();
            let (epoch, seq) = diary.place().unwrap();
            (diary.ticket.clone(), format!("{epoch}-{seq}"))
        };
        let seat = (ticket, cursor);
        for turn in 0.. {
            let anew = self.by_address && turn % 2 == 1;
            let door = self.doors[turn % self.doors.len()];
            let answer = self.attempt(door, (!anew).then_some(&seat)).await;
            self.note(answer, anew, door);
            sleep(PAUSE).await;
        }
    }

    fn note(&self, answer: Result<String, String>, anew: bool, door: SocketAddr) {
        let mut tries = self.tries.lock();
        match answer {
            Ok(refusal) => *tries.refused.entry(refusal).or_default() += 1,
            Err(welcome) => {
                let how = if anew { "anew" } else { "by the ticket" };
                tries.inside.push(format!("{how} at {door}: {welcome}"));
            }
        }
    }

    /// How it was refused. The error is the welcome that it must not get.
    async fn attempt(
        &self,
        door: SocketAddr,
        seat: Option<&(String, String)>,
    ) -> Result<String, String> {
        let opening = open((self.home, door), &self.room, &self.name, seat, Patience::PAGE);
        let mut socket = match opening.await {
            Ok(socket) => socket,
            Err(what) => return Ok(what),
        };
        loop {
            let next = timeout(Patience::PAGE.welcome_within, socket.next()).await;
            let text = match next {
                Err(_) => return Ok("no answer".to_owned()),
                Ok(Some(Ok(Message::Text(text)))) => text,
                Ok(Some(Ok(Message::Close(close)))) => {
                    let code: u16 = close.map_or(1005, |close| close.code.into());
                    return Ok(format!("close {code}"));
                }
                Ok(Some(Ok(_))) => continue,
                Ok(Some(Err(_)) | None) => return Ok("link lost".to_owned()),
            };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if let Some(code) = frame["code"].as_str() {
                return Ok(code.to_owned());
            }
            if frame["type"] == "welcome" {
                let leave = Message::text(json!({"type": "leave"}).to_string());
                // The others must not wait for it.
                let _ = timeout(PAUSE, socket.send(leave)).await;
                let _ = timeout(PAUSE, socket.next()).await;
                let known = ["clientId", "resumed", "cursor", "count", "room", "members"];
                let told = known.map(|field| format!("{field} {}", frame[field]));
                return Err(told.join(", "));
            }
        }
    }
}
