//! A reader in, bytes out: how people reach a room.

pub mod ws;
