//! The names of a room's keys and of its channel.

use fred::{bytes_utils::Str, util::redis_keyslot};

use crate::room::RoomId;

/// The layout's version is part of every name, so that nodes of a newer layout have rooms of their own.
const PREFIX: &str = "parlor1:{";

/// The names of one room's four keys and its channel, in the order in which scripts take them.
///
/// The room's id is the hash tag, so that all five belong to one slot.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    names: [Str; 5],
    slot: u16,
}

impl Keys {
    /// The names for a room. Channels know nothing of database numbers, so the channel's name tells databases apart.
    pub(super) fn new(room: &RoomId, database: u8) -> Self {
        Self::tagged(room.as_str(), database)
    }

    /// The names for this node's probe of a server. No room has such a name, because a room's id holds no space.
    pub(super) fn of_probe(mark: u64, turn: u32, database: u8) -> Self {
        Self::tagged(&format!("probe {mark:x} {turn}"), database)
    }

    /// The names for all nodes together. No room has such a name, either.
    pub(super) fn of_nodes(database: u8) -> Self {
        Self::tagged("all nodes", database)
    }

    fn tagged(tag: &str, database: u8) -> Self {
        let key = |part: &str| Str::from(format!("{PREFIX}{tag}}}{part}"));
        let channel = if database == 0 { key("") } else { key(&format!(":{database}")) };
        let slot = redis_keyslot(channel.as_bytes());
        Self { names: [key(":m"), key(":h"), key(":l"), channel, key(":f")], slot }
    }

    /// Set of members, hash of the room, list of entries, channel, hash of the files.
    pub(super) fn all(&self) -> [Str; 5] {
        self.names.clone()
    }

    /// Hash of the room, list of entries, channel.
    pub(super) fn spoken(&self) -> Vec<Str> {
        self.names[1..4].to_vec()
    }

    /// The same with the hash of the files.
    pub(super) fn amended(&self) -> Vec<Str> {
        self.names[1..].to_vec()
    }

    /// The channel on which the room's events are published.
    pub(super) fn channel(&self) -> &Str {
        &self.names[3]
    }

    /// The room's slot in a Redis Cluster.
    pub(super) fn slot(&self) -> u16 {
        self.slot
    }

    /// The same without building the names.
    pub(super) fn slot_of(room: &RoomId) -> u16 {
        redis_keyslot(room.as_str().as_bytes())
    }

    /// The id of the room that a channel belongs to.
    pub(super) fn room_of(channel: &str) -> Option<&str> {
        channel.strip_prefix(PREFIX)?.split_once('}').map(|(room, _)| room)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_room_carries_the_room_as_its_hash_tag() {
        let room: RoomId = "комната-7".parse().unwrap();
        let names = Keys::new(&room, 0).all();
        assert_eq!(
            names[..3],
            ["parlor1:{комната-7}:m", "parlor1:{комната-7}:h", "parlor1:{комната-7}:l"]
        );
        assert_eq!(names[3..], ["parlor1:{комната-7}", "parlor1:{комната-7}:f"]);
        assert_eq!(*Keys::new(&room, 3).channel(), "parlor1:{комната-7}:3");
        assert!(names.iter().all(|name| Keys::room_of(name) == Some("комната-7")));
        assert_eq!(Keys::room_of("elsewhere"), None);
        assert_eq!(Keys::of_probe(255, 7, 0).all()[1], "parlor1:{probe ff 7}:h");
        assert!("probe ff 7".parse::<RoomId>().is_err(), "no room can be taken for a probe");
        assert_eq!(*Keys::of_nodes(3).channel(), "parlor1:{all nodes}:3");
        assert!("all nodes".parse::<RoomId>().is_err(), "nor for all nodes");
        // As CLUSTER KEYSLOT says.
        assert_eq!(Keys::new(&"abc".parse().unwrap(), 0).slot(), 7638);
        for room in ["abc".parse().unwrap(), room] {
            assert_eq!(Keys::slot_of(&room), Keys::new(&room, 3).slot());
        }
    }
}
