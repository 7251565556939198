//! What goes over the wire, by direction. From these types come `public/protocol/generated`, the schemas in `docs` and
//! the tables of `docs/protocol.md`: `make generate` writes them, and a test fails when they differ.

mod amendment;
mod chat;
mod client_frame;
mod client_message;
mod door;
mod entry;
mod error;
mod file;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod host_message;
mod host_request;
mod rules;
mod scalar;
#[cfg(test)]
mod schema;
mod server_message;
mod welcome;

pub use amendment::{Delete, Edit, React, ReactionDto, Reactions};
pub use chat::{Ack, Chat};
pub use client_frame::ClientFrame;
pub use client_message::ClientMessage;
pub use door::{DoorDto, InviteDto, InvitesDto, NewInviteDto};
pub use entry::EntryDto;
pub use error::{ApiError, ErrorBody, Reconnect};
pub use file::{FileDto, Files, Upload};
pub use host_request::HostRequest;
pub use rules::{KnockDto, RulesDto};
pub use scalar::{Timestamp, True};
pub use server_message::{ServerMessage, StatusCode};
pub use welcome::{LimitsDto, MemberDto, Welcome, WelcomeParams};
