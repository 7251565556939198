//! A new member, and whether the rules of the room let it in.
//!
//! A room that lets everybody in costs one call. Where the rules have to be asked, the script returns them, this node
//! finds what follows, and the script takes the join if they are still the same.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    Shared,
    codec::{self, JoinReply, Reply, Str, garbled, number},
    error_action::once_begun,
    hosting::{Change, Changed, TRIES, crowded},
    keys::Keys,
    replica::HeldSession,
    scripts,
    sessions::{Join, JoinGuard},
    spoiled,
    subscription::{GateState, RoomSubscription},
    written_rules::{read_rules, write_rules},
};
use crate::{
    room::{
        AddressMark, Admission, Cursor, Epoch, JoinResult, Joiner, Millis, Moment, RoomError,
        RoomKey, RoomRules, Snapshot,
    },
    store::StoreError,
};

/// By what a new member may join.
#[derive(Clone)]
pub(super) struct Pass {
    /// The rules that let it in.
    expected: Str,
    /// Those that follow.
    rules: Str,
    tries: u32,
}

impl Default for Pass {
    fn default() -> Self {
        Self { expected: Str::new(), rules: Str::from_static("="), tries: 0 }
    }
}

/// How a member is brought back.
pub(super) struct Return<'a> {
    pub(super) session: &'a HeldSession,
    /// The rules as this node knows them.
    pub(super) rules: &'a RoomRules,
    /// Also into a room that is not the one it was in.
    pub(super) insists: bool,
}

/// The rules that have to be asked: `rules mark now`.
struct KnownRules {
    written: Str,
    rules: RoomRules,
    mark: Option<AddressMark>,
    now: Millis,
}

impl KnownRules {
    fn read(mut reply: Reply) -> Option<Self> {
        let (written, mark) = (reply.word()?, reply.word()?);
        let rules = read_rules(&written)?;
        let mark = (!mark.is_empty()).then(|| AddressMark::new(&mark));
        Some(Self { written, rules, mark, now: reply.count()? })
    }
}

impl Shared {
    /// Subscribes first, then joins: messages in between wait in the replica. Returns the room as of the join, without its
    /// members where this node knows them.
    pub(super) async fn admit(
        self: &Arc<Self>,
        subscription: &RoomSubscription,
        gate: &mut GateState,
        attempt: &mut JoinGuard<'_>,
        join: &Join<'_>,
        deadline: Instant,
    ) -> Result<(JoinResult, Snapshot), StoreError> {
        if gate.subscribed.is_none() {
            gate.subscribed = Some(self.router.subscribe(&subscription.keys, deadline).await?);
        }
        let Join { joiner, tag, began, .. } = *join;
        let id = joiner.id;
        let moment = self.moment(&subscription.keys, began);
        // The first member of this node needs the list of the others. The last may move away while the next one joins.
        let mut list = subscription.replica().sessions().is_empty();
        let mut repeated = false;
        let mut pass = Pass::default();
        let (joined, room_state) = loop {
            let mut args = self.join_args(
                join,
                RoomKey::random(),
                Err(&pass),
                list,
                !subscription.replica().sessions().is_empty(),
            );
            args.extend(
                moment
                    .iter()
                    .flat_map(|Moment { earliest, latest }| [number(earliest), number(latest)]),
            );
            attempt.settled = false;
            let answer = self.router.run(&scripts::JOIN, &subscription.keys, args, deadline).await;
            // A repetition that fails leaves what the first try did.
            attempt.settled = !repeated && !matches!(answer, Err(StoreError::Unavailable));
            let mut reply =
                answer.map_err(|error| if repeated { once_begun(error) } else { error })?;
            match reply.word().as_deref() {
                Some("OK") => {}
                Some("EFULL") => return Err(RoomError::RoomFull.into()),
                Some("ETAKEN") => return Err(RoomError::Overtaken.into()),
                Some("EBROKEN") => return Err(spoiled::numbers()),
                Some("ELOST") => {
                    // The room is not created anew by a newcomer: host, bans and key survive.
                    subscription.replica().mark_evicted();
                    self.rejoin_members(subscription, gate, deadline).await?;
                    subscription.wake();
                    continue;
                }
                Some("ERULES") => {
                    let known = KnownRules::read(reply).ok_or_else(|| garbled("join"))?;
                    pass = self
                        .ask_to_join(&subscription.keys, &joiner, pass, known, deadline)
                        .await?;
                    continue;
                }
                _ => return Err(garbled("join")),
            }
            // Where the reply cannot be read, the join has taken effect.
            attempt.settled = false;
            let JoinReply { joined, leased, since, joined_at, name, room_state } =
                JoinReply::read(reply).ok_or_else(|| garbled("join"))?;
            // A member that was not in the room before does not count as joined until the welcome.
            (attempt.settled, attempt.new) = (!joined.new, joined.new);
            let mut replica = subscription.replica();
            let first = replica.sessions().is_empty();
            if first && !list {
                // The same join once more: Redis answers a repetition as it did the first time.
                (list, repeated) = (true, true);
                continue;
            }
            let version = room_state.room.version;
            replica.add_session(
                id,
                HeldSession {
                    tag,
                    since,
                    name,
                    joined_at,
                    key: room_state.room.key,
                    since_seq: joined.since,
                    address: joiner.address,
                    version,
                    leaving: false,
                },
            );
            if first {
                replica.open(&room_state, joined.new.then_some(id), &mut |event| {
                    self.events.on_event(&subscription.room, event)
                });
            } else if !leased {
                replica.mark_evicted();
            }
            if replica.is_faulty() {
                subscription.wake();
            }
            break (joined, room_state);
        };
        subscription.expect(room_state.position());
        // An older connection of the same member has lost the session to this one.
        subscription.notify();
        Ok((joined, room_state.room))
    }

    /// The arguments of join.lua. `pass` is by what the member may join, or how it
    /// is brought back; `list` asks for the members. A node that has other `members` here
    /// brings them back before a newcomer creates the room.
    pub(super) fn join_args(
        &self,
        join: &Join<'_>,
        key: RoomKey,
        pass: Result<&Return<'_>, &Pass>,
        list: bool,
        members: bool,
    ) -> Vec<Str> {
        let Join { joiner, tag, after, .. } = join;
        let again = pass.ok();
        let (since, joined_at) = again.map_or_else(Default::default, |again| {
            (number(again.session.since), number(again.session.joined_at))
        });
        let birth = match pass {
            Ok(again) => write_rules(again.rules),
            Err(_) if self.limits.hosts => {
                write_rules(&RoomRules { host: Some(joiner.id), ..RoomRules::default() })
            }
            Err(_) => String::new(),
        };
        let Pass { expected, rules, .. } = pass.err().cloned().unwrap_or_default();
        let received = |after: Cursor| (codec::epoch(after.epoch), number(after.seq));
        let (life, seq) = after.map_or_else(Default::default, received);
        vec![
            codec::id(joiner.id),
            codec::node(self.node),
            number(tag),
            Str::from(joiner.name.encode()),
            codec::epoch(Epoch::random()),
            codec::key(&key),
            number(self.limits.members),
            number(self.limits.history_age),
            number(self.limits.lease),
            number(self.ttl.as_millis()),
            since,
            joined_at,
            number(u8::from(list)),
            life,
            seq,
            expected,
            rules,
            Str::from(birth),
            codec::address(joiner.address),
            number(again.map_or(0, |again| again.session.since_seq)),
            number(u8::from(again.is_some_and(|again| again.insists) || members)),
        ]
    }

    /// Finds whether the rules let a new member in.
    async fn ask_to_join(
        &self,
        keys: &Keys,
        joiner: &Joiner<'_>,
        before: Pass,
        KnownRules { written, rules, mark, now }: KnownRules,
        deadline: Instant,
    ) -> Result<Pass, StoreError> {
        let tries = before.tries + 1;
        if tries > TRIES {
            return Err(crowded());
        }
        match rules.admit(now, joiner, mark.as_ref())? {
            Admission::Joins(after) => {
                let after =
                    after.map_or(Pass::default().rules, |rules| Str::from(write_rules(&rules)));
                Ok(Pass { expected: written, rules: after, tries })
            }
            Admission::Waits(None) => Err(RoomError::Knocking.into()),
            Admission::Waits(Some(after)) => {
                let change = Change::of(written, &after);
                match self.change(keys, &change, deadline).await? {
                    Changed::Done(_) => Err(RoomError::Knocking.into()),
                    // The next try finds out what is different.
                    _ => Ok(Pass { tries, ..Pass::default() }),
                }
            }
        }
    }
}
