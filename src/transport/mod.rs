//! A reader in, bytes out: how people reach a room.

mod backlog;
mod flow;
mod framing;
mod heard;
pub mod loan;
mod pace;
pub mod plain;
pub mod poll;
mod served;
pub mod sse;
mod wanted;
pub mod ws;

pub use backlog::SEND_BUFFER;
pub use framing::BodyFraming;
pub use pace::Paces;
pub use served::Served;
