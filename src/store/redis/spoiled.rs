//! Rooms whose keys hold what no script of ours wrote: each is logged once, by a hash, and harms no other.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use fred::util::sha1_hash;
use parking_lot::Mutex;

use crate::{room::RoomId, store::StoreError};

/// The most rooms that are logged before they are well again.
const TOLD: usize = 1000;

/// The rooms that were logged.
#[derive(Default)]
pub(super) struct Spoiled {
    told: Mutex<HashSet<String>>,
    count: AtomicUsize,
}

impl Spoiled {
    /// Logs once that a room is spoiled, if it is; forgets it when it is well again.
    pub(super) fn note<T>(
        &self,
        room: &RoomId,
        result: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &result {
            Err(StoreError::Broken(why)) => self.log(room, why),
            Ok(_) if self.count.load(Ordering::Relaxed) > 0 => {
                let mut told = self.told.lock();
                told.remove(&mark(room));
                self.count.store(told.len(), Ordering::Relaxed);
            }
            _ => {}
        }
        result
    }

    /// The same for a call that also succeeds in a spoiled room, and so proves nothing about it.
    pub(super) fn note_failure<T>(
        &self,
        room: &RoomId,
        result: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        result.inspect_err(|error| {
            if let StoreError::Broken(why) = error {
                self.log(room, why);
            }
        })
    }

    fn log(&self, room: &RoomId, why: &str) {
        let (room, mut told) = (mark(room), self.told.lock());
        if told.len() < TOLD && told.insert(room.clone()) {
            self.count.store(told.len(), Ordering::Relaxed);
            // What Redis quotes of a room stays out of the log.
            let why = why.split(" script: ").next().unwrap_or_default();
            tracing::error!(
                room,
                why,
                "the keys of a room hold what Parlor did not write: it is refused until they are gone"
            );
        }
    }
}

/// A room without its id, because the id opens the room. `printf %s ID | sha1sum` gives the same first characters.
fn mark(room: &RoomId) -> String {
    sha1_hash(room.as_str()).chars().take(10).collect()
}

/// The error for a room whose numbers are none.
pub(super) fn numbers() -> StoreError {
    StoreError::Broken("a count in the room's hash is no number".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_told_of_once_until_it_is_well_again() {
        let (spoiled, room): (_, RoomId) = (Spoiled::default(), "general".parse().unwrap());
        let told = || spoiled.told.lock().iter().cloned().collect::<Vec<_>>();
        let broken = || Err::<(), _>(numbers());
        assert_eq!(
            (spoiled.note(&room, broken()), spoiled.note(&room, broken())),
            (broken(), broken())
        );
        assert_eq!(told(), ["dfe2db7497"]);
        assert_eq!(
            spoiled.note(&room, Err::<(), _>(StoreError::Unavailable)),
            Err(StoreError::Unavailable)
        );
        assert_eq!(told().len(), 1);
        assert_eq!(
            (spoiled.note_failure(&room, Ok(())), told().len()),
            (Ok(()), 1),
            "who leaves proves nothing"
        );
        assert_eq!((spoiled.note(&room, Ok(())), told().len()), (Ok(()), 0));
        assert_eq!((spoiled.note_failure(&room, broken()), told().len()), (broken(), 1));
    }
}
