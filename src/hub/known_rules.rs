//! The rules of a room as far as this node has heard.

use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use crate::room::{Epoch, HistoryRule, Millis, RoomRules, Seq, Snapshot};

/// What a member may not see of the log, by the rules: all up to this entry.
pub(super) fn since(snapshot: &Snapshot, joined_at: Seq) -> Seq {
    match snapshot.rules.history {
        HistoryRule::All => 0,
        HistoryRule::SinceJoin => joined_at,
    }
}

/// The rules as far as a node has heard.
#[derive(Default)]
pub(super) struct KnownRules {
    rules: Arc<RoomRules>,
    at: Option<(Epoch, u64)>,
    /// Ends the room when its time is over.
    pub(super) timer: Option<(Millis, AbortOnDropHandle<()>)>,
}

impl KnownRules {
    /// What the rules are.
    pub(super) fn get(&self) -> Arc<RoomRules> {
        Arc::clone(&self.rules)
    }

    /// Takes newer rules. Returns those before, or none if these are not newer.
    pub(super) fn replace(
        &mut self,
        (epoch, version): (Epoch, u64),
        rules: &Arc<RoomRules>,
    ) -> Option<Arc<RoomRules>> {
        let known = self.at.filter(|(life, _)| *life == epoch);
        if known.is_some_and(|(_, known)| version < known) {
            return None;
        }
        self.at = Some((epoch, version));
        Some(std::mem::replace(&mut self.rules, Arc::clone(rules)))
    }
}

/// The version with which rules changed, and the members then.
pub(super) struct Changed {
    pub(super) epoch: Epoch,
    pub(super) version: u64,
    pub(super) count: usize,
}
