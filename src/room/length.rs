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
