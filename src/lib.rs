//! Parlor: ephemeral room chat. *Open, talk, gone.*
//!
//! The modules, from the ground up; each may use only those above it:
#![doc = ""]

/// What a room is and how it says no: pure rules.
pub mod room;
/// Where rooms live: in this process or in Redis.
pub mod store;
