//! A member as a good client is one: comes back by itself with ticket and cursor, repeats with the same `n`
//! what was not acknowledged, and waits as it is asked to. The delays are the page's.

use std::{
    collections::{HashMap, VecDeque},
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    diary::Diary,
    link::{Socket, open},
    manner::{Patience, Wish},
    speech::{Pending, compose, described, is_amendment},
    support::folded::as_told,
    upload::{Upload, as_sent},
};

pub struct Person {
    diary: Arc<Mutex<Diary>>,
    wish: watch::Sender<Wish>,
    task: JoinHandle<()>,
}

impl Person {
    pub fn start(
        door: SocketAddr,
        room: &str,
        name: &str,
        pace: Duration,
        patience: Patience,
    ) -> Self {
        static COUNT: AtomicU8 = AtomicU8::new(0);
        let home = Ipv4Addr::new(127, 0, 1, COUNT.fetch_add(1, Ordering::Relaxed).max(1));
        let diary = Arc::new(Mutex::new(Diary::new(name)));
        let (wish, wishes) = watch::channel(Wish::Talk);
        let visitor = Visitor {
            home,
            door,
            pace,
            patience,
            room: room.to_owned(),
            name: name.to_owned(),
            diary: Arc::clone(&diary),
            wishes,
            seat: None,
            pending: VecDeque::new(),
            sent: HashMap::new(),
            upload: Upload::default(),
            n: 0,
            tries: 0,
        };
        Self { diary, wish, task: tokio::spawn(visitor.stay()) }
    }

    pub fn diary(&self) -> MutexGuard<'_, Diary> {
        self.diary.lock()
    }

    /// Prints the diary, also one whose writer has panicked.
    pub fn print(&self) {
        println!("{}", *self.diary.lock());
    }

    pub fn wish(&self, wish: Wish) {
        self.wish.send_replace(wish);
    }

    /// Ends when the member has left or died.
    pub async fn gone(&mut self) {
        (&mut self.task).await.unwrap();
    }
}

/// How many messages of one's own may wait for their acks.
const UNDER_WAY: usize = 3;

struct Visitor {
    /// An address of their own, as people have: what one address may do is not all that a crowd may.
    home: Ipv4Addr,
    door: SocketAddr,
    pace: Duration,
    patience: Patience,
    room: String,
    name: String,
    diary: Arc<Mutex<Diary>>,
    wishes: watch::Receiver<Wish>,
    /// Ticket and cursor.
    seat: Option<(String, String)>,
    pending: VecDeque<Pending>,
    /// What was sent under which `n`, as the others are told of it.
    sent: HashMap<u64, Value>,
    upload: Upload,
    n: u64,
    tries: u32,
}

/// How a link ended.
enum End {
    ForGood,
    ComeBack(Duration),
}

impl Visitor {
    fn diary(&self) -> MutexGuard<'_, Diary> {
        self.diary.lock()
    }

    async fn stay(mut self) {
        loop {
            let seat = self.seat.as_ref();
            let opening = open((self.home, self.door), &self.room, &self.name, seat, self.patience);
            let end = match opening.await {
                Ok(socket) => self.visit(socket).await,
                Err(what) => {
                    self.diary().saw(what);
                    self.backoff(Duration::ZERO)
                }
            };
            self.diary().linked = false;
            let End::ComeBack(after) = end else { return };
            let dies = self.wishes.wait_for(|wish| *wish == Wish::Die);
            if timeout(after, dies).await.is_ok() {
                return;
            }
        }
    }

    fn backoff(&mut self, asked: Duration) -> End {
        self.tries += 1;
        let most = (500 << self.tries.min(5)).min(15_000);
        End::ComeBack(asked + Duration::from_millis(fastrand::u64(0..most)))
    }

    /// One link, until it ends.
    async fn visit(&mut self, mut socket: Socket) -> End {
        let mut ticks = interval(self.pace);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut heard, mut pinged, mut asked, mut leaving) =
            (Instant::now(), None, Duration::ZERO, false);
        let opened = Instant::now();
        loop {
            let linked = self.diary().linked;
            let mut out = None;
            tokio::select! {
                message = socket.next() => {
                    (heard, pinged) = (Instant::now(), None);
                    match message {
                        Some(Ok(Message::Text(text))) => {
                            let frame: Value = serde_json::from_str(&text).unwrap();
                            asked = frame["retryAfter"].as_u64().map_or(asked, Duration::from_millis);
                            self.hear(&frame);
                        }
                        Some(Ok(Message::Close(close))) => {
                            let code = close.map_or(1005, |close| close.code.into());
                            if leaving && code == 1000 {
                                return End::ForGood;
                            }
                            self.diary().saw(format!("close {code}"));
                            if opened.elapsed() > Duration::from_secs(10) {
                                self.tries = 0;
                            }
                            return match code {
                                1013 if self.tries == 0 => End::ComeBack(Duration::ZERO),
                                _ => self.backoff(asked),
                            };
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => {
                            self.diary().saw("link lost");
                            return self.backoff(Duration::ZERO);
                        }
                    }
                }
                _ = ticks.tick() => {
                    // Who is dropped by the test has died.
                    let wish = if self.wishes.has_changed().is_ok() { *self.wishes.borrow() } else { Wish::Die };
                    match wish {
                        Wish::Die => return End::ForGood,
                        Wish::Leave if linked && !leaving && self.pending.is_empty() => {
                            leaving = true;
                            out = Some(json!({"type": "leave"}));
                        }
                        _ if linked && !leaving => out = self.speak(wish).await,
                        _ => {}
                    }
                    if !linked && opened.elapsed() > self.patience.welcome_within {
                        self.diary().saw("no welcome");
                        return self.backoff(Duration::ZERO);
                    }
                    match pinged {
                        None if linked && out.is_none() && heard.elapsed() > self.patience.ping_after => {
                            pinged = Some(Instant::now());
                            out = Some(json!({"type": "ping"}));
                        }
                        Some(at) if at.elapsed() > self.patience.pong_within => {
                            self.diary().saw("link silent");
                            return self.backoff(Duration::ZERO);
                        }
                        _ => {}
                    }
                }
            }
            if let Some(frame) = out
                && !matches!(
                    timeout(
                        self.patience.pong_within,
                        socket.send(Message::text(frame.to_string()))
                    )
                    .await,
                    Ok(Ok(()))
                )
            {
                self.diary().saw("link lost");
                return self.backoff(Duration::ZERO);
            }
        }
    }

    /// What to say now, if anything.
    async fn speak(&mut self, wish: Wish) -> Option<Value> {
        if wish == Wish::Talk && self.pending.len() < UNDER_WAY {
            self.n += 1;
            let file = self.upload.whole().await;
            let ticket = self.seat.as_ref()?.0.clone();
            let files = format!("http://{}/api/rooms/{}/files", self.door, self.room);
            let name = format!("{} {}.txt", self.name, self.n);
            self.upload.begin(self.n, self.home.into(), files, ticket, name);
            let mut diary = self.diary.lock();
            let mut frame = compose(self.n, diary.known());
            if let Some(file) = file.filter(|_| !is_amendment(&frame)) {
                frame["files"] = json!([file]);
            }
            let text = described(&self.item(&frame, 0, &diary));
            diary.said.insert(text.clone(), (Instant::now(), None));
            if is_amendment(&frame) {
                diary.amendments.insert(text.clone(), None);
            }
            diary.quiet = false;
            drop(diary);
            self.sent.insert(self.n, frame.clone());
            self.pending.push_back(Pending { n: self.n, frame, text, again: Some(Instant::now()) });
        }
        let now = Instant::now();
        let due =
            self.pending.iter_mut().find(|pending| pending.again.is_some_and(|at| at <= now))?;
        due.again = None;
        Some(as_sent(&due.frame))
    }

    /// An entry of one's own as the others are told of it.
    fn item(&self, frame: &Value, seq: u64, diary: &Diary) -> Value {
        let mut item = as_told(frame, seq, &diary.id);
        item["user"] = self.name.clone().into();
        item
    }

    /// Takes a frame.
    fn hear(&mut self, frame: &Value) {
        if let (Some((_, cursor)), Some(newest)) = (&mut self.seat, frame["cursor"].as_str()) {
            newest.clone_into(cursor);
        }
        let diary = Arc::clone(&self.diary);
        let mut diary = diary.lock();
        match frame["type"].as_str().unwrap() {
            "welcome" | "reset" => {
                let lives = diary.lives.len();
                diary.arrive(frame, self.seat.is_some());
                let ticket = frame["ticket"].as_str().unwrap();
                ticket.clone_into(&mut diary.ticket);
                if frame["type"] == "reset" || frame["resumed"] != true {
                    self.upload.end();
                    self.pending.iter_mut().for_each(|pending| pending.forget("files"));
                }
                if diary.lives.len() > lives {
                    // In another life other messages have these numbers.
                    self.pending.retain(|pending| {
                        let void = is_amendment(&pending.frame);
                        if void {
                            diary.withdraw(&pending.text);
                        }
                        !void
                    });
                }
                diary.linked = true;
                let text = |name: &str| frame[name].as_str().unwrap().to_owned();
                self.seat = Some((text("ticket"), text("cursor")));
                self.n = self.n.max(frame["lastN"].as_u64().unwrap());
                // What was said has come back as history; what was not is said again.
                self.pending.retain(|pending| diary.said[&pending.text].1.is_none());
                diary.quiet = self.pending.is_empty();
                for pending in &mut self.pending {
                    pending.again = Some(Instant::now());
                }
            }
            "chat" | "react" | "edit" | "delete" => diary.hear(frame),
            "ack" => {
                let sent = &self.sent[&frame["n"].as_u64().unwrap()];
                let mut item = self.item(sent, frame["seq"].as_u64().unwrap(), &diary);
                item["cursor"] = frame["cursor"].clone();
                if frame["duplicate"] != true {
                    diary.hear(&item);
                } else if is_amendment(&item) {
                    // It may have come back in its message, which does not tell its number.
                    diary.acknowledge(&described(&item), &item);
                } else {
                    diary.saw("ack of a repetition");
                }
                if let Some(at) = self.pending.iter().position(|pending| frame["n"] == pending.n) {
                    let pending = self.pending.remove(at).unwrap();
                    diary.acknowledge(&pending.text, &item);
                }
                diary.quiet = self.pending.is_empty();
            }
            "joined" => diary.joined(frame),
            "left" => diary.left(frame),
            "pong" | "typing" => {}
            // Its message was deleted meanwhile, or Redis has lost its file.
            "error" if ["no_target", "no_file"].contains(&frame["code"].as_str().unwrap()) => {
                if frame["code"] == "no_file" {
                    diary.saw("error no_file");
                }
                if let Some(at) = self.pending.iter().position(|pending| frame["n"] == pending.n) {
                    let pending = &mut self.pending[at];
                    if is_amendment(&pending.frame) {
                        diary.withdraw(&pending.text);
                        self.pending.remove(at);
                    } else {
                        let is_reply = frame["code"] == "no_target";
                        pending.forget(if is_reply { "replyTo" } else { "files" });
                        pending.again = Some(Instant::now());
                        self.sent.insert(pending.n, pending.frame.clone());
                    }
                }
                diary.quiet = self.pending.is_empty();
            }
            "error" => {
                diary.saw(format!("error {}", frame["code"].as_str().unwrap()));
                if let Some(at) = self.pending.iter().position(|pending| frame["n"] == pending.n) {
                    let mut pending = self.pending.remove(at).unwrap();
                    let after = frame["retryAfter"].as_u64().unwrap_or(250);
                    pending.again = Some(Instant::now() + Duration::from_millis(after));
                    if frame["code"] == "stale_n" {
                        // Surely not said, and never to be under that number: a later one was.
                        self.n += 1;
                        pending.n = self.n;
                        pending.frame["n"] = self.n.into();
                        self.sent.insert(pending.n, pending.frame.clone());
                    }
                    self.pending.push_back(pending);
                    self.pending.make_contiguous().sort_unstable_by_key(|pending| pending.n);
                }
            }
            other => {
                diary.saw(format!("{other} {}", frame["code"].as_str().unwrap()));
                diary.retries.extend(frame["retryAfter"].as_u64());
            }
        }
    }
}
