//! Parlor: ephemeral room chat. *Open, talk, gone.*
//!
//! The modules stand here from the ground up: each may use only those above
//! it, and a test reads the imports and holds them to it.

// What a room is and how it says no: pure rules.
pub mod room;

// What goes over the wire, by direction.
pub mod protocol;

// Gives back what tables took for a crowd that has left.
pub mod spare;

// What one address, and all together, may hold and do.
pub mod budget;

// Every setting, its default and its check.
pub mod config;

// Signs and checks the slips that prove a seat.
pub mod ticket;

// Where rooms live: in this process or in Redis.
pub mod store;

// Known by name: accounts, in SQL.
pub mod account;

// Mints LiveKit passes.
pub mod video;

// This node: what the store tells in, every reader of the room out.
pub mod hub;

// A reader in, bytes out.
pub mod transport;

// The edge: addresses, pages, health.
pub mod http;

// Builds the parts in this order, accepts, drains.
pub mod server;
