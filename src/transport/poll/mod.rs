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
    shrink,
    ticket::{Claims, Signer},
};

/// The members of this node that poll.
pub struct Pollers {
    hub: Arc<Hub>,
    known: Arc<DashMap<MemberId, Arc<Poller>>>,
}

/// A member that polls.
struct Poller {
    session: PollSession,
    buffer: Arc<PollBuffer>,
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
    pub async fn join(&self, join_request: JoinRequest) -> Result<Bytes, ApiError> {
        let buffer = Arc::new(PollBuffer::new(None));
        let session =
            self.hub.enter(join_request, Arc::clone(&buffer) as Arc<dyn Subscriber>).await?;
        let welcome = buffer.welcome();
        self.keep(session, buffer);
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
        if let (Some(after), Some((poller, mut keep_alive))) = (after, self.renew(who)) {
            if poller.buffer.knows(after) {
                keep_alive.accept();
            }
            if let Some(fresh) = self.hub.fresh_ticket(room, ticket, who) {
                poller.buffer.renew(ticket, &fresh);
            }
            let _waiting = poller.buffer.wait();
            match poller.buffer.open(after, wait).await {
                PollOutcome::Answer(answer) => return Ok(Some(answer)),
                PollOutcome::Nothing => return Ok(None),
                PollOutcome::Closed(why) => return Err(why),
                PollOutcome::Unknown { void } => exact = !void,
            }
        }
        let from = after.unwrap_or_else(PollCursor::nowhere);
        let buffer = Arc::new(PollBuffer::new(Some(from)));
        let _waiting = buffer.wait();
        let resume = ResumeFrom { cursor: after.map(|after| after.cursor), exact, began };
        let session = Box::pin(self.hub.resume(
            room,
            ticket,
            resume,
            usage,
            Arc::clone(&buffer) as Arc<dyn Subscriber>,
        ))
        .await?;
        let _stay = self.keep(session, Arc::clone(&buffer));
        // If polls alternate between nodes, each node resumes the session: only a client that has missed something is
        // answered at once.
        match buffer.open(from, wait).await {
            PollOutcome::Answer(answer) => Ok(Some(answer)),
            PollOutcome::Closed(why) => Err(why),
            // A newer poll has overtaken this one.
            PollOutcome::Nothing | PollOutcome::Unknown { .. } => Ok(None),
        }
    }

    /// The answer to a poll at a room that has ended; `None` if it has not, or if its member did not poll here.
    ///
    /// # Errors
    /// [`ApiError::Burned`], once the member has got what came before.
    pub async fn after_the_end(
        &self,
        room: &RoomId,
        ticket: &str,
    ) -> Result<Option<Bytes>, ApiError> {
        // The store has the key of the ticket no more, and the session has it still.
        let member = Signer::claimed(room, ticket);
        let poller = member
            .and_then(|member| Some(Arc::clone(&*self.known.get(&member)?)))
            .filter(|poller| poller.session.is_of(ticket));
        let Some(poller) = poller else { return Ok(None) };
        match poller.buffer.after_the_end().await {
            Some(PollOutcome::Answer(answer)) => Ok(Some(answer)),
            Some(PollOutcome::Closed(why)) => Err(why),
            _ => Ok(None),
        }
    }

    /// Notes a request of a member that may poll here. The session is kept until the guard is dropped, and renewed if
    /// the request is accepted.
    pub fn hear(&self, who: &Claims) -> Option<KeepAlive> {
        self.renew(who).map(|(_, keep_alive)| keep_alive)
    }

    fn renew(&self, who: &Claims) -> Option<(Arc<Poller>, KeepAlive)> {
        let poller = Arc::clone(&*self.known.get(&who.member)?);
        let keep_alive = poller.session.keep_alive()?;
        Some((poller, keep_alive))
    }

    fn keep(&self, session: Session, buffer: Arc<PollBuffer>) -> Option<KeepAlive> {
        let (member, known, theirs) =
            (session.member(), Arc::clone(&self.known), Arc::clone(&buffer));
        let lost = move || {
            known.remove_if(&member, |_, poller| Arc::ptr_eq(&poller.buffer, &theirs));
            shrink::shrink(&known);
        };
        let session = PollSession::new(session, Arc::clone(&buffer.unload), lost);
        let mut keep_alive = session.keep_alive();
        keep_alive.iter_mut().for_each(KeepAlive::accept);
        // The session that this one replaces has ended already.
        self.known.insert(member, Arc::new(Poller { session, buffer }));
        keep_alive
    }
}
