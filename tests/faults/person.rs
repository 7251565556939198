//! A member as a good client is one: comes back by itself with ticket and cursor, repeats with the same `n`
//! what was not acknowledged, and waits as it is asked to. The delays are the page's.

mod hearing;

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
    host::Host,
    link::{Socket, open},
    manner::{Patience, Wish},
    speech::{Pending, compose, described, is_amendment},
    support::folded::as_told,
    upload::{Upload, as_sent},
};

pub struct Person {
    /// Its own address.
    pub home: Ipv4Addr,
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
            host: Host::default(),
            n: 0,
            tries: 0,
            burning: None,
        };
        Self { home, diary, wish, task: tokio::spawn(visitor.stay()) }
    }

    pub fn diary(&self) -> MutexGuard<'_, Diary> {
        self.diary.lock()
    }

    /// The diary, for one that goes on reading it.
    pub fn shared(&self) -> Arc<Mutex<Diary>> {
        Arc::clone(&self.diary)
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

/// What one sees who was away when the room ended.
const GONE: &str = "the room was gone";

/// The close of a newcomer while the room is locked.
const LOCKED: u16 = 4423;

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
    host: Host,
    n: u64,
    tries: u32,
    /// The life of the room that its host is to end.
    burning: Option<String>,
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

    /// Whether the close is the last one.
    fn is_put_out(&self, code: u16) -> bool {
        matches!(
            (code, self.diary().ended.as_deref()),
            (4403, Some("kicked")) | (4410, Some("burned"))
        )
    }

    /// Who was away when a room was ended finds another one, and leaves it.
    fn unless_gone(&mut self, wish: Wish) -> Wish {
        if !matches!(wish, Wish::Burn | Wish::Stay) {
            return wish;
        }
        let epoch = self.diary().place().map(|(epoch, _)| epoch.to_owned()).unwrap_or_default();
        if *self.burning.get_or_insert_with(|| epoch.clone()) == epoch {
            return wish;
        }
        let mut diary = self.diary();
        if !diary.seen.iter().any(|(_, what)| what == GONE) {
            diary.saw(GONE);
        }
        Wish::Leave
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
                            if leaving && code == 1000 || self.is_put_out(code) {
                                return End::ForGood;
                            }
                            // The host opens the door again.
                            if code != LOCKED {
                                self.diary().saw(format!("close {code}"));
                            }
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
                    let wish = if linked { self.unless_gone(wish) } else { wish };
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
        if let Some(request) = self.host.decide(self.n, wish, &self.diary.lock()) {
            return Some(request);
        }
        if matches!(wish, Wish::Talk | Wish::Chat) && self.pending.len() < UNDER_WAY {
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
            let again = Some(Instant::now());
            self.pending.push_back(Pending { n: self.n, frame, text, again, muted: false });
        }
        let now = Instant::now();
        // What the host's decision keeps back comes before what follows it.
        let mut waiting = self.pending.iter_mut();
        let due =
            waiting.find(|pending| pending.again.is_some_and(|at| pending.muted || at <= now))?;
        due.again.filter(|at| *at <= now)?;
        due.again = None;
        Some(as_sent(&due.frame))
    }

    /// An entry of one's own as the others are told of it.
    fn item(&self, frame: &Value, seq: u64, diary: &Diary) -> Value {
        let mut item = as_told(frame, seq, &diary.id);
        item["user"] = self.name.clone().into();
        item
    }
}
