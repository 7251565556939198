//! A large room ("crowd"): its members are counted and not named. Naming every join to every member grows
//! quadratically; counting grows linearly.
//!
//! No subscriber mistakes a partial or stale member list for a complete one:
//! - A welcome says `crowd` if its snapshot has too many members, or if the room is in crowd mode at this node. If
//!   that snapshot is newer than the events this node has seen, crowd mode lasts until the events catch up. So the
//!   list that ends crowd mode is never older than such a snapshot. It also goes to subscribers whose snapshot is as
//!   old as the list.
//! - A subscriber welcomed without `crowd`, because this node did not know of it yet, has the complete list as of its
//!   snapshot. The next change reaches it as a count, like every change in crowd mode, and a count reveals the mode.
//! - A change that a complete list already contains is not broadcast, even if the store reports it late.
//! - Each node counts for its own subscribers; a welcome from another node starts over.

use super::frame_order::FrameOrder;
use crate::room::{Epoch, Snapshot};

/// Whether a room counts its members at this node, and what its subscribers were told of that.
#[derive(Default)]
pub(super) struct CrowdMode {
    /// A room of more members is a crowd.
    most: usize,
    is: bool,
    /// A task broadcasts the counts.
    followed: bool,
    life: Option<Epoch>,
    /// The newest version known, and its member count.
    version: u64,
    count: usize,
    /// The version of the last broadcast count.
    announced: u64,
    /// The version of the newest snapshot that was welcomed with `crowd`.
    welcomed: u64,
    /// Versions up to this one were in a complete list.
    listed: u64,
    /// A snapshot of this epoch has been seen, and with it the participants of the call.
    seen_snapshot: bool,
    /// How many changes of the call were seen.
    calls: u64,
}

impl CrowdMode {
    pub(super) fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// Records a join. True if it is broadcast by name.
    pub(super) fn note_joined(&mut self, epoch: Epoch, version: u64, count: usize) -> bool {
        self.note(epoch, version, count) && !self.is
    }

    /// Records a leave. True if it is broadcast by name, which it always is for a member who may be seen in the call.
    pub(super) fn note_left(
        &mut self,
        epoch: Epoch,
        version: u64,
        count: usize,
        called: bool,
    ) -> bool {
        let named = self.note(epoch, version, count) && (!self.is || called || !self.seen_snapshot);
        if named {
            // Its count may be older than the one broadcast last.
            self.announced = self.announced.min(version);
        }
        named
    }

    /// Records a version that changed no membership.
    pub(super) fn note_unchanged(&mut self, epoch: Epoch, version: u64, count: usize) {
        self.note(epoch, version, count);
    }

    /// Records a change. False if a complete list contained it.
    fn note(&mut self, epoch: Epoch, version: u64, count: usize) -> bool {
        self.live(epoch);
        if version <= self.listed {
            return false;
        }
        if version > self.version {
            (self.version, self.count) = (version, count);
        }
        self.is |= self.count > self.most;
        true
    }

    /// Records a change of the call.
    pub(super) fn note_call(&mut self) {
        self.calls += 1;
    }

    /// Whether the welcome with this snapshot says `crowd`.
    pub(super) fn welcome(&mut self, room: &Snapshot) -> bool {
        self.live(room.epoch);
        self.seen_snapshot = true;
        let many = room.count() > self.most;
        // Before the last complete list the room was a crowd, and a subscriber from then is about to get that list.
        self.is |= many && room.version > self.listed;
        if self.is && room.version > self.version {
            (self.version, self.count) = (room.version, room.count());
        }
        let crowd = many || self.is;
        if crowd {
            self.welcomed = self.welcomed.max(room.version);
        }
        crowd
    }

    /// Restarts from a reset. Says whether the room is a crowd.
    pub(super) fn start_over(&mut self, room: &Snapshot) -> bool {
        let welcomed = if self.life == Some(room.epoch) { self.welcomed } else { 0 };
        let (version, count) = (room.version, room.count());
        // A subscriber whose welcome was newer than this reset, and did not come from it, still waits for the list.
        let is = count > self.most || welcomed >= version.max(1);
        let (most, followed, calls) = (self.most, self.followed, self.calls + 1);
        let (life, announced, listed, seen_snapshot) = (Some(room.epoch), version, 0, true);
        *self = Self {
            most,
            is,
            followed,
            life,
            version,
            count,
            announced,
            welcomed,
            listed,
            seen_snapshot,
            calls,
        };
        is
    }

    /// A room that was created anew without an event stays a crowd until the count is known to be small.
    fn live(&mut self, epoch: Epoch) {
        if self.life != Some(epoch) {
            let Self { most, is, followed, calls, .. } = *self;
            *self = Self { most, is, followed, calls, life: Some(epoch), ..Self::default() };
        }
    }

    /// Whether a task must start to count the room.
    pub(super) fn is_uncounted(&mut self) -> bool {
        self.is && !std::mem::replace(&mut self.followed, true)
    }

    /// Whether it is time to fetch the complete list, and what `calls` is now; `None` when counting is no longer
    /// needed.
    pub(super) fn is_over(&mut self) -> Option<(bool, u64)> {
        self.followed = self.is;
        self.is.then(|| (self.is_few(self.count), self.calls))
    }

    /// Below the threshold by a quarter, so that one member who comes and goes does not switch the mode back and
    /// forth.
    fn is_few(&self, count: usize) -> bool {
        count * 4 <= self.most * 3
    }

    /// The member count, if it was not broadcast yet.
    pub(super) fn count(&mut self) -> Option<(FrameOrder, usize)> {
        let Self { version, count, .. } = *self;
        let epoch = self.life.filter(|_| self.is && self.announced < version)?;
        self.announced = version;
        Some((FrameOrder::Presence { epoch, version }, count))
    }

    /// Ends crowd mode if the snapshot is small and holds all this node has seen, and the call has not changed since
    /// the fetch. If the node had seen more, a listed member could be gone already, and no leave would follow.
    /// Returns the metadata of the frame that carries the list.
    pub(super) fn end(&mut self, room: &Snapshot, calls: u64) -> Option<FrameOrder> {
        let (epoch, version) = (room.epoch, room.version);
        let is_all = self.life == Some(epoch)
            && version == self.version.max(self.welcomed)
            && self.calls == calls;
        if !self.is || !is_all || !self.is_few(room.count()) {
            return None;
        }
        (self.is, self.followed) = (false, false);
        (self.version, self.count, self.announced, self.listed) =
            (version, room.count(), version, version);
        // Ordered as the next version: a subscriber that knows this version may know it as that of a crowd.
        Some(FrameOrder::Presence { epoch, version: version + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::{CallMark, Member, MemberId, Name, RoomKey};

    fn room(life: u64, version: u64, heads: usize) -> Snapshot {
        let member =
            |id| Member { id, name: Name::guest(id), joined_at: 0, call: CallMark::default() };
        let members = (0..heads).map(|_| member(MemberId::random())).collect();
        Snapshot {
            epoch: Epoch(life),
            key: RoomKey([0; 32]),
            seq: 0,
            version,
            members,
            unlisted: 0,
            history: Vec::new(),
            rules: Default::default(),
        }
    }

    /// Five members joined where a crowd begins above four, and one was welcomed.
    fn five() -> CrowdMode {
        let mut crowd = CrowdMode::new(4);
        assert!((1..=4).all(|version| crowd.note_joined(Epoch(1), version, version as usize)));
        assert!(
            !crowd.note_joined(Epoch(1), 5, 5)
                && crowd.welcome(&room(1, 5, 5))
                && crowd.count().is_some()
        );
        crowd
    }

    fn leave(crowd: &mut CrowdMode, version: u64, count: usize) -> bool {
        crowd.note_left(Epoch(1), version, count, false)
    }

    #[test]
    fn the_list_that_ends_a_crowd_is_not_older_than_what_anybody_was_welcomed_with() {
        let mut crowd = five();
        assert!(crowd.welcome(&room(1, 9, 3)), "few, but this node has not heard of it yet");
        assert!(!leave(&mut crowd, 6, 4) && !leave(&mut crowd, 7, 3));
        assert!(crowd.end(&room(1, 6, 3), 0).is_none() && crowd.end(&room(1, 8, 2), 0).is_none());
        assert!(crowd.end(&room(2, 9, 3), 0).is_none() && crowd.end(&room(1, 9, 4), 0).is_none());
        let calls = crowd.is_over().unwrap().1;
        crowd.note_call();
        assert!(
            crowd.end(&room(1, 9, 3), calls).is_none(),
            "the list may not know who has just come to the call"
        );
        assert!(crowd.end(&room(1, 9, 3), crowd.calls).is_some() && !crowd.welcome(&room(1, 9, 3)));
        // A change that the list contains is not broadcast any more; a later one is.
        assert!(
            !crowd.note_joined(Epoch(1), 8, 4)
                && !leave(&mut crowd, 9, 3)
                && leave(&mut crowd, 10, 2)
        );
        assert!(
            crowd.welcome(&room(1, 4, 5)) && !crowd.is,
            "who comes from before the list gets it, and makes no crowd"
        );
    }

    #[test]
    fn the_list_that_ends_a_crowd_is_not_newer_than_what_was_heard() {
        let mut crowd = five();
        assert!(!leave(&mut crowd, 6, 3) && crowd.end(&room(1, 8, 3), 0).is_none());
        crowd.note_unchanged(Epoch(1), 8, 3);
        assert!(crowd.end(&room(1, 8, 3), 0).is_some());
    }

    #[test]
    fn nobody_is_left_out_by_a_reset() {
        for (reset, is) in [
            (room(1, 9, 3), true),
            (room(1, 10, 3), false),
            (room(2, 1, 3), false),
            (room(2, 1, 5), true),
        ] {
            let mut crowd = five();
            assert!(crowd.welcome(&room(1, 9, 3)));
            assert_eq!(crowd.start_over(&reset), is, "{}", reset.cursor());
            assert_eq!(crowd.welcome(&reset), is);
        }
    }

    #[test]
    fn a_leave_that_is_told_by_name_is_counted_again() {
        let mut crowd = five();
        assert!(
            crowd.welcome(&room(1, 9, 7)) && crowd.count().is_some() && crowd.count().is_none()
        );
        assert!(crowd.note_left(Epoch(1), 6, 4, true), "seen in the call");
        assert_eq!(
            crowd.count().map(|(_, count)| count),
            Some(7),
            "its count was older than the one told"
        );
        // The participants of the call are unknown before the first snapshot.
        let mut crowd = CrowdMode::new(4);
        assert!(
            leave(&mut crowd, 6, 5) && crowd.welcome(&room(1, 6, 5)) && !leave(&mut crowd, 7, 5)
        );
    }
}
