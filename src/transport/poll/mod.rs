//! Polls, long and short: one thing, short waits for nothing. Between two
//! polls what happens gathers in the member's mailbox at the node of the last
//! one; what a mailbox does not have is taken from the log.

mod buffer;
mod contents;
mod cursor;
mod fingerprint;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use dashmap::DashMap;
use tokio::time::Instant;

use self::buffer::{PollBuffer, PollOutcome};
pub use self::cursor::PollCursor;
use crate::{
    budget::Usage,
    hub::{Hub, JoinRequest, KeepAlive, PollSession, ResumeFrom, Session, Subscriber},
    protocol::ApiError,
    room::{MemberId, RoomId},
    spare,
    ticket::Claims,
};

/// The members of this node that poll.
pub struct Pollers {
    hub: Arc<Hub>,
    known: Arc<DashMap<MemberId, Arc<Poller>>>,
}

/// A member that asks again and again.
struct Poller {
    tenure: PollSession,
    mailbox: Arc<PollBuffer>,
}

impl Pollers {
    /// Nobody yet.
    pub fn new(hub: Arc<Hub>) -> Self {
        Self { hub, known: Arc::default() }
    }

    /// Lets somebody in who is going to poll. Gives the welcome as JSON.
    ///
    /// # Errors
    /// As [`Hub::enter`].
    pub async fn join(&self, entrance: JoinRequest) -> Result<Bytes, ApiError> {
        let mailbox = Arc::new(PollBuffer::new(None));
        let seat = self.hub.enter(entrance, Arc::clone(&mailbox) as Arc<dyn Subscriber>).await?;
        let welcome = mailbox.welcome();
        self.keep(seat, mailbox);
        Ok(welcome)
    }

    /// What has happened since `after` for `who` holds the ticket, as JSON, or `None` when that is nothing within `wait`.
    /// `began` is when the poll came: a seat that a newer link has taken stays there.
    ///
    /// # Errors
    /// As [`Hub::take_up`]; [`ApiError::Replaced`] when the seat is opened elsewhere meanwhile.
    pub async fn poll(
        &self,
        room: &RoomId,
        ticket: &str,
        who: &Claims,
        after: Option<PollCursor>,
        wait: Duration,
        (began, usage): (Instant, Option<&Arc<Usage>>),
    ) -> Result<Option<Bytes>, ApiError> {
        let mut exact = true;
        if let (Some(after), Some((poller, mut stay))) = (after, self.renew(who)) {
            if poller.mailbox.knows(after) {
                stay.accept();
            }
            if let Some(fresh) = self.hub.fresh_ticket(room, ticket, who) {
                poller.mailbox.renew(ticket, &fresh);
            }
            let _waiting = poller.mailbox.wait();
            match poller.mailbox.open(after, wait).await {
                PollOutcome::Letters(answer) => return Ok(Some(answer)),
                PollOutcome::Nothing => return Ok(None),
                PollOutcome::Closed(why) => return Err(why),
                PollOutcome::Unknown { void } => exact = !void,
            }
        }
        let from = after.unwrap_or_else(PollCursor::nowhere);
        let mailbox = Arc::new(PollBuffer::new(Some(from)));
        let _waiting = mailbox.wait();
        let resume = ResumeFrom { cursor: after.map(|after| after.cursor), exact, began };
        let seat = Box::pin(self.hub.resume(room, ticket, resume, usage, Arc::clone(&mailbox) as Arc<dyn Subscriber>)).await?;
        let _stay = self.keep(seat, Arc::clone(&mailbox));
        // Where polls take turns between nodes, each takes the seat up: only who has missed something is answered at once.
        match mailbox.open(from, wait).await {
            PollOutcome::Letters(answer) => Ok(Some(answer)),
            PollOutcome::Closed(why) => Err(why),
            // Another poll has overtaken this one.
            PollOutcome::Nothing | PollOutcome::Unknown { .. } => Ok(None),
        }
    }

    /// A sign of life of somebody who may be polling here: the seat is kept until the guard is dropped, and renewed if the
    /// request is accepted.
    pub fn hear(&self, who: &Claims) -> Option<KeepAlive> {
        self.renew(who).map(|(_, stay)| stay)
    }

    fn renew(&self, who: &Claims) -> Option<(Arc<Poller>, KeepAlive)> {
        let poller = Arc::clone(&*self.known.get(&who.member)?);
        let stay = poller.tenure.stay()?;
        Some((poller, stay))
    }

    fn keep(&self, seat: Session, mailbox: Arc<PollBuffer>) -> Option<KeepAlive> {
        let (member, known, theirs) = (seat.member(), Arc::clone(&self.known), Arc::clone(&mailbox));
        let lost = move || {
            known.remove_if(&member, |_, poller| Arc::ptr_eq(&poller.mailbox, &theirs));
            spare::give_back(&known);
        };
        let tenure = PollSession::new(seat, Arc::clone(&mailbox.unload), lost);
        let mut stay = tenure.stay();
        stay.iter_mut().for_each(KeepAlive::accept);
        // The seat that this one replaces is void already.
        self.known.insert(member, Arc::new(Poller { tenure, mailbox }));
        stay
    }
}
