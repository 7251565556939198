//! How long what clients send may be, in characters unless it says otherwise.

/// A room id.
pub(super) const ROOM_ID: usize = 64;

/// A display name.
pub(super) const NAME: usize = 32;

/// A message.
pub(super) const TEXT: usize = 4000;

/// Bytes of an emoji in a reaction.
pub(super) const EMOJI: usize = 64;
