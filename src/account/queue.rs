//! A fair queue between addresses: addresses take turns at free permits; requests of one address are served in order.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::oneshot, time::timeout};

use crate::budget::ClientAddr;

/// Gives a fixed number of permits.
pub(super) struct FairQueue {
    state: Mutex<State>,
    bounds: Bounds,
}

/// How many requests may wait.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// In all. In a full queue the address with the most waiting requests loses its newest one to another address's
    /// request.
    pub(super) all: usize,
    /// Of one address.
    pub(super) one: usize,
}

struct State {
    free: usize,
    waiting: usize,
    /// Numbers the waiting requests.
    next: u64,
    /// The addresses that hold or want permits; the one whose last turn was longest ago comes first.
    lanes: VecDeque<Lane>,
}

struct Lane {
    home: ClientAddr,
    running: usize,
    waiting: VecDeque<(u64, oneshot::Sender<Permit>)>,
}

/// The permission to work; given back when dropped.
pub(super) struct Permit {
    queue: Arc<FairQueue>,
    home: ClientAddr,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        state.free += 1;
        state.lane(self.home).running -= 1;
        state.put_last(self.home);
        drop(state);
        self.queue.serve();
    }
}

impl FairQueue {
    pub(super) fn new(permits: usize, bounds: Bounds) -> Arc<Self> {
        let state = State { free: permits, waiting: 0, next: 0, lanes: VecDeque::new() };
        Arc::new(Self { state: Mutex::new(state), bounds })
    }

    /// Waits for a permit; `None` when too many requests wait already, or after `patience`.
    pub(super) async fn permit(
        self: &Arc<Self>,
        home: ClientAddr,
        patience: Duration,
    ) -> Option<Permit> {
        let (number, permit) = self.line_up(home)?;
        // A request that is given up leaves the queue.
        let _place = Place { queue: self, home, number };
        self.serve();
        timeout(patience, permit).await.ok()?.ok()
    }

    fn line_up(&self, home: ClientAddr) -> Option<(u64, oneshot::Receiver<Permit>)> {
        let mut state = self.state.lock();
        let own =
            state.lanes.iter().find(|lane| lane.home == home).map_or(0, |lane| lane.waiting.len());
        if own >= self.bounds.one {
            return None;
        }
        if state.waiting >= self.bounds.all {
            let longest = state.lanes.iter_mut().max_by_key(|lane| lane.waiting.len())?;
            if longest.waiting.len() <= own + 1 {
                return None;
            }
            longest.waiting.pop_back();
            state.waiting -= 1;
        }
        let number = state.next;
        state.next += 1;
        state.waiting += 1;
        let (give, permit) = oneshot::channel();
        state.lane(home).waiting.push_back((number, give));
        Some((number, permit))
    }

    /// Gives the free permits to the next requests.
    fn serve(self: &Arc<Self>) {
        loop {
            let Some((home, give)) = self.state.lock().next() else { return };
            // If the request was given up just now, the permit comes back by being dropped.
            let _ = give.send(Permit { queue: Arc::clone(self), home });
        }
    }

    /// How many requests wait.
    #[cfg(test)]
    fn waiting(&self) -> usize {
        let state = self.state.lock();
        assert_eq!(state.waiting, state.lanes.iter().map(|lane| lane.waiting.len()).sum::<usize>());
        state.waiting
    }
}

impl State {
    fn lane(&mut self, home: ClientAddr) -> &mut Lane {
        let at = self.lanes.iter().position(|lane| lane.home == home).unwrap_or_else(|| {
            self.lanes.push_back(Lane { home, running: 0, waiting: VecDeque::new() });
            self.lanes.len() - 1
        });
        &mut self.lanes[at]
    }

    /// Removes the next request: of the address with the fewest permits in use; of several, the first.
    fn next(&mut self) -> Option<(ClientAddr, oneshot::Sender<Permit>)> {
        if self.free == 0 {
            return None;
        }
        let lanes = self.lanes.iter().enumerate().filter(|(_, lane)| !lane.waiting.is_empty());
        let at = lanes.min_by_key(|(_, lane)| lane.running)?.0;
        let lane = &mut self.lanes[at];
        let (home, (_, give)) = (lane.home, lane.waiting.pop_front()?);
        lane.running += 1;
        self.free -= 1;
        self.waiting -= 1;
        self.put_last(home);
        Some((home, give))
    }

    /// Moves an address behind the others after its turn. It is forgotten when it neither holds nor wants a permit.
    fn put_last(&mut self, home: ClientAddr) {
        let Some(at) = self.lanes.iter().position(|lane| lane.home == home) else { return };
        if let Some(lane) =
            self.lanes.remove(at).filter(|lane| lane.running > 0 || !lane.waiting.is_empty())
        {
            self.lanes.push_back(lane);
        }
    }
}

/// A request's place in the queue.
struct Place<'a> {
    queue: &'a FairQueue,
    home: ClientAddr,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        let lane = state.lanes.iter_mut().find(|lane| lane.home == self.home);
        let left = lane.is_some_and(|lane| {
            let before = lane.waiting.len();
            lane.waiting.retain(|(number, _)| *number != self.number);
            lane.waiting.len() < before
        });
        if left {
            state.waiting -= 1;
        }
        state.lanes.retain(|lane| lane.running > 0 || !lane.waiting.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, pin::Pin};

    use futures_util::FutureExt;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn home(last: u8) -> ClientAddr {
        IpAddr::from([192, 0, 2, last]).into()
    }

    type Asking<'a> = Pin<Box<dyn Future<Output = Option<Permit>> + 'a>>;

    /// Requests a permit, and waits if needed.
    fn ask(queue: &Arc<FairQueue>, from: u8) -> Asking<'_> {
        let mut asking = Box::pin(queue.permit(home(from), PATIENCE));
        assert!(asking.as_mut().now_or_never().is_none(), "it waits");
        asking
    }

    fn queue(permits: usize) -> Arc<FairQueue> {
        FairQueue::new(permits, Bounds { all: 8, one: 4 })
    }

    /// The requests that hold a permit now, by their place among all requests.
    fn served(asking: &mut [Asking<'_>]) -> Vec<(usize, Permit)> {
        let polled = asking.iter_mut().map(|one| one.as_mut().now_or_never());
        polled.enumerate().filter_map(|(at, found)| Some((at, found?.unwrap()))).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_asks_for_much_does_not_keep_another_one_waiting() {
        for permits in [1, 2, 3] {
            let queue = queue(permits);
            let mut running = Vec::new();
            for _ in 0..permits {
                running.push(queue.permit(home(1), PATIENCE).await.unwrap());
            }
            let mut greedy: Vec<_> = (0..4).map(|_| ask(&queue, 1)).collect();
            let mut other = ask(&queue, 2);
            running.pop();
            let permit = other
                .as_mut()
                .now_or_never()
                .flatten()
                .expect("the next permit is for the other address");
            assert!(served(&mut greedy).is_empty());
            drop(permit);
            let first = served(&mut greedy);
            assert_eq!(
                first.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
                [0],
                "within an address, first come first served"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_take_turns() {
        let queue = queue(1);
        let mut permit = queue.permit(home(1), PATIENCE).await;
        let mut asking: Vec<_> =
            [1, 1, 2, 2, 3].into_iter().map(|from| (from, ask(&queue, from))).collect();
        let mut order = Vec::new();
        while !asking.is_empty() {
            permit.take();
            let at = (0..asking.len()).find(|at| {
                permit = asking[*at].1.as_mut().now_or_never().flatten();
                permit.is_some()
            });
            order.push(asking.remove(at.expect("somebody is served")).0);
        }
        assert_eq!(order, [2, 3, 1, 2, 1]);
        drop(permit);
        assert!(queue.state.lock().lanes.is_empty(), "nothing is kept of addresses that are done");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_has_room_for_a_newcomer_and_cuts_the_longest_line() {
        let queue = queue(1);
        let permit = queue.permit(home(1), PATIENCE).await;
        let mut greedy: Vec<_> =
            [1, 1, 1, 1, 2, 2, 2, 2].into_iter().map(|from| ask(&queue, from)).collect();
        assert!(queue.permit(home(1), PATIENCE).await.is_none(), "an address has its bound");
        let mut other = ask(&queue, 3);
        assert_eq!(queue.waiting(), 8);
        let cut: Vec<_> =
            (0..8).filter(|at| matches!(greedy[*at].as_mut().now_or_never(), Some(None))).collect();
        assert_eq!(cut.len(), 1);
        assert!([3, 7].contains(&cut[0]), "the newest of an address: {cut:?}");
        drop(greedy.remove(cut[0]));
        drop(permit);
        let turns = served(&mut greedy).len();
        drop(greedy);
        assert!(turns <= 1 && other.as_mut().now_or_never().flatten().is_some());
        // Where all requests are of one address, the queue is simply full.
        let _permit = queue.permit(home(1), PATIENCE).await;
        let _many: Vec<_> = (10..18).map(|from| ask(&queue, from)).collect();
        assert!(queue.permit(home(4), PATIENCE).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_given_up_leaves_the_queue() {
        let queue = queue(1);
        let permit = queue.permit(home(1), PATIENCE).await;
        let begun = tokio::time::Instant::now();
        let given_up = ask(&queue, 1);
        assert_eq!(queue.waiting(), 1);
        drop(given_up);
        assert_eq!(queue.waiting(), 0);
        assert!(queue.permit(home(2), PATIENCE).await.is_none(), "nobody waits for ever");
        assert_eq!((begun.elapsed(), queue.waiting()), (PATIENCE, 0));
        // Given up after it was served, and before it was polled again.
        let served = ask(&queue, 2);
        drop(permit);
        drop(served);
        assert!(queue.permit(home(3), PATIENCE).now_or_never().flatten().is_some());
        let state = queue.state.lock();
        assert_eq!((state.free, state.lanes.len()), (1, 0));
    }
}
