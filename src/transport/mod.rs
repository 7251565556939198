//! A reader in, bytes out: how people reach a room.

mod flow;
mod framing;
pub mod loan;
mod pace;
pub mod plain;
pub mod poll;
pub mod sse;
pub mod ws;

pub use framing::BodyFraming;
pub use pace::Paces;
