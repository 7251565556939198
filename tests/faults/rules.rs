//! What a member knows of the host of its room, of the rules, and of those who are to be removed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The names of those whom hosts remove begin with this.
pub const PEST: &str = "Pest";

#[derive(Default)]
pub struct Rules {
    pub host: Option<String>,
    pub muted: BTreeSet<String>,
    /// The rules as they were told.
    pub told: Value,
    /// Those who are there and are to be removed: `clientId` and name.
    pub pests: BTreeMap<String, String>,
    /// Hosts so far, the newest last.
    pub hosts: Vec<String>,
    /// Decisions of its own that were taken.
    pub decisions: usize,
    /// The receipt of the end of the room.
    pub receipt: Option<String>,
}

/// What all members of a room must agree on.
pub type View = (Option<String>, BTreeSet<String>, Value);

impl Rules {
    /// A `welcome` or a `reset`.
    pub fn arrive(&mut self, frame: &Value) {
        let members = frame["members"].as_array().unwrap();
        let id = |member: &Value| member["clientId"].as_str().unwrap().to_owned();
        let with = |flag: &str| members.iter().filter(|it| it[flag] == true).map(id).collect();
        let hosts: Vec<String> = with("host");
        assert!(hosts.len() <= 1, "two hosts: {frame}");
        self.decided_by(hosts.into_iter().next());
        self.muted = with("muted").into_iter().collect();
        self.told = frame["room"].clone();
        self.pests.clear();
        members.iter().for_each(|member| self.meet(member));
    }

    fn decided_by(&mut self, host: Option<String>) {
        if let Some(host) = host.as_ref().filter(|host| self.hosts.last() != Some(*host)) {
            self.hosts.push(host.clone());
        }
        self.host = host;
    }

    /// A `host` or `rules`.
    pub fn hear(&mut self, frame: &Value) {
        if frame["type"] == "host" {
            return self.decided_by(Some(frame["clientId"].as_str().unwrap().to_owned()));
        }
        let muted = frame["muted"].as_array().into_iter().flatten();
        self.muted = muted.map(|id| id.as_str().unwrap().to_owned()).collect();
        self.told = frame["rules"].clone();
    }

    /// A member is there.
    fn meet(&mut self, member: &Value) {
        if is_pest(member) {
            let text = |field: &str| member[field].as_str().unwrap().to_owned();
            self.pests.insert(text("clientId"), text("user"));
        }
    }

    /// A `joined`.
    pub fn joined(&mut self, frame: &Value) {
        self.meet(frame);
        let id = frame["clientId"].as_str().unwrap();
        if frame["host"] == true {
            self.decided_by(Some(id.to_owned()));
        }
        if frame["muted"] == true {
            self.muted.insert(id.to_owned());
        }
    }

    /// A `left`.
    pub fn left(&mut self, id: &str) {
        self.pests.remove(id);
    }

    pub fn is_locked(&self) -> bool {
        self.told["lock"] != "open"
    }

    /// New members get nothing of what was said before.
    pub fn hides(&self) -> bool {
        self.told["history"] == "since_join"
    }

    pub fn view(&self) -> View {
        (self.host.clone(), self.muted.clone(), self.told.clone())
    }

    /// No rule stands that hinders anybody.
    pub fn is_calm(&self) -> bool {
        !self.is_locked() && self.muted.is_empty() && self.pests.is_empty()
    }
}

/// Whether a member or a frame is of one whom the host is to remove.
pub fn is_pest(member: &Value) -> bool {
    member["user"].as_str().is_some_and(|name| name.starts_with(PEST))
}
