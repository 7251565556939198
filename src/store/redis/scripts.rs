//! The scripts: each is one atomic step of the store's contract.
//!
//! Sent by their hash, and in full to a server that does not know them. A
//! script checks first and writes last, because an error rolls nothing back.

use std::sync::OnceLock;

use fred::{bytes_utils::Str, util::sha1_hash};

/// A script and the hash by which Redis knows it.
pub(super) struct Script {
    /// The whole script.
    pub(super) text: &'static str,
    hash: OnceLock<Str>,
}

impl Script {
    const fn new(text: &'static str) -> Self {
        Self { text, hash: OnceLock::new() }
    }

    /// The script's hash, as Redis computes it.
    pub(super) fn hash(&self) -> Str {
        self.hash.get_or_init(|| Str::from(sha1_hash(self.text))).clone()
    }
}

/// Takes a seat.
pub(super) static JOIN: Script = Script::new(include_str!("lua/join.lua"));
/// Frees a seat.
pub(super) static LEAVE: Script = Script::new(include_str!("lua/leave.lua"));
/// Adds to the log.
pub(super) static SAY: Script = Script::new(include_str!("lua/say.lua"));
/// Tells that somebody is typing.
pub(super) static TYPING: Script = Script::new(include_str!("lua/typing.lua"));
/// Takes note of a coming to the call or a going.
pub(super) static CALL: Script = Script::new(include_str!("lua/call.lua"));
/// Shows a room.
pub(super) static LOOK: Script = Script::new(include_str!("lua/look.lua"));
/// Renews a node's lease.
pub(super) static RENEW: Script = Script::new(include_str!("lua/renew.lua"));
