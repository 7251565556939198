//! Spare room: a table keeps what its largest number of entries took, and with
//! it the pages around, until it is told to shrink.

use std::hash::{BuildHasher, Hash};

use dashmap::DashMap;

/// A table for no more entries than this is left as it is.
const LEAST: usize = 1024;

/// A table shrinks when it could hold so many times what it holds.
const SPARE: usize = 4;

/// Shrinks a table that most entries have left. Cheap where there is nothing to do; to be called now and then.
pub fn give_back<K: Eq + Hash, V, S: BuildHasher + Clone>(table: &DashMap<K, V, S>) {
    let room = table.capacity();
    if room > LEAST && room > table.len() * SPARE {
        table.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crowd_took_is_given_back_when_it_has_left() {
        let table: DashMap<u32, u32> = (0..20_000).map(|n| (n, n)).collect();
        let full = table.capacity();
        give_back(&table);
        assert_eq!(table.capacity(), full, "a full table is left alone");
        table.retain(|n, _| *n < 100);
        give_back(&table);
        assert!((100..=LEAST).contains(&table.capacity()), "{}", table.capacity());
        assert_eq!(table.get(&99).map(|n| *n), Some(99));
    }
}
