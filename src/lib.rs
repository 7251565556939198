//! Parlor: ephemeral room chat. *Open, talk, gone.*
//!
//! The modules are in layers, from the bottom up: each may use only those above it in this file. A test checks the
//! imports.

// What a room is, and its errors: pure rules.
pub mod room;

// What goes over the wire, by direction.
pub mod protocol;

// Shrinks tables that grew for a crowd that has left.
pub mod shrink;

// What one address, and all together, may hold and do.
pub mod budget;

// Every setting, its default and its check.
pub mod config;

// Signs and checks the tickets that prove a session.
pub mod ticket;

// Signs and checks receipts: what a node says of the end of a room.
pub mod receipt;

// Where rooms live: in this process or in Redis.
pub mod store;

// Accounts, in SQL.
pub mod account;

// Mints LiveKit tokens.
pub mod video;

// This node: broadcasts the store's events to every subscriber of its rooms.
pub mod hub;

// Connections: client frames in, encoded frames out.
pub mod transport;

// HTTP: addresses, pages, health.
pub mod http;

// Builds the parts in this order, accepts, drains.
pub mod server;
