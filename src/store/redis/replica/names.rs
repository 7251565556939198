//! The names by which members go, as their node was told.

use super::{HeldSession, RoomReplica};
use crate::room::{Member, MemberId, Name};

impl RoomReplica {
    /// A member has another name. A session that has to be brought back gets it, too.
    pub(super) fn rename(&mut self, id: MemberId, name: &Name) {
        self.people.rename(id, name);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.name = name.clone();
        }
    }

    /// The sessions of this node get the names that the room has.
    pub(super) fn rename_sessions(&mut self, members: &[Member]) {
        for Member { id, name, .. } in members {
            if let Some(session) = self.sessions.get_mut(id) {
                session.name = name.clone();
            }
        }
    }

    /// The session of a member that has joined. It may have taken another name since the reply to its join.
    pub(super) fn under_newest_name(&self, id: MemberId, session: HeldSession) -> HeldSession {
        match self.people.get(id) {
            Some(member) if self.place.version > session.version => {
                HeldSession { name: member.name.clone(), ..session }
            }
            _ => session,
        }
    }
}
