//! What goes over the wire, by direction. `docs/protocol.md` describes it for clients.

mod chat;
mod client_message;
mod error;
mod server_message;

pub use chat::{Ack, Chat};
pub use client_message::{ClientFrame, ClientMessage};
pub use error::{ApiError, ErrorBody};
pub use server_message::{AsDisplay, LimitsDto, MemberDto, ServerMessage, Timestamp, Welcome, WelcomeParams};
