//! What goes over the wire, by direction. `docs/protocol.md` says it to clients.

mod inbound;
mod outbound;
mod trouble;

pub use inbound::{Ask, Inbound};
pub use outbound::{Allowed, Arrival, Chat, Outbound, Person, Shown, Stamp, Welcome};
pub use trouble::{Problem, Trouble};
