//! What a member does with what it is told.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    super::{
        host::is_answer,
        manner::Wish,
        rules::PEST,
        speech::{Pending, described, is_amendment},
    },
    Visitor,
};

/// How soon a muted member says it again.
const MUTED: Duration = Duration::from_millis(300);

impl Visitor {
    /// Whether it is put out for good as it must be: a pest, or the member of a room that is ended.
    fn is_expected(&self, frame: &Value) -> bool {
        match frame["code"].as_str() {
            Some("kicked") => self.name.starts_with(PEST),
            Some("burned") => matches!(*self.wishes.borrow(), Wish::Burn | Wish::Stay),
            _ => false,
        }
    }

    /// Takes a frame.
    pub(super) fn hear(&mut self, frame: &Value) {
        if let (Some((_, cursor)), Some(newest)) = (&mut self.seat, frame["cursor"].as_str()) {
            newest.clone_into(cursor);
        }
        let diary = Arc::clone(&self.diary);
        let mut diary = diary.lock();
        match frame["type"].as_str().unwrap() {
            "welcome" | "reset" => {
                let lives = diary.lives.len();
                diary.arrive(frame, self.seat.is_some());
                let ticket = frame["ticket"].as_str().unwrap();
                ticket.clone_into(&mut diary.ticket);
                if frame["type"] == "reset" || frame["resumed"] != true {
                    self.upload.end();
                    for pending in &mut self.pending {
                        pending.forget("files");
                        self.sent.insert(pending.n, pending.frame.clone());
                    }
                }
                if diary.lives.len() > lives {
                    // In another life other messages have these numbers.
                    self.pending.retain(|pending| {
                        let void = is_amendment(&pending.frame);
                        if void {
                            diary.withdraw(&pending.text);
                        }
                        !void
                    });
                }
                diary.linked = true;
                self.host.linked();
                let text = |name: &str| frame[name].as_str().unwrap().to_owned();
                self.seat = Some((text("ticket"), text("cursor")));
                self.n = self.n.max(frame["lastN"].as_u64().unwrap());
                // What was said has come back as history; what was not is said again.
                self.pending.retain(|pending| diary.said[&pending.text].1.is_none());
                diary.quiet = self.pending.is_empty();
                for pending in &mut self.pending {
                    pending.again = Some(Instant::now());
                }
            }
            "chat" | "react" | "edit" | "delete" => diary.hear(frame),
            "ack" | "error" if is_answer(frame) => {
                diary.rules.decisions += usize::from(frame["type"] == "ack");
                if let Some(what) = self.host.hear(frame) {
                    diary.saw(what);
                }
            }
            "ack" => {
                let sent = &self.sent[&frame["n"].as_u64().unwrap()];
                let mut item = self.item(sent, frame["seq"].as_u64().unwrap(), &diary);
                item["cursor"] = frame["cursor"].clone();
                if frame["duplicate"] != true {
                    diary.hear(&item);
                } else if is_amendment(&item) {
                    // It may have come back in its message, which does not tell its number.
                    diary.acknowledge(&described(&item), &item);
                } else {
                    diary.saw("ack of a repetition");
                }
                if let Some(at) = self.pending.iter().position(|pending| frame["n"] == pending.n) {
                    let pending = self.pending.remove(at).unwrap();
                    diary.acknowledge(&pending.text, &item);
                }
                diary.quiet = self.pending.is_empty();
            }
            "joined" => diary.joined(frame),
            "left" => diary.left(frame),
            "host" | "rules" => diary.rules.hear(frame),
            "receipt" => {
                diary.rules.receipt = Some(frame["receipt"].as_str().unwrap().to_owned());
            }
            // No room here has a lock at which people wait.
            "knock" | "knock-over" | "knocking" => {
                diary.amiss.push(format!("nobody knocks: {frame}"))
            }
            "pong" | "typing" => {}
            "error" | "closing" if self.is_expected(frame) => {
                diary.ended = Some(frame["code"].as_str().unwrap().to_owned());
            }
            // The host opens the door again.
            "error" | "closing" if frame["code"] == "room_locked" => {}
            "error" if frame["code"] == "muted" => {
                let n = frame["n"].as_u64();
                let muted = self.pending.iter_mut().find(|pending| n == Some(pending.n));
                if let Some(pending) = muted {
                    (pending.again, pending.muted) = (Some(Instant::now() + MUTED), true);
                }
            }
            // Its message was deleted meanwhile, or Redis has lost its file.
            "error" if ["no_target", "no_file"].contains(&frame["code"].as_str().unwrap()) => {
                if frame["code"] == "no_file" {
                    diary.saw("error no_file");
                }
                if let Some(at) = self.pending.iter().position(|pending| frame["n"] == pending.n) {
                    let pending = &mut self.pending[at];
                    if is_amendment(&pending.frame) {
                        diary.withdraw(&pending.text);
                        self.pending.remove(at);
                    } else {
                        let is_reply = frame["code"] == "no_target";
                        pending.forget(if is_reply { "replyTo" } else { "files" });
                        pending.again = Some(Instant::now());
                        self.sent.insert(pending.n, pending.frame.clone());
                    }
                }
                diary.quiet = self.pending.is_empty();
            }
            "error" => {
                let was_muted = |pending: &Pending| pending.muted && frame["n"] == pending.n;
                if frame["code"] != "stale_n" || !self.pending.iter().any(was_muted) {
                    diary.saw(format!("error {}", frame["code"].as_str().unwrap()));
                }
                if let Some(at) = self.pending.iter().position(|pending| frame["n"] == pending.n) {
                    let mut pending = self.pending.remove(at).unwrap();
                    let after = frame["retryAfter"].as_u64().unwrap_or(250);
                    pending.again = Some(Instant::now() + Duration::from_millis(after));
                    if frame["code"] == "stale_n" {
                        // Surely not said, and never to be under that number: a later one was.
                        self.n += 1;
                        pending.n = self.n;
                        pending.frame["n"] = self.n.into();
                        self.sent.insert(pending.n, pending.frame.clone());
                    }
                    self.pending.push_back(pending);
                    self.pending.make_contiguous().sort_unstable_by_key(|pending| pending.n);
                }
            }
            other => {
                diary.saw(format!("{other} {}", frame["code"].as_str().unwrap()));
                diary.retries.extend(frame["retryAfter"].as_u64());
            }
        }
    }
}
