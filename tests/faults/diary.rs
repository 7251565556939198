//! What one member wrote down: everything heard, when, and every promise that was broken to them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt::{self, Display, Formatter},
    time::Instant,
};

use serde_json::Value;

use super::{
    rules::{Rules, is_pest},
    speech::{Known, described, is_amendment},
    support::folded::Folded,
};

/// One numbered line, as it was heard.
pub struct Line {
    pub seq: u64,
    pub text: String,
    pub at: Instant,
}

/// What was heard between two resets: one life of the room, or a part of it.
pub struct Life {
    pub epoch: String,
    pub last: u64,
    pub lines: Vec<Line>,
    /// The messages as they are now.
    pub log: Folded,
    /// Messages that were told only after they had been changed, and when.
    pub changed: HashMap<u64, Instant>,
    /// Edits and deletes, and reactions that came in their messages, and when. What they say is seen in the messages.
    pub absorbed: HashMap<u64, Instant>,
    /// Up to this number nothing is shown, by the rule of the room's history; and since when.
    pub hidden: (u64, Instant),
}

impl Life {
    fn new(epoch: String, last: u64) -> Self {
        let (changed, absorbed) = Default::default();
        let hidden = (0, Instant::now());
        Self { epoch, last, lines: Vec::new(), log: Folded::default(), changed, absorbed, hidden }
    }

    /// Goes on to a number. What lies between is in the messages.
    fn absorb(&mut self, to: u64) {
        let now = Instant::now();
        self.absorbed.extend((self.last + 1..to).map(|seq| (seq, now)));
    }
}

pub struct Diary {
    pub name: String,
    /// The `clientId`, once welcomed.
    pub id: String,
    pub ticket: String,
    pub linked: bool,
    /// Nothing of one's own waits for its ack.
    pub quiet: bool,
    pub lives: Vec<Life>,
    pub roster: BTreeSet<String>,
    pub rules: Rules,
    /// By which code it was put out for good.
    pub ended: Option<String>,
    /// One's own entries: what they say, and when they were first sent and acknowledged.
    pub said: HashMap<String, (Instant, Option<Instant>)>,
    /// Those of them that are amendments; with their place, once it is known.
    pub amendments: HashMap<String, Option<(String, u64)>>,
    /// Amendments that were refused. A log may have one all the same: its first answer was lost.
    pub withdrawn: HashSet<String>,
    /// One's own last reaction that was acknowledged and not taken away.
    pub reacted: Option<(u64, String)>,
    pub seen: Vec<(Instant, String)>,
    /// When others were heard to leave: who, why, when.
    pub departures: Vec<(String, String, Instant)>,
    /// The delays asked for before a close, in milliseconds.
    pub retries: Vec<u64>,
    pub twice: Vec<String>,
    pub astray: Vec<String>,
    pub amiss: Vec<String>,
}

impl Diary {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: String::new(),
            ticket: String::new(),
            linked: false,
            quiet: true,
            lives: Vec::new(),
            roster: BTreeSet::new(),
            rules: Rules::default(),
            ended: None,
            said: HashMap::new(),
            amendments: HashMap::new(),
            withdrawn: HashSet::new(),
            reacted: None,
            seen: Vec::new(),
            departures: Vec::new(),
            retries: Vec::new(),
            twice: Vec::new(),
            astray: Vec::new(),
            amiss: Vec::new(),
        }
    }

    pub fn saw(&mut self, what: impl Into<String>) {
        self.seen.push((Instant::now(), what.into()));
    }

    /// Where this member stands: epoch and seq.
    pub fn place(&self) -> Option<(&str, u64)> {
        self.lives.last().map(|life| (life.epoch.as_str(), life.last))
    }

    pub fn known(&self) -> Known<'_> {
        let log = self.lives.last().map(|life| &life.log);
        Known { name: &self.name, id: &self.id, log, reacted: self.reacted.as_ref() }
    }

    /// Whether it is the host.
    pub fn decides(&self) -> bool {
        self.rules.host.as_ref() == Some(&self.id)
    }

    /// A `welcome` or a `reset`: goes on where one was, or begins anew.
    pub fn arrive(&mut self, frame: &Value, came_back: bool) {
        let (resumed, reset) = (frame["resumed"] == true, frame["reset"] == true);
        let (epoch, last) = cursor(frame);
        let id = frame["clientId"].as_str().unwrap().to_owned();
        if frame["type"] == "reset" {
            self.saw("reset");
        } else if came_back {
            self.saw(match (resumed, reset) {
                (true, false) => "resumed",
                (true, true) => "resumed, reset",
                (false, _) => "not resumed",
            });
        }
        if resumed && id != self.id {
            self.amiss.push(format!("resumed as {id}, was {}", self.id));
        }
        self.id = id;
        self.roster = people(&frame["members"]);
        self.rules.arrive(frame);
        if !self.roster.contains(&self.id) {
            self.amiss.push("not among the members of the own welcome".to_owned());
        }
        let goes_on = resumed
            && !reset
            && frame["type"] == "welcome"
            && self.place().is_some_and(|(old, _)| old == epoch);
        let history = frame["history"].as_array().unwrap();
        if !goes_on {
            let first = history.first().map_or(last, |entry| entry["seq"].as_u64().unwrap() - 1);
            self.lives.push(Life::new(epoch, first));
            if self.rules.hides() {
                self.lives.last_mut().unwrap().hidden.0 = first;
            }
            self.reacted = None;
        }
        for entry in history {
            let life = self.lives.last_mut().unwrap();
            let seq = entry["seq"].as_u64().unwrap();
            if seq > life.last {
                life.absorb(seq);
                life.last = seq - 1;
            }
            self.hear(entry);
        }
        let life = self.lives.last_mut().unwrap();
        if life.last > last {
            self.astray
                .push(format!("the welcome stands at {last}, its history ends at {}", life.last));
        }
        life.absorb(last + 1);
        life.last = last;
    }

    /// A `chat` or an amendment, or the `ack` of one's own: the next entry. What is read from the log is as it is by now;
    /// a node that has missed something tells it like that, too.
    pub fn hear(&mut self, frame: &Value) {
        let (seq, now) = (frame["seq"].as_u64().unwrap(), Instant::now());
        let (epoch, at) = cursor(frame);
        let text = described(frame);
        let life = self.lives.last_mut().unwrap();
        if epoch != life.epoch || at != seq {
            self.astray.push(format!("{seq} of {epoch}-{at} in {}", life.epoch));
        } else if seq <= life.last {
            self.twice.push(format!("{seq} again: {text}"));
        } else if seq != life.last + 1 {
            self.astray.push(format!("{seq} after {}", life.last));
        }
        let target = frame["target"].as_u64().filter(|_| is_amendment(frame));
        let is_hidden = target.is_some_and(|target| target <= life.hidden.0);
        if seq > life.last
            && !is_hidden
            && let Err(wrong) = life.log.take(frame)
        {
            self.astray.push(wrong);
        }
        life.last = life.last.max(seq);
        let is_changed = frame["edited"].is_string() || frame["deleted"] == true;
        if is_changed {
            life.changed.insert(seq, now);
        } else if ["edit", "delete"].contains(&frame["type"].as_str().unwrap()) {
            life.absorbed.insert(seq, now);
        } else {
            life.lines.push(Line { seq, text: text.clone(), at: now });
        }
        self.acknowledge(&text, frame);
    }

    /// One's own entry has its number.
    pub fn acknowledge(&mut self, text: &str, frame: &Value) {
        if let Some((_, acked)) = self.said.get_mut(text) {
            acked.get_or_insert_with(Instant::now);
        }
        let (seq, life) = (frame["seq"].as_u64().unwrap(), self.lives.last().unwrap());
        if let Some(place) = self.amendments.get_mut(text) {
            place.get_or_insert_with(|| (life.epoch.clone(), seq));
            if frame["type"] == "react" {
                let (target, emoji) = (frame["target"].as_u64().unwrap(), &frame["emoji"]);
                self.reacted =
                    (frame["on"] == true).then(|| (target, emoji.as_str().unwrap().to_owned()));
            }
        }
    }

    /// What was not taken never was.
    pub fn withdraw(&mut self, text: &str) {
        self.said.remove(text);
        if self.amendments.remove(text).is_some() {
            self.withdrawn.insert(text.to_owned());
        }
    }

    pub fn joined(&mut self, frame: &Value) {
        if !is_pest(frame) {
            self.saw("joined");
        }
        self.rules.joined(frame);
        let id = frame["clientId"].as_str().unwrap().to_owned();
        if !self.roster.insert(id) {
            self.amiss.push(format!("told twice: {frame}"));
        }
    }

    pub fn left(&mut self, frame: &Value) {
        let (id, reason) = (frame["clientId"].as_str().unwrap(), frame["reason"].as_str().unwrap());
        if !is_pest(frame) {
            self.saw(format!("left {reason}"));
        }
        self.rules.left(id);
        self.departures.push((id.to_owned(), reason.to_owned(), Instant::now()));
        if !self.roster.remove(id) {
            self.amiss.push(format!("told twice: {frame}"));
        }
    }
}

/// Where a member stands, and what they saw on the way: for a reader of a failed run.
impl Display for Diary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: linked {}, quiet {}, at {:?}, ",
            self.name,
            self.id,
            self.linked,
            self.quiet,
            self.place()
        )?;
        writeln!(f, "sees {:?}, rules {:?}", self.roster, self.rules.view())?;
        writeln!(f, "  ended {:?}, hosts {:?}", self.ended, self.rules.hosts)?;
        for (text, (sent, _)) in self.said.iter().filter(|(_, (_, acked))| acked.is_none()) {
            writeln!(f, "  {:?} ago, not acknowledged: {text}", sent.elapsed())?;
        }
        for (at, what) in self.seen.iter().rev().take(40).rev() {
            writeln!(f, "  {:?} ago: {what}", at.elapsed())?;
        }
        Ok(())
    }
}

/// Epoch and seq. A cursor is opaque to clients; the ledger may look inside.
fn cursor(frame: &Value) -> (String, u64) {
    let (epoch, seq) = frame["cursor"]
        .as_str()
        .and_then(|cursor| cursor.split_once('-'))
        .unwrap_or_else(|| panic!("{frame}"));
    (epoch.to_owned(), seq.parse().unwrap())
}

fn people(members: &Value) -> BTreeSet<String> {
    members
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["clientId"].as_str().unwrap().to_owned())
        .collect()
}
