//! What the host of a room asks for. What comes when follows from what it has said and heard, never from a clock.

use serde_json::{Value, json};

use super::{diary::Diary, manner::Wish, rules::Rules};

/// Its requests have numbers of their own, above those of its messages.
const FIRST: u64 = 1_000_000_000;
/// So many messages of its own come between two decisions.
const BETWEEN: u64 = 4;
/// Who is to be removed has been heard so often before.
const HEARD: usize = 3;

/// Its requests of one life.
#[derive(Default)]
pub struct Host {
    asked: u64,
    /// The number of the one that is not answered yet.
    under_way: Option<u64>,
    /// At which of its messages it decided last, and what.
    at: u64,
    turn: u64,
}

/// Whether this is the answer to a request of a host.
pub fn is_answer(frame: &Value) -> bool {
    frame["n"].as_u64().is_some_and(|n| n >= FIRST)
}

impl Host {
    /// What was under way may be lost: what is still needed is asked for again.
    pub fn linked(&mut self) {
        self.under_way = None;
    }

    /// An answer. The error that members must not see, if it is one.
    pub fn hear(&mut self, frame: &Value) -> Option<String> {
        self.under_way.take_if(|n| frame["n"] == *n);
        let code = frame["code"].as_str()?;
        // Others leave, and another member is host, before it knows.
        (!["no_member", "not_host"].contains(&code)).then(|| format!("error {code}"))
    }

    /// What to ask for after so many messages of its own.
    pub fn decide(&mut self, said: u64, wish: Wish, diary: &Diary) -> Option<Value> {
        let rules = &diary.rules;
        if self.under_way.is_some() || !diary.decides() {
            return None;
        }
        let calms = wish != Wish::Talk;
        let request = kick(diary, calms).or_else(|| {
            if wish == Wish::Burn && rules.is_calm() {
                return Some(json!({"type": "burn"}));
            }
            if !calms && said < self.at + BETWEEN {
                return None;
            }
            self.at = said;
            calm(rules).or_else(|| if calms { None } else { self.next(diary) })
        });
        let mut request = request?;
        self.asked += 1;
        let n = FIRST + self.asked;
        request["n"] = n.into();
        self.under_way = Some(n);
        Some(request)
    }

    /// The next decision of its own accord.
    fn next(&mut self, diary: &Diary) -> Option<Value> {
        self.turn += 1;
        match self.turn % 3 {
            0 => {
                let history = if diary.rules.hides() { "all" } else { "since_join" };
                Some(json!({"type": "history", "history": history}))
            }
            1 => Some(json!({"type": "lock", "lock": "locked"})),
            _ => {
                let pests = &diary.rules.pests;
                let is_other = |id: &&String| **id != diary.id && !pests.contains_key(*id);
                let others: Vec<&String> = diary.roster.iter().filter(is_other).collect();
                let target = others.get(self.turn as usize / 3 % others.len().max(1))?;
                Some(json!({"type": "mute", "clientId": target, "muted": true}))
            }
        }
    }
}

/// Takes back what hinders others.
fn calm(rules: &Rules) -> Option<Value> {
    if rules.is_locked() {
        return Some(json!({"type": "lock", "lock": "open"}));
    }
    let muted = rules.muted.first()?;
    Some(json!({"type": "mute", "clientId": muted, "muted": false}))
}

/// Removes those who are there for that, once they have talked.
fn kick(diary: &Diary, at_once: bool) -> Option<Value> {
    let lines = &diary.lives.last()?.lines;
    let (id, name) = diary.rules.pests.iter().find(|(_, name)| {
        let words = format!("{name} ");
        at_once || lines.iter().filter(|line| line.text.starts_with(&words)).count() >= HEARD
    })?;
    // Their names say how.
    Some(json!({"type": "kick", "clientId": id, "address": name.contains("Address")}))
}
