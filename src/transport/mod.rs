//! A reader in, bytes out: how people reach a room.

mod pace;
pub mod poll;
pub mod ws;

pub use pace::Paces;
