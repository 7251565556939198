//! The rules of a room as its node was told, and the end of the room.

use std::sync::Arc;

use super::{RoomReplica, State, Tell};
use crate::{
    room::{Epoch, Name, RoomEnd, RoomKey, RoomRules},
    store::{Event, redis::codec},
};

impl RoomReplica {
    /// What was decided, for the case that Redis loses it.
    pub(in crate::store::redis) fn rules(&self) -> &Arc<RoomRules> {
        &self.rules
    }

    /// The rules have changed.
    pub(super) fn decided(
        &mut self,
        (epoch, version, count): (Epoch, u64, usize),
        rules: Arc<RoomRules>,
        host: Option<Name>,
        tell: Tell<'_>,
    ) {
        if version == self.place.version + 1 {
            self.place.version = version;
            self.rules = Arc::clone(&rules);
            tell(&Event::Rules { epoch, rules, host, version, count });
        } else if version > self.place.version {
            self.mark_gap();
        }
    }

    /// The room was ended, if it is this life of it. What this node still holds of it is void.
    pub(super) fn burned(&mut self, life: &str, end: &Arc<RoomEnd>, tell: Tell<'_>) {
        if life == codec::life(&self.key) {
            self.end(end, tell);
        }
    }

    /// The same where this node finds it out by itself.
    pub(in crate::store::redis) fn end(&mut self, end: &Arc<RoomEnd>, tell: Tell<'_>) {
        let before = self.sessions.len();
        self.sessions.retain(|_, session| session.key != self.key);
        if self.sessions.len() == before {
            return;
        }
        self.kicked.clear();
        self.ended = Some(self.key);
        if self.sessions.is_empty() {
            self.evicted = false;
            self.deserted = true;
            self.state = State::Joining(Vec::new());
        } else {
            // A member has joined the next life before this node was told.
            self.state = State::Filling(Vec::new());
        }
        tell(&Event::Burned { end: Arc::clone(end) });
    }

    /// Whether the life with this key was ended.
    pub(in crate::store::redis) fn has_ended(&self, key: &RoomKey) -> bool {
        self.ended.as_ref() == Some(key)
    }
}
