//! How long the words of clients may be, in characters.

/// A room id.
pub(super) const ROOM_ID: usize = 64;

/// A display name.
pub(super) const NAME: usize = 32;

/// A message.
pub(super) const TEXT: usize = 4000;
