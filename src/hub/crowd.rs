//! A room of many: its people are counted and not named, so that what it takes to tell who is there grows with the
//! people and not with their square.
//!
//! Nobody is left with a list that they take for whole and kept up when it is not:
//! - Who is welcomed is told of a crowd if the snapshot is one, or if the room is one at this node. Whoever was told
//!   so with a newer snapshot than the room has heard of keeps it a crowd until it has: the list that ends it is never
//!   older than such a snapshot, and goes also to those whose snapshot is as old as the list.
//! - Who was welcomed as if it were none, because this node had not heard of it yet, has the whole list as of the
//!   snapshot. The first change after that is in a count, as every change in a crowd is, and a count says what it is.
//! - What a whole list knows already is not told any more, though a store may tell it late.
//! - Each node counts for its own readers; another node's welcome begins anew.

use std::{sync::Weak, time::Duration};

use super::{frame_meta::FrameMeta, local::LocalRoom};
use crate::{
    protocol::{MemberDto, ServerMessage},
    room::{Epoch, Snapshot},
    store::Store,
};

/// How often a crowd is counted at most, and in how long a thousand of it are told the count: a rush into a room of many
/// thousands would else be told more often than it is worth.
const PACE: Duration = Duration::from_secs(1);
const PACE_OF_THOUSAND: Duration = Duration::from_millis(500);

/// How long after one count the next is told, if there is one.
fn pace(told: usize) -> Duration {
    let thousands = u32::try_from(told / 1000).unwrap_or(u32::MAX);
    PACE_OF_THOUSAND.saturating_mul(thousands).clamp(PACE, 10 * PACE)
}

/// Whether a room is a crowd at this node, and what its readers were told of that.
#[derive(Default)]
pub(super) struct CrowdMode {
    /// More people than this are one.
    most: usize,
    is: bool,
    /// Somebody counts.
    followed: bool,
    life: Option<Epoch>,
    /// The newest version known, and how many were there.
    version: u64,
    count: usize,
    /// Which version was counted last.
    told: u64,
    /// The newest snapshot whose reader was told that this is a crowd.
    greeted: u64,
    /// Everything up to here was in a whole list.
    listed: u64,
    /// A snapshot of this life has been seen, and in it who is in the call.
    met: bool,
    /// How often the call was in the news.
    calls: u64,
}

impl CrowdMode {
    pub(super) fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// Takes note of a join. True if it is to be told by name.
    pub(super) fn hear_joined(&mut self, epoch: Epoch, version: u64, count: usize) -> bool {
        self.hear(epoch, version, count) && !self.is
    }

    /// Takes note of a leave. True if it is to be told by name, as it always is of who may be seen in the call.
    pub(super) fn hear_left(&mut self, epoch: Epoch, version: u64, count: usize, called: bool) -> bool {
        let named = self.hear(epoch, version, count) && (!self.is || called || !self.met);
        if named {
            // It says a count that may be older than the one that was told.
            self.told = self.told.min(version);
        }
        named
    }

    /// Takes note that nobody is to be told of.
    pub(super) fn hear_unchanged(&mut self, epoch: Epoch, version: u64, count: usize) {
        self.hear(epoch, version, count);
    }

    /// Takes note of a change. False if it was told with a whole list.
    fn hear(&mut self, epoch: Epoch, version: u64, count: usize) -> bool {
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

    /// Takes note of news of the call.
    pub(super) fn hear_call(&mut self) {
        self.calls += 1;
    }

    /// Whether a reader with this snapshot is told that this is a crowd.
    fn greet(&mut self, room: &Snapshot) -> bool {
        self.live(room.epoch);
        self.met = true;
        let many = room.count() > self.most;
        // Before the last whole list it was one, and whoever comes from then is about to be given that list.
        self.is |= many && room.version > self.listed;
        if self.is && room.version > self.version {
            (self.version, self.count) = (room.version, room.count());
        }
        let crowd = many || self.is;
        if crowd {
            self.greeted = self.greeted.max(room.version);
        }
        crowd
    }

    /// The room begins anew. Says whether it is a crowd.
    pub(super) fn start_over(&mut self, room: &Snapshot) -> bool {
        let greeted = if self.life == Some(room.epoch) { self.greeted } else { 0 };
        let (version, count) = (room.version, room.count());
        // Who was welcomed beyond this, and not by it, still waits for the list.
        let is = count > self.most || greeted >= version.max(1);
        let (most, followed, calls) = (self.most, self.followed, self.calls + 1);
        let (life, told, listed, met) = (Some(room.epoch), version, 0, true);
        *self = Self { most, is, followed, life, version, count, told, greeted, listed, met, calls };
        is
    }

    /// A room that was born anew without a word stays a crowd until it is known to be none.
    fn live(&mut self, epoch: Epoch) {
        if self.life != Some(epoch) {
            let Self { most, is, followed, calls, .. } = *self;
            *self = Self { most, is, followed, calls, life: Some(epoch), ..Self::default() };
        }
    }

    /// Whether it is time to look for the whole list, and what `calls` is now; `None` when nobody need follow any more.
    fn is_over(&mut self) -> Option<(bool, u64)> {
        self.followed = self.is;
        self.is.then(|| (self.is_few(self.count), self.calls))
    }

    /// Fewer than made it a crowd, so that somebody who comes and goes does not turn it back and forth.
    fn is_few(&self, count: usize) -> bool {
        count * 4 <= self.most * 3
    }

    /// How many there are, if that was not told.
    fn count(&mut self) -> Option<(FrameMeta, usize)> {
        let Self { version, count, .. } = *self;
        let epoch = self.life.filter(|_| self.is && self.told < version)?;
        self.told = version;
        Some((FrameMeta::Presence { epoch, version }, count))
    }

    /// Ends the crowd, if this is all that the room has heard of and few enough, with no news of the call since it was
    /// looked for. Where it knows more, somebody in it may be gone by now and will never be told to have left.
    /// Gives what kind of frame is to tell who is there.
    fn end(&mut self, room: &Snapshot, calls: u64) -> Option<FrameMeta> {
        let (epoch, version) = (room.epoch, room.version);
        let is_all = self.life == Some(epoch) && version == self.version.max(self.greeted) && self.calls == calls;
        if !self.is || !is_all || !self.is_few(room.count()) {
            return None;
        }
        (self.is, self.followed) = (false, false);
        (self.version, self.count, self.told, self.listed) = (version, room.count(), version, version);
        // As if it were the next change: who knows this version may have been told that it is a crowd's.
        Some(FrameMeta::Presence { epoch, version: version + 1 })
    }
}

impl LocalRoom {
    /// Whether a reader with this snapshot is told that this is a crowd.
    pub(super) fn greets(&self, room: &Snapshot) -> bool {
        self.gathered.lock().crowd.greet(room)
    }

    /// Whether somebody must begin to count this room.
    pub(super) fn is_uncounted(&self) -> bool {
        let crowd = &mut self.gathered.lock().crowd;
        crowd.is && !std::mem::replace(&mut crowd.followed, true)
    }

    /// Tells how many there are, if that was not told.
    fn tell_count(&self) {
        let mut gathered = self.gathered.lock();
        let room = self.id.as_str();
        if let Some((kind, count)) = gathered.crowd.count() {
            gathered.push(kind, &ServerMessage::Presence { room, count, members: None });
            self.start_flush(gathered);
        }
    }

    /// Tells who is there, if that ends the crowd. Says whether it does.
    fn tell_all(&self, snapshot: &Snapshot, calls: u64) -> bool {
        let mut gathered = self.gathered.lock();
        let Some(kind) = gathered.crowd.end(snapshot, calls) else { return false };
        let members: Vec<_> = snapshot.members.iter().map(MemberDto::from).collect();
        let (room, count) = (self.id.as_str(), members.len());
        gathered.push(kind, &ServerMessage::Presence { room, count, members: Some(members) });
        self.start_flush(gathered);
        true
    }
}

/// Counts a crowd for as long as it is one and has readers here.
pub(super) async fn follow(room: Weak<LocalRoom>, store: Weak<dyn Store>) {
    loop {
        // Not kept while the store is asked, or until the next count: nobody may be there any more.
        let Some((id, over, calls)) = room.upgrade().and_then(|room| {
            let (over, calls) = room.gathered.lock().crowd.is_over()?;
            Some((room.id.clone(), over, calls))
        }) else {
            return;
        };
        let snapshot = match store.upgrade().filter(|_| over) {
            Some(store) => store.look(&id, false).await.ok().flatten(),
            None => None,
        };
        let Some(here) = room.upgrade() else { return };
        if snapshot.is_some_and(|snapshot| here.tell_all(&snapshot, calls)) {
            return;
        }
        here.tell_count();
        let told = here.people.lock().seats.len();
        drop(here);
        tokio::time::sleep(pace(told)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::{CallMark, Member, MemberId, Name, RoomKey};

    fn room(life: u64, version: u64, heads: usize) -> Snapshot {
        let member = |id| Member { id, name: Name::guest(id), joined_at: 0, call: CallMark::default() };
        let members = (0..heads).map(|_| member(MemberId::random())).collect();
        Snapshot { epoch: Epoch(life), key: RoomKey([0; 32]), seq: 0, version, members, unlisted: 0, history: Vec::new() }
    }

    /// Five came where four are not yet a crowd, and somebody was welcomed.
    fn five() -> CrowdMode {
        let mut crowd = CrowdMode::new(4);
        assert!((1..=4).all(|version| crowd.hear_joined(Epoch(1), version, version as usize)));
        assert!(!crowd.hear_joined(Epoch(1), 5, 5) && crowd.greet(&room(1, 5, 5)) && crowd.count().is_some());
        crowd
    }

    fn leave(crowd: &mut CrowdMode, version: u64, count: usize) -> bool {
        crowd.hear_left(Epoch(1), version, count, false)
    }

    #[test]
    fn the_list_that_ends_a_crowd_is_not_older_than_what_anybody_was_welcomed_with() {
        let mut crowd = five();
        assert!(crowd.greet(&room(1, 9, 3)), "few, but this node has not heard of it yet");
        assert!(!leave(&mut crowd, 6, 4) && !leave(&mut crowd, 7, 3));
        assert!(crowd.end(&room(1, 6, 3), 0).is_none() && crowd.end(&room(1, 8, 2), 0).is_none());
        assert!(crowd.end(&room(2, 9, 3), 0).is_none() && crowd.end(&room(1, 9, 4), 0).is_none());
        let calls = crowd.is_over().unwrap().1;
        crowd.hear_call();
        assert!(crowd.end(&room(1, 9, 3), calls).is_none(), "the list may not know who has just come to the call");
        assert!(crowd.end(&room(1, 9, 3), crowd.calls).is_some() && !crowd.greet(&room(1, 9, 3)));
        // What the list knows is not told any more, what comes after it is.
        assert!(!crowd.hear_joined(Epoch(1), 8, 4) && !leave(&mut crowd, 9, 3) && leave(&mut crowd, 10, 2));
        assert!(crowd.greet(&room(1, 4, 5)) && !crowd.is, "who comes from before the list gets it, and makes no crowd");
    }

    #[test]
    fn the_list_that_ends_a_crowd_is_not_newer_than_what_was_heard() {
        let mut crowd = five();
        assert!(!leave(&mut crowd, 6, 3) && crowd.end(&room(1, 8, 3), 0).is_none());
        crowd.hear_unchanged(Epoch(1), 8, 3);
        assert!(crowd.end(&room(1, 8, 3), 0).is_some());
    }

    #[test]
    fn many_thousands_are_told_the_count_less_often() {
        for (told, seconds) in [(0, 1), (101, 1), (2000, 1), (2999, 1), (4000, 2), (16_000, 8), (20_000, 10), (100_000, 10)] {
            assert_eq!(pace(told).as_secs(), seconds, "{told}");
        }
    }

    #[test]
    fn nobody_is_left_out_by_a_reset() {
        for (reset, is) in [(room(1, 9, 3), true), (room(1, 10, 3), false), (room(2, 1, 3), false), (room(2, 1, 5), true)] {
            let mut crowd = five();
            assert!(crowd.greet(&room(1, 9, 3)));
            assert_eq!(crowd.start_over(&reset), is, "{}", reset.cursor());
            assert_eq!(crowd.greet(&reset), is);
        }
    }

    #[test]
    fn a_leave_that_is_told_by_name_is_counted_again() {
        let mut crowd = five();
        assert!(crowd.greet(&room(1, 9, 7)) && crowd.count().is_some() && crowd.count().is_none());
        assert!(crowd.hear_left(Epoch(1), 6, 4, true), "seen in the call");
        assert_eq!(crowd.count().map(|(_, count)| count), Some(7), "its count was older than the one told");
        // Who is in the call is not known before the first snapshot is.
        let mut crowd = CrowdMode::new(4);
        assert!(leave(&mut crowd, 6, 5) && crowd.greet(&room(1, 6, 5)) && !leave(&mut crowd, 7, 5));
    }
}
