//! A crowd that talks while something happens, and what is asked of it afterwards.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

mod ending;

use super::{
    LOSSY,
    diary::Diary,
    fleet::{Fleet, HubConfig, NODES},
    ledger::{Verdict, examine},
    manner::{Patience, Wish},
    person::Person,
    pest::Pest,
    support::{cluster::Cluster, redis::Server, sentinel::Watched},
    table::Row,
    until, upload,
};

/// How often every member hears every member before a fault and after it.
const ROUNDS: usize = 5;

/// Where rooms are kept, as far as the storm needs to know.
pub trait Backend {
    fn url(&self) -> String;
    /// Every key on every master, by SCAN.
    fn keys(&self) -> Vec<String>;
}

impl Backend for Server {
    fn url(&self) -> String {
        self.url()
    }

    fn keys(&self) -> Vec<String> {
        self.keys()
    }
}

impl Backend for Cluster {
    fn url(&self) -> String {
        self.url()
    }

    fn keys(&self) -> Vec<String> {
        self.keys()
    }
}

impl Backend for Watched {
    fn url(&self) -> String {
        self.url()
    }

    fn keys(&self) -> Vec<String> {
        self.keys()
    }
}

pub struct Storm<B> {
    pub redis: B,
    pub fleet: Fleet,
    pub config: HubConfig,
    /// By room.
    pub crowd: Vec<Vec<Person>>,
    /// Who came later and did not stay: in which room, and who.
    pub guests: Vec<(usize, Person)>,
    /// Whom the hosts remove: in which room, and who.
    pests: Vec<(usize, Pest)>,
    /// The first host of each room.
    pub hosts: Vec<String>,
    /// A master may be replaced by one that lacks what it has taken last.
    lossy: bool,
    pub struck: Instant,
    ended: Option<Instant>,
}

impl<B: Backend> Storm<B> {
    /// Every member has come in and has heard every member.
    pub async fn gather(redis: B) -> Self {
        Self::gather_on(redis, HubConfig::of_long_lease()).await
    }

    /// The same, for a fault that waits for leases to end.
    pub async fn gather_on(redis: B, config: HubConfig) -> Self {
        let urls = std::array::from_fn(|_| redis.url());
        Self::gather_with(redis, urls, config, Patience::PAGE).await
    }

    pub async fn gather_with(
        redis: B,
        urls: [String; NODES],
        config: HubConfig,
        patience: Patience,
    ) -> Self {
        let fleet = Fleet::start(urls, config).await;
        let mut crowd = Vec::new();
        for room in 0..config.rooms {
            let mut people = Vec::new();
            for number in 0..config.people {
                let name = format!("Member{number}");
                let person = Person::start(
                    fleet.nginx.address,
                    &format!("storm-{room}"),
                    &name,
                    config.pace,
                    patience,
                );
                until("a welcome", || {
                    let linked = person.diary().linked;
                    async move { linked.then_some(()) }
                })
                .await;
                people.push(person);
            }
            crowd.push(people);
        }
        let seats = fleet.seats().await;
        assert!(seats.iter().all(|seats| *seats > 0), "people on every node: {seats:?}");
        let mut storm = Self {
            redis,
            fleet,
            config,
            crowd,
            guests: Vec::new(),
            pests: Vec::new(),
            hosts: Vec::new(),
            lossy: false,
            struck: Instant::now(),
            ended: None,
        };
        storm.hosts = storm.crowd.iter().map(|room| room[0].diary().id.clone()).collect();
        let doors = storm.doors();
        storm.pester(&doors, 0);
        for _ in 0..ROUNDS {
            storm.all_hear_again().await;
        }
        storm.pests_are_out().await;
        storm.struck = Instant::now();
        storm
    }

    fn doors(&self) -> Vec<SocketAddr> {
        self.fleet.nodes.iter().map(|node| node.address).collect()
    }

    /// One for each room comes in, whom its host is to remove: by address, or not.
    fn pester(&mut self, doors: &[SocketAddr], turn: usize) {
        for room in 0..self.config.rooms {
            let mut doors = doors.to_vec();
            let at = room % doors.len();
            doors.rotate_left(at);
            let (number, by_address) = (self.pests.len(), (room + turn).is_multiple_of(2));
            let name = format!("storm-{room}");
            let pest = Pest::start(&doors, &name, (number, by_address), self.config.pace);
            self.pests.push((room, pest));
        }
    }

    /// Waits until every pest has been removed.
    async fn pests_are_out(&self) {
        until("all pests are removed", || {
            let out = self.pests.iter().all(|(_, pest)| pest.is_out());
            async move { out.then_some(()) }
        })
        .await;
    }

    /// What comes now is the fault; and while it lasts, the next are to be removed.
    pub fn strike(&mut self) {
        self.struck = Instant::now();
        let doors = vec![self.fleet.nginx.address];
        self.pester(&doors, 1);
    }

    /// What lasted is over.
    pub fn over(&mut self) {
        self.ended = Some(Instant::now());
    }

    /// A member comes in at a node's own door.
    pub async fn guest(&mut self, node: usize, room: usize) {
        let (door, name) = (self.fleet.nodes[node].address, format!("Guest{}", self.guests.len()));
        let person =
            Person::start(door, &format!("storm-{room}"), &name, self.config.pace, Patience::PAGE);
        until("a guest is acknowledged", || {
            let welcome = person.diary().said.values().any(|(_, acked)| acked.is_some());
            async move { welcome.then_some(()) }
        })
        .await;
        self.guests.push((room, person));
    }

    /// Waits until every member in a room has heard why a guest left; how long it took for the last of them.
    pub async fn heard_to_leave(&self, guest: usize, why: &str) -> Duration {
        let (room, person) = &self.guests[guest];
        let id = person.diary().id.clone();
        let mut last = Duration::ZERO;
        for listener in &self.crowd[*room] {
            let at = until("everybody has heard who left", || {
                let diary = listener.diary();
                let told = diary
                    .departures
                    .iter()
                    .find(|(who, reason, _)| *who == id && reason == why)
                    .map(|(.., at)| *at);
                async move { told }
            });
            last = last.max(at.await - self.struck);
        }
        last
    }

    /// Waits until a member has seen something since the strike.
    pub async fn somebody_saw(&self, what: &str) {
        until(what, || {
            let saw = |person: &Person| {
                person.diary().seen.iter().any(|(at, seen)| *at >= self.struck && seen == what)
            };
            let somebody = self.crowd.iter().flatten().any(saw);
            async move { somebody.then_some(()) }
        })
        .await;
    }

    /// Waits until every member has said something new and has heard something new of every other member.
    pub async fn all_hear_again(&mut self) {
        let since = Instant::now();
        for room in &self.crowd {
            until("everybody hears everybody", || {
                let diaries: Vec<_> = room.iter().map(Person::diary).collect();
                let heard = |listener: &Diary, text: &String| {
                    listener
                        .lives
                        .last()
                        .is_some_and(|life| life.lines.iter().rev().any(|line| line.text == *text))
                };
                // Any of them: what Redis lost right after `since` is never heard of again.
                let all = diaries.iter().all(|speaker| {
                    let mut news = speaker
                        .said
                        .iter()
                        .filter(|(_, (sent, acked))| *sent >= since && acked.is_some());
                    news.any(|(text, _)| diaries.iter().all(|diary| heard(diary, text)))
                });
                async move { all.then_some(()) }
            })
            .await;
        }
    }

    /// Waits until all is well, compares all diaries, and lets every member go. `may` is what members may have seen.
    pub async fn settle(mut self, fault: &str, may: &[&str]) -> Row {
        for _ in 0..ROUNDS {
            self.all_hear_again().await;
        }
        self.lossy = LOSSY.iter().all(|what| may.contains(what));
        let wrong = self.calm().await;
        let undone = (0..self.pests.len()).filter(|pest| self.is_undone(*pest)).count();
        let mut verdict = Verdict { amiss: wrong, undone, ..Verdict::default() };
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let from = self.ended.unwrap_or(self.struck);
        for (number, room) in self.crowd.iter().enumerate() {
            let diaries: Vec<_> = room.iter().map(Person::diary).collect();
            let guests: Vec<_> = self
                .guests
                .iter()
                .map(|(room, guest)| (room, guest))
                .chain(self.pests.iter().map(|(room, pest)| (room, &pest.person)))
                .filter(|(room, _)| **room == number)
                .map(|(_, guest)| guest.diary())
                .collect();
            examine(&diaries, &guests, from, &mut verdict);
            for (_, what) in
                diaries.iter().flat_map(|diary| &diary.seen).filter(|(at, _)| *at >= self.struck)
            {
                *seen.entry(what.clone()).or_default() += 1;
            }
        }
        for (number, room) in self.crowd.iter().enumerate() {
            let (door, name) = (self.fleet.nginx.address, format!("storm-{number}"));
            let look = upload::look(door, name, &room[0].diary());
            let (files, wrong) = look.await;
            verdict.files += files;
            verdict.amiss.extend(wrong);
        }
        verdict.refusals = self.pests.iter().map(|(_, pest)| pest.kicked()).sum();
        if verdict.decisions == 0 {
            verdict.amiss.push("no host has decided anything".to_owned());
        }
        let lasted = self.ended.map(|ended| ended - self.struck);
        let mut row = Row::new(fault, seen, may, lasted, verdict);
        for closing in self.crowd.iter().flatten().flat_map(|person| person.diary().retries.clone())
        {
            row.retries.insert(closing);
        }
        row.broken.extend(self.end().await);
        let keys = self.redis.keys();
        if !keys.is_empty() {
            row.broken.push(format!("left behind after the last leave: {keys:?}"));
        }
        if !row.broken.is_empty() {
            self.print_logs();
        }
        row
    }

    pub fn everybody(&self, wish: Wish) {
        for person in self.crowd.iter().flatten() {
            person.wish(wish);
        }
    }
}

impl<B> Storm<B> {
    pub fn print_logs(&self) {
        println!("log of nginx:\n{}", self.fleet.nginx.log());
        for node in &self.fleet.nodes {
            println!("log of {}:\n{}", node.address, node.log());
        }
    }
}

/// What was waited for in vain: says where every member stands.
impl<B> Drop for Storm<B> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.crowd.iter().flatten().for_each(Person::print);
            self.pests.iter().for_each(|(_, pest)| pest.person.print());
            self.print_logs();
        }
    }
}
