//! The order of a frame. It decides which subscribers get the frame: those whose snapshot does not contain it.

use crate::room::{Cursor, Epoch, Seq, Snapshot};

#[derive(Clone, Copy)]
pub(super) enum FrameOrder {
    Said(Cursor),
    Presence { epoch: Epoch, version: u64 },
    Notice,
}

/// How far a subscriber's snapshot reached: it has not missed what lies before that, or in another epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SeenUpTo {
    pub(super) epoch: Epoch,
    pub(super) seq: Seq,
    pub(super) version: u64,
}

impl SeenUpTo {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self { epoch: snapshot.epoch, seq: snapshot.seq, version: snapshot.version }
    }

    /// Whether this contains all of `other`.
    pub(super) fn covers(self, other: Self) -> bool {
        self.epoch == other.epoch && self.seq >= other.seq && self.version >= other.version
    }
}

impl FrameOrder {
    pub(super) fn epoch(&self) -> Option<Epoch> {
        match *self {
            Self::Said(cursor) => Some(cursor.epoch),
            Self::Presence { epoch, .. } => Some(epoch),
            Self::Notice => None,
        }
    }

    pub(super) fn is_after(&self, seen_up_to: SeenUpTo) -> bool {
        match *self {
            Self::Said(cursor) => cursor.epoch == seen_up_to.epoch && cursor.seq > seen_up_to.seq,
            Self::Presence { epoch, version } => {
                epoch == seen_up_to.epoch && version > seen_up_to.version
            }
            Self::Notice => true,
        }
    }
}
