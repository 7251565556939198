//! What a member says: words, answers, and now and then a change of what was said before.

use std::time::Instant;

use serde_json::{Value, json};

use super::{fleet, support::folded::Folded};

/// One entry in so many is a reply, one a reaction, one an edit, one a delete. A member that is away for long must not
/// miss more amendments than a room keeps.
fn turn() -> u64 {
    if fleet::is_long() { 48 } else { 16 }
}

/// An entry of one's own that is not acknowledged yet.
pub struct Pending {
    pub n: u64,
    /// As the others will be told of it.
    pub frame: Value,
    /// What it says.
    pub text: String,
    /// When to send it, if not already under way.
    pub again: Option<Instant>,
    /// It was refused while the host had muted its member.
    pub muted: bool,
}

impl Pending {
    /// It is sent without this.
    pub fn forget(&mut self, field: &str) {
        self.frame.as_object_mut().unwrap().remove(field);
    }
}

/// What a member knows of its room.
pub struct Known<'a> {
    pub name: &'a str,
    pub id: &'a str,
    pub log: Option<&'a Folded>,
    /// Its own last reaction.
    pub reacted: Option<&'a (u64, String)>,
}

/// What to say under this counter. Only what has been heard is answered or changed.
pub fn compose(n: u64, Known { name, id, log, reacted }: Known<'_>) -> Value {
    let words = json!({"type": "chat", "text": format!("{name} {n}"), "n": n});
    let Some(log) = log else { return words };
    let newest = |from| log.living(from).last().copied();
    // Not all in one step, or all would do the same at one time.
    let shift = name.bytes().last().map_or(0, u64::from) * 5;
    let quarter = turn() / 4;
    match (n + shift) % turn() {
        at if at == quarter => match newest(None) {
            Some(seq) => {
                json!({"type": "chat", "text": format!("{name} {n}"), "replyTo": seq, "n": n})
            }
            None => words,
        },
        // An emoji of its own, so that each is heard once; a client may seal it, and the server cannot tell.
        at if at == 2 * quarter => match (reacted, newest(None)) {
            (Some((target, emoji)), _) if n.is_multiple_of(2) => {
                json!({"type": "react", "target": target, "emoji": emoji, "on": false, "n": n})
            }
            (_, Some(target)) => {
                json!({"type": "react", "target": target, "emoji": format!("sealed2.{n}"), "on": true, "n": n})
            }
            _ => words,
        },
        at if at == 3 * quarter => match newest(Some(id)) {
            Some(target) => {
                json!({"type": "edit", "target": target, "text": format!("{name} {n} anew"), "n": n})
            }
            None => words,
        },
        0 => match newest(Some(id)) {
            Some(target) => json!({"type": "delete", "target": target, "n": n}),
            None => words,
        },
        _ => words,
    }
}

/// What an entry says, in words that no other entry of a room has.
pub fn described(item: &Value) -> String {
    let word = |field: &str| item[field].as_str().unwrap_or_default();
    let (user, target) = (word("user"), &item["target"]);
    match word("type") {
        "react" => format!("{user} reacts {} to {target}: {}", word("emoji"), item["on"]),
        "delete" => format!("{user} deletes {target}"),
        _ => word("text").to_owned(),
    }
}

pub fn is_amendment(item: &Value) -> bool {
    item["type"] != "chat"
}
