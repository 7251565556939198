//! What goes over the wire, by direction. From these types come `public/protocol/generated`, the schemas in `docs` and
//! the tables of `docs/protocol.md`: `make generate` writes them, and a test fails when they differ.

mod chat;
mod client_message;
mod error;
#[cfg(test)]
mod generated;
mod scalar;
#[cfg(test)]
mod schema;
mod server_message;
mod welcome;

pub use chat::{Ack, Chat, EntryDto};
pub use client_message::{ClientFrame, ClientMessage};
pub use error::{ApiError, ErrorBody, Reconnect};
pub use scalar::{Timestamp, True};
pub use server_message::{ServerMessage, StatusCode};
pub use welcome::{LimitsDto, MemberDto, Welcome, WelcomeParams};
