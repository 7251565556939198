//! Spare capacity: a table keeps the memory of its largest size, and the pages around it, until it is told to shrink.

use std::hash::{BuildHasher, Hash};

use dashmap::DashMap;

/// A table with a capacity of at most this many entries is left as it is.
const LEAST: usize = 1024;

/// A table shrinks when its capacity is more than this many times its number of entries.
const SPARE: usize = 4;

/// Shrinks a table that has lost most of its entries. Cheap where there is nothing to do; call it periodically.
pub fn shrink<K: Eq + Hash, V, S: BuildHasher + Clone>(table: &DashMap<K, V, S>) {
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
        shrink(&table);
        assert_eq!(table.capacity(), full, "a full table is left alone");
        table.retain(|n, _| *n < 100);
        shrink(&table);
        assert!((100..=LEAST).contains(&table.capacity()), "{}", table.capacity());
        assert_eq!(table.get(&99).map(|n| *n), Some(99));
    }
}
