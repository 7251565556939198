//! The messages of a room as a client keeps them: each with what has been changed since it came.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A message as it is now.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Told {
    pub from: String,
    /// Of a deleted message nothing.
    pub text: Option<String>,
    pub reply_to: Option<u64>,
    pub edited: bool,
    /// Its files, as they were told.
    pub files: Vec<Value>,
    /// Each emoji and who put it there, in their order.
    pub reactions: Vec<(String, Vec<String>)>,
}

/// Messages by their number.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Folded(pub BTreeMap<u64, Told>);

impl Folded {
    /// What a `history` holds that is all there is.
    pub fn of(history: &Value) -> Self {
        let mut folded = Self::default();
        for item in history.as_array().unwrap() {
            assert_eq!(item["type"], "chat", "a whole history has messages only: {item}");
            folded.take(item).unwrap();
        }
        folded
    }

    /// Takes in a frame or an item of a history. The error says what no server should send.
    pub fn take(&mut self, item: &Value) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("{what}: {item}"));
        let from = item["from"].as_str().unwrap();
        let target = item["target"].as_u64().unwrap_or_default();
        match (item["type"].as_str().unwrap(), self.0.get_mut(&target)) {
            ("chat", _) => match self.0.insert(item["seq"].as_u64().unwrap(), message(item)) {
                None => Ok(()),
                Some(_) => wrong("told twice"),
            },
            (_, None) => wrong("there is no such message"),
            ("edit" | "delete", Some(told)) if told.from != from => wrong("not by its sender"),
            ("delete", Some(told)) => {
                *told = Told { from: from.to_owned(), ..Told::default() };
                Ok(())
            }
            // A reader that comes back may be told of both after the end of a message.
            (_, Some(Told { text: None, .. })) => Ok(()),
            ("edit", Some(told)) => {
                (told.text, told.edited) = (item["text"].as_str().map(str::to_owned), true);
                Ok(())
            }
            ("react", Some(told)) => {
                react(
                    &mut told.reactions,
                    item["emoji"].as_str().unwrap(),
                    from,
                    item["on"] == true,
                );
                Ok(())
            }
            _ => wrong("no entry"),
        }
    }

    /// The numbers of the messages that are not deleted, of one member or of all.
    pub fn living(&self, from: Option<&str>) -> Vec<u64> {
        let of = |told: &Told| told.text.is_some() && from.is_none_or(|from| told.from == from);
        self.0.iter().filter(|(_, told)| of(told)).map(|(seq, _)| *seq).collect()
    }
}

/// A frame of a client as the other members get it.
pub fn as_told(sent: &Value, seq: u64, from: &str) -> Value {
    let mut item = json!({"type": "chat"});
    item.as_object_mut().unwrap().extend(sent.as_object().unwrap().clone());
    item["seq"] = seq.into();
    item["from"] = from.into();
    item
}

fn message(item: &Value) -> Told {
    let (from, text) = (item["from"].as_str().unwrap().to_owned(), item["text"].as_str());
    assert_eq!(text.is_none(), item["deleted"] == true, "{item}");
    let ids = |ids: &Value| {
        ids.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    let reactions = item["reactions"].as_array().into_iter().flatten();
    let reactions =
        reactions.map(|one| (one["emoji"].as_str().unwrap().to_owned(), ids(&one["from"])));
    Told {
        from,
        text: text.map(str::to_owned),
        reply_to: item["replyTo"].as_u64(),
        edited: item["edited"].is_string(),
        files: item["files"].as_array().cloned().unwrap_or_default(),
        reactions: reactions.collect(),
    }
}

fn react(reactions: &mut Vec<(String, Vec<String>)>, emoji: &str, from: &str, on: bool) {
    let at = reactions.iter().position(|(other, _)| other == emoji);
    match (at, on) {
        (None, true) => reactions.push((emoji.to_owned(), vec![from.to_owned()])),
        (Some(at), true) if !reactions[at].1.iter().any(|other| other == from) => {
            reactions[at].1.push(from.to_owned());
        }
        (Some(at), false) => {
            reactions[at].1.retain(|other| other != from);
            reactions.retain(|(_, from)| !from.is_empty());
        }
        _ => {}
    }
}
