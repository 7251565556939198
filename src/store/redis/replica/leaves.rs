//! Members that leave, as this node is told of it, and those of its own that it loses.

use super::{HeldSession, RoomReplica, Tell};
use crate::{
    room::{CallMark, Epoch, LeaveReason, Member, MemberId},
    store::Event,
};

impl RoomReplica {
    /// A member has left.
    pub(super) fn left(
        &mut self,
        (epoch, version, count): (Epoch, u64, usize),
        member: Member,
        reason: LeaveReason,
        tell: Tell<'_>,
    ) {
        if version == self.place.version + 1 {
            let mut last = false;
            if let Some(session) =
                self.sessions.get(&member.id).filter(|session| session.version < version)
            {
                if reason == LeaveReason::NodeLost {
                    // This node was taken for dead. Its members come back before any leave is passed on.
                    return self.mark_evicted();
                }
                let tag = session.tag;
                if reason == LeaveReason::Kicked {
                    // The leave itself tells that the session is over.
                    self.remove_session(member.id, tag);
                    last = self.sessions.is_empty();
                } else {
                    // A member that left through another node had moved there.
                    self.lose(member.id, tag, tell);
                    if self.deserted {
                        return;
                    }
                }
            }
            self.place.version = version;
            self.people.remove(member.id);
            tell(&Event::Left { epoch, member, reason, version, count });
            if last {
                self.deserted = true;
                self.hold();
            }
        } else if version > self.place.version {
            self.mark_gap();
        }
    }

    /// A member of this node has moved to another one, if it was this connection's.
    pub(in crate::store::redis) fn lose(&mut self, id: MemberId, tag: u64, tell: Tell<'_>) {
        let Some(session) = self.session(id, tag) else { return };
        if !session.leaving {
            tell(&Event::Moved { member: id, tag });
        }
        self.give_up(id, tag);
    }

    /// Takes back that a member of this node has joined, if it was this connection's.
    pub(in crate::store::redis) fn give_up(&mut self, id: MemberId, tag: u64) {
        self.remove_session(id, tag);
        if self.sessions.is_empty() {
            self.deserted = true;
            self.hold();
        }
    }

    /// A member of this node turns out to be removed by the host: its leave is passed on when the room has been read.
    pub(in crate::store::redis) fn kick(&mut self, id: MemberId, tag: u64) {
        let Some(HeldSession { name, joined_at, leaving, .. }) = self.session(id, tag).cloned()
        else {
            return;
        };
        self.give_up(id, tag);
        if !leaving {
            self.kicked.push(Member { id, name, joined_at, call: CallMark::default() });
        }
    }

    /// Passes on that members of this node were removed, unless `known` says that it is passed on anyway.
    pub(in crate::store::redis) fn tell_kicked(
        &mut self,
        known: impl Fn(&Self, MemberId) -> bool,
        tell: Tell<'_>,
    ) {
        for member in std::mem::take(&mut self.kicked) {
            if known(self, member.id) {
                continue;
            }
            self.people.remove(member.id);
            self.place.version += 1;
            let (epoch, version, count) = (self.place.epoch, self.place.version, self.people.len());
            let reason = LeaveReason::Kicked;
            tell(&Event::Left { epoch, member, reason, version, count });
        }
    }
}
