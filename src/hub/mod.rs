//! This node: what the store tells in, every reader of its rooms out. Owns
//! lifetimes: seats, the grace of a lost link, and the goodbye of the node.

mod batch;
mod bearer;
mod call;
mod crowd;
mod goodbye;
mod kind;
mod local;
mod reader;
mod seat;
mod tenure;
mod whence;

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ahash::RandomState;
use dashmap::DashMap;
use tokio::{sync::watch, task::AbortHandle, time::Instant};
use tokio_util::task::TaskTracker;

pub use self::{
    bearer::Nobody,
    reader::{Reader, Wire},
    seat::Seat,
    tenure::{Stay, Tenure},
    whence::ResumeFrom,
};
use self::{
    kind::Reach,
    local::{Joining, LocalRoom, LocalSeat, Place},
    whence::{Whence, same_account},
};
use crate::{
    account::Accounts,
    protocol::{Allowed, Arrival, Outbound, Trouble, Welcome},
    room::{Cursor, Entry, Limits, MemberId, Millis, Name, Refusal, RoomId, Snapshot},
    store::{Event, Feed, Store, StoreError},
    ticket::{Claims, Signer},
    video::Video,
};

/// How often a join that fell across a reset is tried again.
const JOINS: usize = 3;

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(Refusal::Overtaken) => Self::Replaced,
            StoreError::Refused(refusal) => Self::Refused(refusal),
            StoreError::Full => Self::StoreFull,
            StoreError::Unavailable => Self::StoreUnavailable,
            StoreError::Broken(why) => {
                tracing::error!(why, "the store answered what it never should");
                Self::Internal
            }
        }
    }
}

/// What this node tells everybody who comes in.
pub struct Terms {
    /// Signs tickets.
    pub signer: Signer,
    /// What rooms hold.
    pub limits: Limits,
    /// A room of more people than this counts them instead of naming them.
    pub crowd: usize,
    /// How long the seat of a lost link is held.
    pub grace: Duration,
    /// Mints video passes, if LiveKit is set up.
    pub video: Option<Video>,
    /// Whose names are not for guests, if there are accounts.
    pub accounts: Option<Arc<Accounts>>,
    /// Tells the time.
    pub clock: fn() -> Millis,
}

/// Who is greeted, and as what.
struct Guest<'a> {
    member: MemberId,
    name: &'a Name,
    resumed: bool,
    reset: bool,
    last_n: u64,
    crowd: bool,
}

impl Terms {
    /// How long a member that only asks now and then keeps its seat without asking.
    pub fn poll(&self) -> Duration {
        self.grace.max(Duration::from_millis(self.limits.lease))
    }

    /// A `welcome`, or a `reset` for who was welcomed before, as JSON and with a new ticket.
    fn greet(
        &self,
        room: &RoomId,
        snapshot: &Snapshot,
        history: &[Entry],
        Guest { member, name, resumed, reset, last_n, crowd }: Guest<'_>,
        again: bool,
    ) -> Vec<u8> {
        let now = (self.clock)();
        let ticket = self.signer.sign(&snapshot.key, room, &Claims { member, name: name.clone() }, now);
        let video = self.video.is_some();
        let crowd = crowd.then_some(self.crowd);
        let arrival = Arrival { member, user: name, ticket: &ticket, resumed, reset, last_n, crowd, video, now };
        let millis = |time: Duration| Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX);
        let allowed = Allowed::new(&self.limits, millis(self.grace), millis(self.poll()));
        let fields = Welcome::new(room, snapshot, history, arrival, allowed);
        if again { Outbound::Reset(fields) } else { Outbound::Welcome(fields) }.to_json()
    }
}

/// The rooms that have seats at this node; the ear of the store.
pub struct Rooms {
    rooms: DashMap<RoomId, Arc<LocalRoom>, RandomState>,
    terms: Arc<Terms>,
    /// Where the people of a crowd are looked up.
    store: OnceLock<Weak<dyn Store>>,
}

impl Rooms {
    /// No rooms yet.
    pub fn new(terms: Terms) -> Arc<Self> {
        Arc::new(Self { rooms: DashMap::default(), terms: Arc::new(terms), store: OnceLock::new() })
    }

    /// Has a room counted from now on, if it is a crowd.
    fn follow_crowd(&self, room: &Arc<LocalRoom>) {
        if let Some(store) = self.store.get().filter(|_| room.is_uncounted()) {
            tokio::spawn(crowd::follow(Arc::downgrade(room), Weak::clone(store)));
        }
    }

    fn find(&self, id: &RoomId) -> Option<Arc<LocalRoom>> {
        self.rooms.get(id).map(|room| Arc::clone(&room))
    }

    /// Puts a reader in a seat, to listen before it looks; an older link of the same member is closed.
    /// Draws the link's tag, so that tags grow in the order in which links take a seat. `None` if a newer link has it.
    fn place(
        &self,
        id: &RoomId,
        Claims { member, name }: &Claims,
        began: Instant,
        tags: &AtomicU64,
        reader: Arc<dyn Reader>,
    ) -> Option<(Arc<LocalRoom>, u64)> {
        // The entry keeps its shard locked: the room cannot be dropped as empty meanwhile.
        let room = self.rooms.entry(id.clone()).or_insert_with(|| {
            let room = Arc::new(LocalRoom::new(id.clone(), self.terms.crowd));
            tokio::spawn(Arc::clone(&room).serve(Arc::clone(&self.terms)));
            room
        });
        let place = Place::Joining(Box::new(Joining { reader, waiting: Vec::new(), reset: None }));
        let mut people = room.people.lock();
        if people.seats.get(member).is_some_and(|seat| seat.began > began) {
            return None;
        }
        let tag = tags.fetch_add(1, Ordering::Relaxed);
        let old = people.seats.insert(*member, LocalSeat { tag, began, older: Vec::new(), name: name.clone(), place });
        if let (Some(old), Some(seat)) = (old, people.seats.get_mut(member)) {
            if let Some(reader) = old.place.reader() {
                reader.close(&Trouble::Replaced);
            }
            seat.older = old.older;
            seat.older.push(old.tag);
        }
        Some((Arc::clone(&room), tag))
    }

    /// Empties the seat if `tag` still holds it, and forgets the room if it was the last one here.
    /// Returns every tag under which the store may know the seat.
    fn vacate(&self, room: &LocalRoom, member: MemberId, tag: u64) -> Vec<u64> {
        let seat = {
            let mut people = room.people.lock();
            match people.seats.get(&member) {
                Some(seat) if seat.tag == tag => people.seats.swap_remove(&member),
                _ => None,
            }
        };
        if let Some((_, room)) = self.rooms.remove_if(&room.id, |_, room| room.people.lock().seats.is_empty()) {
            room.end();
        }
        let older = seat.map(|seat| seat.older).unwrap_or_default();
        older.into_iter().chain([tag]).collect()
    }

    /// A seat was taken at another node: the link that held it here is closed, and nothing of it stays.
    fn hand_over(&self, room: &LocalRoom, member: MemberId, tag: u64) {
        match room.people.lock().seats.get_mut(&member) {
            Some(seat) if seat.tag == tag => {
                if let Some(reader) = seat.place.reader() {
                    reader.close(&Trouble::Replaced);
                }
            }
            // A newer link is here already; it has the seat or is about to take it back.
            Some(seat) => return seat.older.retain(|older| *older != tag),
            None => return,
        }
        self.vacate(room, member, tag);
    }
}

impl Feed for Rooms {
    fn tell(&self, id: &RoomId, event: &Event) {
        let Some(room) = self.find(id) else { return };
        if let Event::Moved { member, tag } = *event {
            self.hand_over(&room, member, tag);
            return;
        }
        room.gather(event);
        if let Event::Joined { .. } | Event::Left { .. } | Event::Reset(_) = event {
            self.follow_crowd(&room);
        }
    }

    fn link(&self, id: &RoomId, up: bool) {
        let Some(room) = self.find(id) else { return };
        let (code, message) = match up {
            true => ("store_available", "all is well again"),
            false => ("store_unavailable", "the room is out of reach for the moment; what you send may not arrive yet"),
        };
        room.notice(&Outbound::Status { code, message });
    }
}

/// Somebody at the door.
pub struct Entrance {
    /// Which room.
    pub room: RoomId,
    /// The name they give, if any; verified if they are logged in.
    pub name: Option<Name>,
    /// The proof of a seat they had, if any.
    pub ticket: Option<String>,
    /// Where they stopped reading, if anywhere.
    pub cursor: Option<Cursor>,
}

/// This node.
pub struct Hub {
    rooms: Arc<Rooms>,
    store: Arc<dyn Store>,
    tags: AtomicU64,
    stopping: watch::Sender<bool>,
    departures: TaskTracker,
    /// Tells that the typing of those who speak without a link has stopped, when nothing else does.
    hushes: DashMap<MemberId, AbortHandle>,
}

impl Hub {
    /// A node that serves the rooms of `store`, which tells `rooms`.
    pub fn new(rooms: Arc<Rooms>, store: Arc<dyn Store>) -> Arc<Self> {
        // Tags must never repeat on a node, and a node may restart under the same id one day: start at random.
        let tags = AtomicU64::new(fastrand::u64(..) >> 16);
        // Rooms have one hub: nothing was set before.
        let _ = rooms.store.set(Arc::downgrade(&store));
        let hub = Arc::new(Self {
            rooms,
            store,
            tags,
            stopping: watch::Sender::new(false),
            departures: TaskTracker::new(),
            hushes: DashMap::new(),
        });
        hub.follow_calls();
        hub
    }

    /// What this node tells everybody.
    pub fn terms(&self) -> &Terms {
        &self.rooms.terms
    }

    /// Whether people can come in: the store is there and the node is not stopping.
    pub fn ready(&self) -> bool {
        !self.is_stopping() && self.store.ready()
    }

    /// What the store had to put right; see [`Store::mended`].
    pub fn mended(&self) -> Vec<(&'static str, &'static str, u64)> {
        self.store.mended()
    }

    /// (rooms, seats) at this node.
    pub fn counts(&self) -> (usize, usize) {
        (self.rooms.rooms.len(), self.rooms.rooms.iter().map(|room| room.people.lock().seats.len()).sum())
    }

    /// Lets somebody in: listens, looks, welcomes, follows. `reader` gets the welcome as its first frame.
    ///
    /// # Errors
    /// Why not; the reader got nothing then.
    pub async fn enter(self: &Arc<Self>, entrance: Entrance, reader: Arc<dyn Reader>) -> Result<Seat, Trouble> {
        let began = Instant::now();
        if self.is_stopping() {
            return Err(self.come_back());
        }
        let Entrance { room, name, ticket, cursor } = entrance;
        let claims = match &ticket {
            Some(ticket) => self.recognise(&room, ticket, name.as_ref()).await?,
            None => None,
        };
        let resumed = claims.is_some();
        let claims = claims.unwrap_or_else(|| {
            let member = MemberId::random();
            Claims { member, name: name.unwrap_or_else(|| Name::guest(member)) }
        });
        // Who takes their seat for the one they had must be told that it is another.
        let from = Whence { cursor, resumed, exact: resumed || ticket.is_none(), joins: true, began };
        self.sit(&room, claims, from, reader).await
    }

    /// Who holds a ticket, if it is good for who comes in as `name`.
    async fn recognise(&self, room: &RoomId, ticket: &str, name: Option<&Name>) -> Result<Option<Claims>, Trouble> {
        let claims = self.claims(room, ticket).await?.filter(|claims| same_account(&claims.name, name));
        match (claims, &self.terms().accounts) {
            // Their name may have been registered since; the one they give has been looked up.
            (Some(Claims { name: had, .. }), Some(accounts))
                if !had.is_verified() && name != Some(&had) && accounts.is_taken(&had).await? =>
            {
                Ok(None)
            }
            (claims, _) => Ok(claims),
        }
    }

    /// Gives a seat to whoever has a right to it.
    async fn sit(
        self: &Arc<Self>,
        room: &RoomId,
        claims: Claims,
        from: Whence,
        reader: Arc<dyn Reader>,
    ) -> Result<Seat, Trouble> {
        let placed = self.rooms.place(room, &claims, from.began, &self.tags, Arc::clone(&reader));
        let Some((local, tag)) = placed else { return Err(Trouble::Replaced) };
        // From here on, dropping the seat frees it: the link may die while the store is asked.
        let mut seat = Seat::new(Arc::clone(self), local, claims, tag, !from.resumed);
        // Asked again now that the goodbye, if it begins after this, finds the reader in its seat.
        if self.is_stopping() {
            seat.give_up();
            return Err(self.come_back());
        }
        for _ in 0..JOINS {
            let joined = self.store.join(room, seat.member(), seat.name(), tag, from.began).await;
            let (joined, snapshot) = match joined {
                Ok(joined) => joined,
                Err(error) => {
                    match error {
                        StoreError::Refused(Refusal::Overtaken) => seat.void(),
                        StoreError::Refused(_) | StoreError::Full => seat.give_up(),
                        StoreError::Unavailable | StoreError::Broken(_) => {}
                    }
                    return Err(error.into());
                }
            };
            if joined.new && !from.joins {
                // They left, or were lost, since they were last seen to be a member.
                seat.leave().await;
                return Err(Refusal::NotMember.into());
            }
            if seat.follow(&snapshot, &reader, from, joined.last_n)? {
                return Ok(seat);
            }
        }
        Err(Trouble::StoreUnavailable)
    }

    /// How many people are in a room.
    ///
    /// # Errors
    /// The store's.
    pub async fn count(&self, room: &RoomId) -> Result<usize, Trouble> {
        Ok(self.store.look(room, false).await?.map_or(0, |room| room.members.len()))
    }
}
