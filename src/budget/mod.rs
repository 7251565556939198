//! The limits of what one client address, and all of them together, may hold and do at this node.
//!
//! Counted per address: an IPv4 address or a /64 network of IPv6. Held resources (connections, sessions, rooms, kept
//! text, files, unread bytes) count while a guard lives; joins and frames count by the second.

mod address;
mod admission;
mod held;
mod usage;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use ahash::RandomState;
use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::time::Instant;

pub use self::{
    address::ClientAddr,
    admission::{Admission, Slot},
    held::{Count, Kept, Permit, Reservation, RoomBytes, Unread},
    usage::Usage,
};
use crate::{protocol::ApiError, room::File, shrink};

/// How long a client that met a limit should wait before it retries.
const RETRY: Duration = Duration::from_secs(5);

/// A usage without guards is forgotten after this long: its rates have recovered by then, twice over.
const FORGOTTEN: Duration = Duration::from_secs(20);

/// How many addresses there may be before unused ones are removed.
const SWEEP: usize = 1024;

/// One address may fill the store's capacity divided by this.
const STORE_SHARE: u64 = 8;

/// And this many bytes in any case: a store with less room reports by itself that it is full.
const LEAST_SHARE: usize = 1 << 20;

/// How often a met limit is logged, for each resource.
const LOG_PERIOD: Duration = Duration::from_secs(60);

/// A resource that is counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Resource {
    /// TCP connections; behind a proxy, requests under way and open streams and sockets.
    Connections,
    /// Sessions at this node, held ones included.
    Seats,
    /// Rooms at this node, counted for the address that created them.
    Rooms,
    /// Bytes of text in the logs of existing rooms.
    Text,
    /// Bytes of the files of existing rooms.
    Files,
    /// Bytes sent to clients that have not read them.
    Unread,
    /// Joins a second.
    Joins,
    /// Frames and requests a second.
    Frames,
}

impl Resource {
    /// Every resource, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Connections,
        Self::Seats,
        Self::Rooms,
        Self::Text,
        Self::Files,
        Self::Unread,
        Self::Joins,
        Self::Frames,
    ];

    /// The name in metrics and log lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Seats => "seats",
            Self::Rooms => "rooms",
            Self::Text => "text",
            Self::Files => "files",
            Self::Unread => "unread",
            Self::Joins => "joins",
            Self::Frames => "frames",
        }
    }

    /// The name in error messages to clients.
    fn words(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Seats => "seats",
            Self::Rooms => "rooms of its own",
            Self::Text => "bytes of text in rooms",
            Self::Files => "bytes of files in rooms",
            Self::Unread => "bytes that it has not read",
            Self::Joins => "joins a second",
            Self::Frames => "frames a second",
        }
    }
}

/// The limits; 0 is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// Of one address, by [`Resource`]'s number.
    pub address: [usize; Resource::ALL.len()],
    /// Of all addresses together, by the same number.
    pub node: [usize; Resource::ALL.len()],
}

impl Limits {
    /// Sets what one address may hold or do.
    #[must_use]
    pub fn of_address(mut self, resource: Resource, limit: usize) -> Self {
        self.address[resource as usize] = limit;
        self
    }

    /// Sets what all addresses together may hold.
    #[must_use]
    pub fn of_node(mut self, resource: Resource, limit: usize) -> Self {
        self.node[resource as usize] = limit;
        self
    }
}

/// The usages of all addresses.
pub struct Budgets {
    node: Arc<Node>,
    addresses: DashMap<ClientAddr, Arc<Usage>, RandomState>,
    /// How many addresses trigger the next sweep.
    sweep_at: AtomicUsize,
}

impl Budgets {
    /// Budgets with nothing counted.
    pub fn new(limits: Limits) -> Self {
        let node = Node {
            limits,
            held: Default::default(),
            refused: Default::default(),
            logged: Mutex::default(),
            started: Instant::now(),
            store_share: AtomicUsize::new(0),
        };
        Self {
            node: Arc::new(node),
            addresses: DashMap::default(),
            sweep_at: AtomicUsize::new(SWEEP),
        }
    }

    /// The usage of an address.
    pub fn usage(&self, address: ClientAddr) -> Arc<Usage> {
        if let Some(usage) = self.addresses.get(&address) {
            usage.touch();
            return Arc::clone(&usage);
        }
        self.sweep();
        Arc::clone(
            &self
                .addresses
                .entry(address)
                .or_insert_with(|| Arc::new(Usage::new(Arc::clone(&self.node), address))),
        )
    }

    /// Counts a connection of this node, whatever address it will count for.
    ///
    /// # Errors
    /// [`ApiError::ServerFull`].
    pub fn slot(&self) -> Result<Slot, ApiError> {
        self.node.add(Resource::Connections, 1)?;
        Ok(Slot::new(Arc::clone(&self.node)))
    }

    /// Whether three quarters of what this node may hold of a resource are taken.
    pub fn is_crowded(&self, resource: Resource) -> bool {
        let limit = self.node.limits.node[resource as usize];
        limit > 0 && self.held(resource) >= limit - limit / 4
    }

    /// How much of a resource all addresses hold.
    pub fn held(&self, resource: Resource) -> usize {
        self.node.held[resource as usize].load(Ordering::Relaxed)
    }

    /// How often each resource's limits refused a request.
    pub fn refusals(&self) -> impl Iterator<Item = (Resource, u64)> + '_ {
        Resource::ALL.into_iter().map(|resource| {
            (resource, self.node.refused[resource as usize].load(Ordering::Relaxed))
        })
    }

    /// The counter of one room's text. The room's log keeps at most `bytes` of text and `entries` messages.
    pub fn room_text(&self, bytes: usize, entries: usize) -> Arc<RoomBytes> {
        Arc::new(RoomBytes::new(Arc::clone(&self.node), Resource::Text, bytes, entries))
    }

    /// The counter of one room's files, of which it keeps at most `bytes`.
    pub fn room_files(&self, bytes: u64) -> Arc<RoomBytes> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        Arc::new(RoomBytes::new(Arc::clone(&self.node), Resource::Files, bytes, File::MOST))
    }

    /// Sets how many bytes the store can hold: one address may fill an eighth of them.
    pub fn share_store(&self, capacity: Option<u64>) {
        let share = capacity.map_or(0, |bytes| {
            usize::try_from(bytes / STORE_SHARE).unwrap_or(usize::MAX).max(LEAST_SHARE)
        });
        self.node.store_share.store(share, Ordering::Relaxed);
    }

    /// Forgets unused addresses, if there are many addresses.
    fn sweep(&self) {
        if self.addresses.len() >= self.sweep_at.load(Ordering::Relaxed) {
            self.forget();
        }
    }

    /// Forgets unused addresses. Each is small, but may keep a whole page of memory that is otherwise free.
    pub fn forget(&self) {
        let now = self.node.seconds();
        self.addresses.retain(|_, usage| Arc::strong_count(usage) > 1 || !usage.is_forgotten(now));
        shrink::shrink(&self.addresses);
        self.sweep_at.store((self.addresses.len() * 2).max(SWEEP), Ordering::Relaxed);
    }
}

/// What all addresses hold, and what was refused.
struct Node {
    limits: Limits,
    held: [AtomicUsize; Resource::ALL.len()],
    refused: [AtomicU64; Resource::ALL.len()],
    /// When a refusal was last logged.
    logged: Mutex<[Option<Instant>; Resource::ALL.len()]>,
    started: Instant,
    /// How many bytes of the store one address may fill; 0 for no bound.
    store_share: AtomicUsize,
}

impl Node {
    /// How much of a resource one address may hold; 0 for no limit.
    fn limit_of_address(&self, resource: Resource) -> usize {
        let limit = self.limits.address[resource as usize];
        match (resource, self.store_share.load(Ordering::Relaxed)) {
            (Resource::Text | Resource::Files, share) if share > 0 && limit > 0 => limit.min(share),
            _ => limit,
        }
    }

    fn add(&self, resource: Resource, amount: usize) -> Result<(), ApiError> {
        if raise(&self.held[resource as usize], amount, self.limits.node[resource as usize]) {
            return Ok(());
        }
        self.count_refusal(resource, None);
        Err(ApiError::ServerFull { what: resource.words(), wait: RETRY })
    }

    fn subtract(&self, resource: Resource, amount: usize) {
        self.held[resource as usize].fetch_sub(amount, Ordering::Relaxed);
    }

    /// Seconds since the start.
    fn seconds(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    /// Counts a refusal and logs it, once a minute for each resource.
    fn count_refusal(&self, resource: Resource, address: Option<ClientAddr>) {
        self.refused[resource as usize].fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let mut logged = self.logged.lock();
        let last = &mut logged[resource as usize];
        if last.is_some_and(|last| now - last < LOG_PERIOD) {
            return;
        }
        *last = Some(now);
        drop(logged);
        let resource = resource.as_str();
        match address {
            Some(address) => tracing::warn!(resource, %address, "an address has met its limit"),
            None => tracing::warn!(resource, "this node has met its limit"),
        }
    }
}

/// Adds, unless the sum would be above the limit.
fn raise(held: &AtomicUsize, amount: usize, limit: usize) -> bool {
    let before = held.fetch_add(amount, Ordering::Relaxed);
    let fits = limit == 0 || before.saturating_add(amount) <= limit;
    if !fits {
        held.fetch_sub(amount, Ordering::Relaxed);
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets(resource: Resource, limit: usize) -> Budgets {
        Budgets::new(Limits::default().of_address(resource, limit))
    }

    #[tokio::test(start_paused = true)]
    async fn text_that_logs_have_forgotten_counts_no_more() {
        let budgets = budgets(Resource::Text, 1000);
        let (usage, room) = (budgets.usage(ClientAddr::UNKNOWN), budgets.room_text(4000, 10));
        let kept = usage.keep(&room);
        assert!(kept.reserve(800).map(Reservation::keep).is_ok() && kept.reserve(800).is_err());
        let age = Duration::from_secs(60);
        kept.forget(age);
        room.forget(age);
        tokio::time::advance(age).await;
        kept.forget(age);
        assert!(kept.reserve(800).is_err(), "it may still be shown");
        tokio::time::advance(Duration::from_secs(2)).await;
        kept.forget(age);
        room.forget(age);
        assert_eq!(budgets.held(Resource::Text), 0);
        assert!(kept.reserve(800).map(Reservation::keep).is_ok());
        drop((kept, room));
        assert_eq!(budgets.held(Resource::Text), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_may_fill_a_share_of_the_store_only() {
        let budgets = budgets(Resource::Text, 1 << 30);
        let (usage, room) = (budgets.usage(ClientAddr::UNKNOWN), budgets.room_text(1 << 30, 0));
        let kept = usage.keep(&room);
        budgets.share_store(Some(16 << 20));
        assert!(
            kept.reserve(3 << 19).map(Reservation::keep).is_ok() && kept.reserve(1 << 19).is_err()
        );
        budgets.share_store(Some(1));
        assert!(kept.reserve(1).is_err(), "less, but not nothing");
        budgets.share_store(None);
        assert!(kept.reserve(1 << 20).map(Reservation::keep).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_hold_nothing_are_forgotten() {
        let budgets = budgets(Resource::Seats, 1);
        let address = |n: u32| ClientAddr::from(std::net::IpAddr::from(n.to_be_bytes()));
        let seat = budgets.usage(address(1)).hold(Resource::Seats).unwrap();
        for n in 2..10_000 {
            drop(budgets.usage(address(n)));
        }
        tokio::time::advance(FORGOTTEN).await;
        for n in 10_000..30_000 {
            drop(budgets.usage(address(n)));
        }
        assert!(budgets.addresses.len() < 30_000 - 9_000, "{}", budgets.addresses.len());
        assert!(
            budgets.usage(address(1)).hold(Resource::Seats).is_err(),
            "an address with a seat is kept"
        );
        drop(seat);
        assert!(budgets.usage(address(1)).hold(Resource::Seats).is_ok());
        tokio::time::advance(FORGOTTEN).await;
        budgets.forget();
        assert!(
            budgets.addresses.is_empty() && budgets.addresses.capacity() < SWEEP,
            "{}",
            budgets.addresses.capacity()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn unread_bytes_are_counted_up_and_down() {
        let budgets = budgets(Resource::Unread, 100);
        let usage = budgets.usage(ClientAddr::UNKNOWN);
        let (mut one, mut two) = (usage.unread(), usage.unread());
        assert!(one.set(60).is_ok() && two.set(60).is_err() && two.set(40).is_ok());
        assert!(one.set(10).is_ok() && two.set(90).is_ok());
        drop(one);
        drop(two);
        assert_eq!(budgets.held(Resource::Unread), 0);
    }
}
