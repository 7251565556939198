//! Polls, long and short; a short poll waits for nothing. Between two polls, events gather in the member's buffer at
//! the node of the last poll. What a buffer lacks is read from the log.

mod buffer;
mod contents;
mod cursor;
mod fingerprint;
mod record;

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

/// A member that polls.
struct Poller {
    tenure: PollSession,
    mailbox: Arc<PollBuffer>,
}

impl Pollers {
    /// No pollers yet.
    pub fn new(hub: Arc<Hub>) -> Self {
        Self { hub, known: Arc::default() }
    }

    /// Joins a member that is going to poll. Returns the welcome as JSON.
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

    /// What has happened since `after`, as JSON, for the holder `who` of the ticket; `None` when that is nothing within
    /// `wait`. `began` is when the poll came: it does not take back a session that a newer connection has taken.
    ///
    /// # Errors
    /// As [`Hub::resume`]; [`ApiError::Replaced`] when the session is resumed elsewhere meanwhile.
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
        // If polls alternate between nodes, each node resumes the session: only a client that has missed something is
        // answered at once.
        match mailbox.open(from, wait).await {
            PollOutcome::Letters(answer) => Ok(Some(answer)),
            PollOutcome::Closed(why) => Err(why),
            // A newer poll has overtaken this one.
            PollOutcome::Nothing | PollOutcome::Unknown { .. } => Ok(None),
        }
    }

    /// Notes a request of a member that may poll here. The session is kept until the guard is dropped, and renewed if
    /// the request is accepted.
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
        // The session that this one replaces has ended already.
        self.known.insert(member, Arc::new(Poller { tenure, mailbox }));
        stay
    }
}
