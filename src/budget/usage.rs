//! What one address holds and does.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};

use super::{ClientAddr, FORGOTTEN, Node, RETRY, Resource, raise};
use crate::protocol::ApiError;

/// A burst, in seconds of the sustained rate.
const BURST_SECONDS: u32 = 10;

type Rate = RateLimiter<NotKeyed, InMemoryState, DefaultClock, NoOpMiddleware>;

/// The usage of one address.
pub struct Usage {
    pub(super) node: Arc<Node>,
    address: ClientAddr,
    held: [AtomicUsize; Resource::ALL.len()],
    joins: Option<Rate>,
    frames: Option<Rate>,
    /// When the usage was last requested, in seconds since the start.
    touched: AtomicU32,
}

impl Usage {
    pub(super) fn new(node: Arc<Node>, address: ClientAddr) -> Self {
        let rate = |resource| {
            let limit = u32::try_from(node.limit_of_address(resource)).unwrap_or(u32::MAX);
            NonZeroU32::new(limit).map(|limit| {
                let burst = limit.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1));
                RateLimiter::direct(Quota::per_second(limit).allow_burst(burst))
            })
        };
        let (joins, frames, touched) =
            (rate(Resource::Joins), rate(Resource::Frames), AtomicU32::new(node.seconds()));
        Self { address, held: Default::default(), joins, frames, touched, node }
    }

    /// The address whose usage it is.
    pub fn address(&self) -> ClientAddr {
        self.address
    }

    /// Counts a join.
    ///
    /// # Errors
    /// [`ApiError::AddressLimit`].
    pub fn join(&self) -> Result<(), ApiError> {
        self.count(self.joins.as_ref(), Resource::Joins)
            .map_err(|wait| ApiError::AddressLimit { what: Resource::Joins.words(), wait })
    }

    /// Counts a frame, or a request that counts as one.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`].
    pub fn frame(&self) -> Result<(), ApiError> {
        self.count(self.frames.as_ref(), Resource::Frames).map_err(ApiError::RateLimited)
    }

    fn count(&self, rate: Option<&Rate>, resource: Resource) -> Result<(), Duration> {
        let Some(Err(until)) = rate.map(RateLimiter::check) else { return Ok(()) };
        self.node.count_refusal(resource, Some(self.address));
        Err(until.wait_time_from(DefaultClock::default().now()).max(Duration::from_millis(1)))
    }

    /// Adds to what this address and the node hold, unless that exceeds a limit of either.
    pub(super) fn add(&self, resource: Resource, amount: usize) -> Result<(), ApiError> {
        self.add_own(resource, amount)?;
        self.node.add(resource, amount).inspect_err(|_| self.subtract_own(resource, amount))
    }

    /// As [`Self::add`], even above the limits.
    pub(super) fn add_anyway(&self, resource: Resource, amount: usize) {
        self.held[resource as usize].fetch_add(amount, Ordering::Relaxed);
        self.node.held[resource as usize].fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn subtract(&self, resource: Resource, amount: usize) {
        self.subtract_own(resource, amount);
        self.node.subtract(resource, amount);
    }

    /// As [`Self::add`] without the node's count.
    pub(super) fn add_own(&self, resource: Resource, amount: usize) -> Result<(), ApiError> {
        if raise(&self.held[resource as usize], amount, self.node.limit_of_address(resource)) {
            return Ok(());
        }
        self.node.count_refusal(resource, Some(self.address));
        Err(ApiError::AddressLimit { what: resource.words(), wait: RETRY })
    }

    pub(super) fn subtract_own(&self, resource: Resource, amount: usize) {
        self.held[resource as usize].fetch_sub(amount, Ordering::Relaxed);
    }

    pub(super) fn touch(&self) {
        self.touched.store(self.node.seconds(), Ordering::Relaxed);
    }

    /// Unused for so long that its rates have recovered.
    pub(super) fn is_forgotten(&self, now: u32) -> bool {
        u64::from(now.saturating_sub(self.touched.load(Ordering::Relaxed))) >= FORGOTTEN.as_secs()
    }
}
