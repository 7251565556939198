//! Limits how often a client may try a password. Only wrong tries cost. Other clients cannot lock an owner out: at an
//! address with an earlier successful login, only that address's wrong tries count.
//!
//! Written here, because a try is charged before its outcome is known (or a thousand at once would all be free). When
//! it was right the charge is given back, which rate-limiting libraries do not offer.

use std::{collections::HashMap, hash::Hash, net::IpAddr, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::budget::ClientAddr;

/// How long an address with a successful login is remembered for the account.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How many of these addresses are remembered.
const KNOWN: usize = 100_000;

/// A burst, then one try in each `every`.
#[derive(Clone, Copy)]
struct Budget {
    burst: u32,
    every: Duration,
}

/// Wrong tries at one account from one address.
const AT_HOME: Budget = Budget { burst: 10, every: Duration::from_secs(60) };

/// Wrong tries from one address, at any account.
const ADDRESS: Budget = Budget { burst: 60, every: Duration::from_secs(10) };

/// Wrong tries at one account from all addresses without an earlier login to it.
const STRANGERS: Budget = Budget { burst: 100, every: Duration::from_secs(10) };

/// Registrations from one address, successful or not.
const REGISTRATIONS: Budget = Budget { burst: 60, every: Duration::from_secs(60) };

/// What tries are counted by.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Bucket {
    AtHome(String, ClientAddr),
    Address(ClientAddr),
    Strangers(String),
    Registrations(ClientAddr),
}

impl Bucket {
    fn budget(&self) -> Budget {
        match self {
            Self::AtHome(..) => AT_HOME,
            Self::Address(_) => ADDRESS,
            Self::Strangers(_) => STRANGERS,
            Self::Registrations(_) => REGISTRATIONS,
        }
    }
}

/// Counts tries. Each counted try has cost a hash, which bounds the number of buckets.
#[derive(Default)]
pub(super) struct LoginLimiter {
    buckets: Mutex<Buckets>,
}

#[derive(Default)]
struct Buckets {
    /// When each bucket will be full again.
    debts: HashMap<Bucket, Instant>,
    known: HashMap<(String, ClientAddr), Instant>,
    /// Expired buckets are removed when there are this many.
    tidy_at: usize,
}

/// A try at an account's password.
pub(super) struct LoginAttempt<'a> {
    /// The account's folded name, whether or not it exists.
    pub(super) account: &'a str,
    /// The address that the try comes from.
    pub(super) from: IpAddr,
}

impl LoginLimiter {
    /// Whether a try would be allowed now.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn ask(&self, attempt: &LoginAttempt<'_>) -> Result<(), Duration> {
        let (buckets, now) = (self.buckets.lock(), Instant::now());
        buckets.debtors(attempt, now).iter().try_for_each(|debtor| buckets.ask(debtor, now))
    }

    /// Charges a try whose outcome is not known yet.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn charge(&self, attempt: &LoginAttempt<'_>) -> Result<(), Duration> {
        let (mut buckets, now) = (self.buckets.lock(), Instant::now());
        let debtors = buckets.debtors(attempt, now);
        debtors.iter().try_for_each(|debtor| buckets.ask(debtor, now))?;
        for debtor in debtors {
            buckets.charge(debtor, now);
        }
        Ok(())
    }

    /// The try was right: gives its charge back, and remembers the address.
    pub(super) fn refund(&self, attempt: &LoginAttempt<'_>) {
        let (mut buckets, now) = (self.buckets.lock(), Instant::now());
        for debtor in buckets.debtors(attempt, now) {
            let every = debtor.budget().every;
            match (&debtor, buckets.debts.get_mut(&debtor)) {
                (Bucket::AtHome(..), Some(_)) => drop(buckets.debts.remove(&debtor)),
                (_, Some(until)) => *until = until.checked_sub(every).unwrap_or(now),
                (_, None) => {}
            }
        }
        if buckets.known.len() >= KNOWN {
            buckets.known.retain(|_, until| *until > now);
        }
        if buckets.known.len() < KNOWN {
            buckets
                .known
                .insert((attempt.account.to_owned(), attempt.from.into()), now + REMEMBERED);
        }
    }

    /// Charges a registration.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn register(&self, from: IpAddr) -> Result<(), Duration> {
        let (mut buckets, now) = (self.buckets.lock(), Instant::now());
        let debtor = Bucket::Registrations(from.into());
        buckets.ask(&debtor, now)?;
        buckets.charge(debtor, now);
        Ok(())
    }
}

impl Buckets {
    /// The buckets that a try counts against.
    fn debtors(&self, attempt: &LoginAttempt<'_>, now: Instant) -> Vec<Bucket> {
        let (account, home) = (attempt.account.to_owned(), ClientAddr::from(attempt.from));
        let known = self.known.get(&(account.clone(), home)).is_some_and(|until| *until > now);
        let strangers = (!known).then(|| Bucket::Strangers(account.clone()));
        [Bucket::AtHome(account, home), Bucket::Address(home)]
            .into_iter()
            .chain(strangers)
            .collect()
    }

    fn ask(&self, debtor: &Bucket, now: Instant) -> Result<(), Duration> {
        let Budget { burst, every } = debtor.budget();
        let debt = self
            .debts
            .get(debtor)
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let wait = (debt + every).saturating_sub(every * burst);
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    fn charge(&mut self, debtor: Bucket, now: Instant) {
        if self.debts.len() >= self.tidy_at {
            self.debts.retain(|_, until| *until > now);
            self.tidy_at = (self.debts.len() * 2).max(1024);
        }
        let every = debtor.budget().every;
        let until = self.debts.entry(debtor).or_insert(now);
        *until = (*until).max(now) + every;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn wrong(throttle: &LoginLimiter, account: &str, from: IpAddr) -> bool {
        throttle.charge(&LoginAttempt { account, from }).is_ok()
    }

    fn right(throttle: &LoginLimiter, account: &str, from: IpAddr) -> bool {
        let attempt = LoginAttempt { account, from };
        let allowed = throttle.charge(&attempt).is_ok();
        if allowed {
            throttle.refund(&attempt);
        }
        allowed
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_tries_run_out_and_come_back_with_time() {
        let throttle = LoginLimiter::default();
        assert_eq!((0..20).filter(|_| wrong(&throttle, "ann", from(1))).count(), 10);
        let wait = throttle.ask(&LoginAttempt { account: "ann", from: from(1) }).unwrap_err();
        assert_eq!(wait, AT_HOME.every);
        tokio::time::advance(wait - Duration::from_millis(1)).await;
        assert!(!wrong(&throttle, "ann", from(1)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(wrong(&throttle, "ann", from(1)) && !wrong(&throttle, "ann", from(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn right_tries_cost_nothing() {
        let throttle = LoginLimiter::default();
        assert!((0..500).all(|_| right(&throttle, "ann", from(1))));
        assert_eq!((0..9).filter(|_| wrong(&throttle, "ann", from(1))).count(), 9);
        assert!(right(&throttle, "ann", from(1)), "and make up for the wrong ones");
        assert_eq!((0..20).filter(|_| wrong(&throttle, "ann", from(1))).count(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_victim_is_not_locked_out_where_it_was_let_in_before() {
        let throttle = LoginLimiter::default();
        assert!(right(&throttle, "ann", from(1)));
        let guesses = (2..200)
            .map(|last| (0..20).filter(|_| wrong(&throttle, "ann", from(last))).count())
            .sum::<usize>();
        assert_eq!(guesses, 100, "all the strangers together");
        assert!(right(&throttle, "ann", from(1)));
        assert!(!right(&throttle, "ann", from(250)), "a new address waits");
        assert!(right(&throttle, "bob", from(2)), "and others are not concerned");
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_cannot_try_one_password_at_everybody() {
        let throttle = LoginLimiter::default();
        let tried = (0..200).filter(|n| wrong(&throttle, &format!("user{n}"), from(1))).count();
        assert_eq!(tried, 60);
        assert!(wrong(&throttle, "user199", from(2)));
        assert_eq!((0..200).filter(|_| throttle.register(from(1)).is_ok()).count(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn debts_that_were_forgiven_are_forgotten() {
        let throttle = LoginLimiter::default();
        for n in 0..2000_u16 {
            let [a, b] = n.to_be_bytes();
            assert!(wrong(&throttle, &format!("user{n}"), IpAddr::from([10, 0, a, b])));
        }
        tokio::time::advance(Duration::from_secs(3600)).await;
        for n in 0..2000_u16 {
            let [a, b] = n.to_be_bytes();
            assert!(wrong(&throttle, &format!("user{n}"), IpAddr::from([10, 1, a, b])));
        }
        assert!(
            throttle.buckets.lock().debts.len() <= 3 * 2000 + 2000,
            "{}",
            throttle.buckets.lock().debts.len()
        );
    }
}
