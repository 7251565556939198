//! The scripts: each is one atomic step of the store's contract.
//!
//! A script is sent by its hash, and in full to a server that does not know it.
//! It checks first and writes last, because an error rolls nothing back.

use std::{borrow::Cow, sync::OnceLock};

use fred::{bytes_utils::Str, util::sha1_hash};

use super::lanes::Lane;
use crate::room::{Amendment, File, Limits, MAX_N, Message};

/// A script and the hash by which Redis knows it.
pub(super) struct Script {
    /// The whole script.
    text: Cow<'static, str>,
    /// Which calls it waits with.
    pub(super) lane: Lane,
    hash: OnceLock<Str>,
}

impl Script {
    const fn new(text: &'static str, lane: Lane) -> Self {
        Self { text: Cow::Borrowed(text), lane, hash: OnceLock::new() }
    }

    /// Adds messages to the log, and keeps the log within these limits.
    pub(super) fn publish(limits: &Limits) -> Self {
        Self::limited(include_str!("lua/say.lua"), limits, Lane::Messages)
    }

    /// Changes a message or answers one, within the same limits.
    pub(super) fn amend(limits: &Limits) -> Self {
        Self::amending("#!lua\n", limits)
    }

    /// The same for a delete: a server without memory takes it, because it frees some.
    pub(super) fn delete(limits: &Limits) -> Self {
        Self::amending("#!lua flags=allow-oom\n", limits)
    }

    fn amending(first: &str, limits: &Limits) -> Self {
        let text = [first, include_str!("lua/files.lua"), include_str!("lua/amend.lua")].concat();
        Self::limited(&text, limits, Lane::Messages)
    }

    /// Ends a session.
    pub(super) fn leave(limits: &Limits) -> Self {
        let text = concat!(
            "#!lua flags=allow-oom\n",
            include_str!("lua/files.lua"),
            include_str!("lua/hosting.lua"),
            include_str!("lua/ending.lua"),
            include_str!("lua/leave.lua")
        );
        Self::limited(text, limits, Lane::Leaves)
    }

    /// Renews a node's lease, and drops what is too old within the same limits.
    pub(super) fn renew(limits: &Limits) -> Self {
        let text = concat!(
            "#!lua flags=allow-oom\n",
            include_str!("lua/files.lua"),
            include_str!("lua/hosting.lua"),
            include_str!("lua/sweep.lua"),
            include_str!("lua/renew.lua")
        );
        Self::limited(text, limits, Lane::Renewals)
    }

    /// Changes the rules. A server without memory takes it, because it may remove members.
    pub(super) fn rules(limits: &Limits) -> Self {
        let text = concat!(
            "#!lua flags=allow-oom\n",
            include_str!("lua/files.lua"),
            include_str!("lua/hosting.lua"),
            include_str!("lua/sweep.lua"),
            include_str!("lua/rules.lua")
        );
        Self::limited(text, limits, Lane::Messages)
    }

    /// Opens a file, adds a piece to it, reads it and drops it.
    pub(super) fn of_files(limits: &Limits) -> [Self; 4] {
        const FILES: &str = include_str!("lua/files.lua");
        [
            ("#!lua\n", include_str!("lua/file_open.lua")),
            ("#!lua\n", include_str!("lua/file_write.lua")),
            ("#!lua flags=no-writes\n", include_str!("lua/file_read.lua")),
            ("#!lua flags=allow-oom\n", include_str!("lua/file_drop.lua")),
        ]
        .map(|(first, text)| Self::limited(&[first, FILES, text].concat(), limits, Lane::Files))
    }

    fn limited(text: &str, limits: &Limits, lane: Lane) -> Self {
        let text = text
            .replace("HISTORY_LEN", &limits.history_len.to_string())
            .replace("HISTORY_BYTES", &limits.history_bytes.to_string())
            .replace("HISTORY_AGE", &limits.history_age.to_string())
            .replace("EDIT_AGE", &limits.edit_age.to_string())
            .replace("MAX_REACTION_BYTES", &Message::MAX_REACTION_BYTES.to_string())
            .replace("MAX_REACTIONS", &Message::MAX_REACTIONS.to_string())
            .replace("MAX_AMENDMENTS", &Amendment::KEPT.to_string())
            .replace("MAX_FILES", &File::MOST.to_string())
            .replace("FILE_MOST", &limits.file_bytes.to_string())
            .replace("ROOM_MOST", &limits.room_file_bytes.to_string())
            .replace("FILE_CHUNK", &limits.file_chunk.to_string())
            .replace("UPLOAD_AGE", &limits.upload_age.to_string())
            .replace("MAX_N", &MAX_N.to_string());
        Self { text: Cow::Owned(text), lane, hash: OnceLock::new() }
    }

    /// The whole script.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The script's hash, as Redis computes it.
    pub(super) fn hash(&self) -> Str {
        self.hash.get_or_init(|| Str::from(sha1_hash(&self.text))).clone()
    }
}

/// Joins a member.
pub(super) static JOIN: Script = Script::new(
    concat!(
        "#!lua\n",
        include_str!("lua/amendments.lua"),
        include_str!("lua/hosting.lua"),
        include_str!("lua/ending.lua"),
        include_str!("lua/join.lua")
    ),
    Lane::Rooms,
);
/// Ends a room for all.
pub(super) static BURN: Script = Script::new(
    concat!(
        "#!lua flags=allow-oom\n",
        include_str!("lua/hosting.lua"),
        include_str!("lua/ending.lua"),
        include_str!("lua/burn.lua")
    ),
    Lane::Leaves,
);
/// Publishes that a member is typing.
pub(super) static TYPING: Script = Script::new(include_str!("lua/typing.lua"), Lane::Messages);
/// Gives a member another name.
pub(super) static RENAME: Script = Script::new(include_str!("lua/rename.lua"), Lane::Messages);
/// Publishes that the page of a member unloads.
pub(super) static UNLOAD: Script = Script::new(include_str!("lua/unload.lua"), Lane::Messages);
/// Records that a member joined or left the call.
pub(super) static CALL: Script = Script::new(include_str!("lua/call.lua"), Lane::Messages);
/// Returns a snapshot of a room.
pub(super) static LOOK: Script = Script::new(
    concat!(
        "#!lua flags=no-writes\n",
        include_str!("lua/amendments.lua"),
        include_str!("lua/hosting.lua"),
        include_str!("lua/look.lua")
    ),
    Lane::Rooms,
);
/// Tries every command that the other scripts call.
pub(super) static PROBE: Script = Script::new(include_str!("lua/probe.lua"), Lane::Messages);

/// `amendments.lua` has this number as a literal, because `JOIN` and `LOOK` are constants.
const _: () = assert!(Amendment::TEXTS == 65_536);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_probe_tries_every_command_that_a_script_calls() {
        let commands = |text: &str| -> BTreeSet<String> {
            let calls = text.split("call('").skip(1);
            calls.filter_map(|rest| rest.split('\'').next()).map(str::to_owned).collect()
        };
        let limits = Limits::default();
        let limited = [
            Script::publish(&limits),
            Script::amend(&limits),
            Script::renew(&limits),
            Script::leave(&limits),
            Script::rules(&limits),
        ];
        let called: BTreeSet<String> = [&JOIN, &TYPING, &RENAME, &UNLOAD, &CALL, &LOOK, &BURN]
            .into_iter()
            .chain(&limited)
            .chain(&Script::of_files(&limits))
            .flat_map(|script| commands(script.text()))
            .collect();
        assert!(called.len() > 15, "{called:?}");
        assert_eq!(commands(PROBE.text()), called);
    }

    #[test]
    fn limits_of_a_deployment_stand_in_its_script() {
        let limits = Limits {
            history_len: 7,
            history_bytes: 8000,
            history_age: 90_000,
            ..Limits::default()
        };
        let (mine, usual) = (Script::publish(&limits), Script::publish(&Limits::default()));
        assert!(mine.text().contains("local keep, most, age = 7, 8000, 90000\n"));
        assert!(mine.text().contains(">= 9007199254740991 then\n"));
        let all =
            [Script::publish(&limits), Script::amend(&limits), Script::renew(&limits)].into_iter();
        for script in all.chain(Script::of_files(&limits)) {
            for name in ["HISTORY_", "FILE_", "ROOM_MOST", "UPLOAD_AGE", "EDIT_AGE", "MAX_"] {
                assert!(!script.text().contains(name), "{name}");
            }
        }
        assert_ne!(mine.hash(), usual.hash());
    }
}
