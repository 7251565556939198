//! The configuration of the hub, and the welcome that follows from it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::Encoder;
use crate::{
    account::Accounts,
    budget::Budgets,
    protocol::{LimitsDto, ServerMessage, Welcome, WelcomeParams},
    receipt::ReceiptSigner,
    room::{Entry, Limits, MemberId, Millis, Name, NodeId, RoomId, Seq, Snapshot},
    ticket::{Claims, Signer},
    video::Video,
};

/// The configuration of the hub.
pub struct HubConfig {
    /// Signs tickets.
    pub signer: Signer,
    /// What rooms hold.
    pub limits: Limits,
    /// A room of more members counts them instead of naming them.
    pub crowd: usize,
    /// How long the session of a lost connection is held.
    pub grace: Duration,
    /// How long the session of a page that unloads is held; not longer than the grace.
    pub reload_grace: Duration,
    /// Pages are asked not to offer a copy of the talk.
    pub no_export: bool,
    /// Mints LiveKit tokens, if LiveKit is set up.
    pub video: Option<Video>,
    /// Signs what is said of the end of a room.
    pub receipts: Arc<ReceiptSigner>,
    /// The name of this node in receipts.
    pub node: NodeId,
    /// Reserves registered names, if there are accounts.
    pub accounts: Option<Arc<Accounts>>,
    /// What addresses and this node may hold and do.
    pub budgets: Arc<Budgets>,
    /// Tells the time.
    pub clock: fn() -> Millis,
}

/// The member that a welcome is for, and what it says of them.
pub(super) struct Greeted<'a> {
    pub(super) member: MemberId,
    pub(super) name: &'a Name,
    pub(super) resumed: bool,
    pub(super) reset: bool,
    pub(super) last_n: u64,
    /// What the client has read of the log.
    pub(super) after: Seq,
    /// What was sent up to here is not for the member.
    pub(super) since: Seq,
    pub(super) crowd: bool,
}

impl HubConfig {
    /// How long a polling member keeps its session without a request.
    pub fn poll(&self) -> Duration {
        self.grace.max(Duration::from_millis(self.limits.lease))
    }

    /// How long the sessions of a stopping node are held.
    pub(super) fn parted(&self) -> Duration {
        Duration::from_millis(self.limits.lease) * 2
    }

    /// A `welcome`, or a `reset` for a member who was welcomed before, with a new ticket.
    pub(super) fn welcome(
        &self,
        room: &RoomId,
        snapshot: &Snapshot,
        history: &[Entry],
        Greeted { member, name, resumed, reset, last_n, after, since, crowd }: Greeted<'_>,
        again: bool,
        encoder: &Encoder,
    ) -> Bytes {
        let now = (self.clock)();
        let ticket =
            self.signer.sign(&snapshot.key, room, &Claims { member, name: name.clone() }, now);
        let video = self.video.is_some();
        let crowd = crowd.then_some(self.crowd);
        let arrival = WelcomeParams {
            member,
            user: name,
            ticket: &ticket,
            resumed,
            reset,
            last_n,
            crowd,
            video,
            after,
            since,
            now,
        };
        let millis = |time: Duration| Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX);
        let allowed = LimitsDto::new(&self.limits, millis(self.grace), millis(self.poll()))
            .no_export(self.no_export);
        let fields = Welcome::new(room, snapshot, history, arrival, allowed);
        encoder.encode(&if again {
            ServerMessage::Reset(fields)
        } else {
            ServerMessage::Welcome(fields)
        })
    }
}
