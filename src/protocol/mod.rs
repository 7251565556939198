//! What goes over the wire, by direction. `docs/protocol.md` says it to clients.

mod inbound;
mod outbound;
mod said;
mod trouble;

pub use inbound::{Ask, Inbound};
pub use outbound::{Allowed, Arrival, Outbound, Person, Shown, Stamp, Welcome};
pub use said::{Ack, Chat};
pub use trouble::{Problem, Trouble};
