//! Nodes with a ledger: what was acknowledged against what was heard, while a host decides again and again.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parlor::{
    room::{HostAction, Joiner, LeaveReason, Limits, Lock, Member, MemberId, RoomId, RoomRules},
    store::{Event, Store, StoreError, redis::Redis},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{
    Heard, a_room, entry, line::Line, name, node_id, ready, recorder, redis::Server, tag, text,
    until,
};

/// A node whose store can be asked what it has mended.
pub struct Node {
    pub store: Arc<Redis>,
    pub heard: Heard,
}

pub fn connect(url: &str, limits: Limits) -> Node {
    let (feed, heard) = recorder();
    let store =
        Redis::connect(url, node_id(), limits, Duration::from_millis(limits.lease * 8), feed)
            .unwrap();
    Node { store, heard }
}

pub async fn node(url: &str, limits: Limits) -> Node {
    let node = connect(url, limits);
    ready(&*node.store).await;
    node
}

/// Ann sits at a node whose line is held until it is taken for dead. Bob sits elsewhere, and has heard her leave.
pub struct Asleep {
    pub server: Server,
    pub line: Line,
    pub sleeper: Node,
    pub other: Node,
    pub room: RoomId,
    pub ann: Member,
    pub bob: MemberId,
}

impl Asleep {
    pub async fn begin() -> Self {
        let limits = Limits { lease: 900, ..Limits::default() };
        let server = Server::start();
        let line = Line::to(server.port()).await;
        let (mut sleeper, mut other) =
            (node(&line.url(), limits).await, node(&server.url(), limits).await);
        let room = a_room();
        let (id, _) = sleeper.join(&room, "Ann").await;
        let (bob, _) = other.join(&room, "Bob").await;
        sleeper.heard.joined().await;
        sleeper.heard.joined().await;
        line.hold(true);
        // On a busy machine she may have been lost before, and have come back.
        let ann = loop {
            let (ann, reason, ..) = other.heard.left().await;
            assert_eq!((ann.id, reason), (id, LeaveReason::NodeLost));
            if other.people(&room).await == [bob] {
                break ann;
            }
        };
        Self { server, line, sleeper, other, room, ann, bob }
    }
}

impl Node {
    pub async fn join(&self, room: &RoomId, who: &str) -> (MemberId, u64) {
        let (id, tag) = (MemberId::random(), tag());
        self.store
            .join(room, &Joiner::new(id, &name(who)), tag, Instant::now(), None)
            .await
            .unwrap();
        (id, tag)
    }

    /// Who is in the room, in the order of their ids.
    pub async fn people(&self, room: &RoomId) -> Vec<MemberId> {
        sorted(
            self.store
                .snapshot(room, false)
                .await
                .unwrap()
                .unwrap()
                .members
                .iter()
                .map(|member| member.id)
                .collect(),
        )
    }
}

pub fn sorted(mut ids: Vec<MemberId>) -> Vec<MemberId> {
    ids.sort_unstable();
    ids
}

/// Number, sender, and the sender's own count.
type Record = (u64, MemberId, u64);

/// So many messages come between two decisions of a host.
const BETWEEN: u64 = 8;

/// A member that says something every few milliseconds, and keeps a ledger of what was acknowledged.
/// What fails for lack of a store is said again with the same `n`, as clients do.
pub struct Speaker {
    stop: watch::Sender<bool>,
    /// How much was acknowledged.
    count: Arc<AtomicUsize>,
    ledger: JoinHandle<Vec<Record>>,
}

impl Speaker {
    /// The host locks the room and opens it again all the time.
    pub fn start(store: &Arc<Redis>, room: &RoomId, id: MemberId, is_host: bool) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (store, room) = (Arc::clone(store), room.clone());
        let count = Arc::new(AtomicUsize::new(0));
        let acknowledged = Arc::clone(&count);
        let ledger = tokio::spawn(async move {
            let (mut ledger, mut n) = (Vec::new(), 1);
            while !*stopped.borrow() {
                match store.publish(&room, id, entry(n, &text("hello"))).await {
                    Ok(said) => {
                        ledger.push((said.seq, id, n));
                        acknowledged.store(ledger.len(), Ordering::Relaxed);
                        n += 1;
                    }
                    Err(StoreError::Unavailable) => {}
                    Err(error) => panic!("{error}"),
                }
                if is_host && n % BETWEEN == 0 {
                    let lock = if n % (2 * BETWEEN) == 0 { Lock::Locked } else { Lock::Open };
                    match store.decide(&room, id, &HostAction::Lock(lock)).await {
                        Ok(()) | Err(StoreError::Unavailable | StoreError::Busy(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                sleep(Duration::from_millis(5)).await;
            }
            ledger
        });
        Self { stop, count, ledger }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub async fn finish(self) -> Vec<Record> {
        self.stop.send(true).unwrap();
        self.ledger.await.unwrap()
    }
}

/// Two nodes with one member each, both speaking while something happens and a little longer.
async fn speak(
    url: &str,
    room: &RoomId,
    limits: Limits,
    happens: impl Future<Output = ()>,
) -> ([Node; 2], [MemberId; 2], Vec<Record>) {
    // People here speak faster than people do: who is late must still find all of it in the log.
    let limits = Limits { history_len: 10_000, history_bytes: 1 << 24, ..limits };
    let mut nodes = [node(url, limits).await, node(url, limits).await];
    let people = [nodes[0].join(room, "Ann").await.0, nodes[1].join(room, "Bob").await.0];
    let speakers = [0, 1].map(|at| Speaker::start(&nodes[at].store, room, people[at], at == 0));
    nodes[0].heard.entry().await;
    happens.await;
    // Until both have been heard again after it was over.
    let then = speakers.each_ref().map(|speaker| speaker.count());
    until("both have said more", async || {
        speakers.iter().zip(then).all(|(speaker, then)| speaker.count() > then + 10)
    })
    .await;
    let mut ledger = Vec::new();
    for speaker in speakers {
        ledger.extend(speaker.finish().await);
    }
    ledger.sort_unstable();
    (nodes, people, ledger)
}

/// Both nodes speak while something happens; then every acknowledged message
/// has reached both exactly once, in one order, and no member was told anything else.
pub async fn nothing_is_lost_while(
    url: &str,
    room: &RoomId,
    limits: Limits,
    happens: impl Future<Output = ()>,
) -> [Node; 2] {
    let (mut nodes, people, ledger) = speak(url, room, limits, happens).await;
    assert!(
        ledger.iter().map(|(seq, ..)| *seq).eq(1..=ledger.len() as u64),
        "dense and without doubles"
    );
    for (skipped, node) in [1, 0].into_iter().zip(&mut nodes) {
        let (mut told, mut joins) = (Vec::new(), 0);
        let now = node.store.snapshot(room, false).await.unwrap().unwrap();
        let (mut rules, mut last) = (None, 0);
        let lags = |rules: &Option<Arc<RoomRules>>| match rules {
            Some(rules) => *rules != now.rules,
            None => now.rules.lock != Lock::Open,
        };
        while told.len() + skipped < ledger.len() || lags(&rules) {
            match node.heard.next().await {
                Event::Said { entry, .. } => told.push((entry.seq, entry.from, entry.n)),
                Event::Joined { .. } => joins += 1,
                Event::Rules { rules: newer, version, .. } => {
                    assert!(version > last, "in the order in which they changed");
                    (rules, last) = (Some(newer), version);
                }
                // Of several changes that a node has missed, nothing may be left to tell.
                Event::Unchanged { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(told, ledger[skipped..]);
        assert!(joins <= 2);
        let mut rest = node.heard.rest();
        rest.retain(|event| !matches!(event, Event::Unchanged { .. }));
        assert_eq!(rest, []);
    }
    assert_eq!(nodes[0].people(room).await, sorted(people.to_vec()));
    nodes
}

/// The same where Redis itself may lose what it has acknowledged: then, and only then, a node that
/// misses some of it was told so by a reset. In the end both see the same log and the same people.
/// Gives how often each was reset.
pub async fn nothing_is_lost_in_silence_while(
    url: &str,
    room: &RoomId,
    limits: Limits,
    happens: impl Future<Output = ()>,
) -> [usize; 2] {
    let (mut nodes, people, ledger) = speak(url, room, limits, happens).await;
    // The last word of each, so that both are known to have heard the end.
    let end = 1_000_000_000;
    for (node, who) in nodes.iter().zip(people) {
        until("the end is said", async || {
            node.store.publish(room, who, entry(end, &text("the end"))).await.is_ok()
        })
        .await;
    }
    let mut resets = [0, 0];
    let mut logs = Vec::new();
    for (at, node) in nodes.iter_mut().enumerate() {
        // One line was taken from the first node before; and what is in the log has been seen by it.
        let (mut log, mut life, mut heard) = (Vec::<Record>::new(), None, HashSet::new());
        while people.iter().any(|who| !log.iter().any(|(_, from, n)| (from, *n) == (who, end))) {
            match node.heard.next().await {
                Event::Said { epoch, entry } => {
                    assert_eq!(
                        *life.get_or_insert(epoch),
                        epoch,
                        "another life begins with a reset"
                    );
                    assert!(
                        log.last().is_none_or(|last| last.0 + 1 == entry.seq),
                        "{:?} before {entry:?}",
                        log.last()
                    );
                    assert!(
                        !log.iter().any(|(_, from, n)| (*from, *n) == (entry.from, entry.n)),
                        "twice: {entry:?}"
                    );
                    log.push((entry.seq, entry.from, entry.n));
                    heard.insert((entry.from, entry.n));
                }
                Event::Reset(room) => {
                    resets[at] += 1;
                    life = Some(room.epoch);
                    log =
                        room.history.iter().map(|entry| (entry.seq, entry.from, entry.n)).collect();
                    heard.extend(log.iter().map(|(_, from, n)| (*from, *n)));
                }
                _ => {}
            }
        }
        let skipped = usize::from(at == 0);
        let missing = ledger
            .iter()
            .skip(skipped)
            .filter(|(_, from, n)| !heard.contains(&(*from, *n)))
            .count();
        assert!(missing == 0 || resets[at] > 0, "{missing} messages were lost in silence");
        println!("{} acknowledged, {missing} not heard, {} resets", ledger.len(), resets[at]);
        logs.push((life, log));
    }
    assert_eq!(logs[0].0, logs[1].0, "one life");
    let shorter = logs[0].1.len().min(logs[1].1.len());
    let tail = |log: &[Record]| log[log.len() - shorter..].to_vec();
    assert_eq!(tail(&logs[0].1), tail(&logs[1].1), "one order");
    assert_eq!(nodes[0].people(room).await, sorted(people.to_vec()));
    resets
}
