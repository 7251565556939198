//! How long what clients send may be, in characters unless it says otherwise.

/// A room id.
pub(super) const ROOM_ID: usize = 64;

/// A display name.
pub(super) const NAME: usize = 32;

/// A message.
pub(super) const TEXT: usize = 4000;

/// Bytes of an emoji in a reaction.
pub(super) const EMOJI: usize = 64;

/// Minutes for which a message may be edited.
pub(super) const EDIT_MINUTES: u64 = 15;

/// The name of a file.
pub(super) const FILE_NAME: usize = 255;

/// Files of one message.
pub(super) const FILES: usize = 10;

/// Reactions on one message.
pub(super) const REACTIONS: usize = 2000;

/// Bytes that are kept of them: each takes 33 and its emoji.
pub(super) const REACTION_BYTES: usize = 128 * 1024;

/// People that wait to be admitted at once.
pub(super) const KNOCKS: usize = 20;

/// Bans of a room.
pub(super) const BANS: usize = 200;

/// Invites of a room that have not ended.
pub(super) const INVITES: usize = 50;

/// Bytes of a title.
pub(super) const TITLE: usize = 512;

/// Milliseconds by which a client's clock and the way of its request may miss the shortest and longest life of a room.
pub(super) const LIFE_SLACK: u64 = 60_000;
