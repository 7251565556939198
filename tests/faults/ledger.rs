//! Compares what every member wrote down with what was promised to all.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};

use super::diary::Diary;

/// What became of the messages of some rooms.
#[derive(Default)]
pub struct Verdict {
    pub sent: usize,
    /// Reactions, edits and deletes among them.
    pub amendments: usize,
    /// Files of messages that are there, each read whole.
    pub files: usize,
    pub acknowledged: usize,
    /// What hosts decided, and how often those whom they removed were refused.
    pub decisions: usize,
    pub refusals: usize,
    /// Removals that Redis had taken and lost when another master took its place: those people came back.
    pub undone: usize,
    /// Acknowledged, and not heard by a member who was there.
    pub lost: Vec<String>,
    /// Acknowledged in a life that ended with what Redis lost, and not heard by a member before.
    pub gone: usize,
    pub doubled: Vec<String>,
    pub disordered: Vec<String>,
    pub amiss: Vec<String>,
    /// After the strike: until in every room a message sent since was heard by all; and the slowest message of all.
    pub again: Duration,
    pub slowest: Duration,
}

/// One room's diaries: of those who stayed, and of those who spoke for a while.
pub fn examine(
    room: &[MutexGuard<'_, Diary>],
    gone: &[MutexGuard<'_, Diary>],
    struck: Instant,
    verdict: &mut Verdict,
) {
    let mut lines: BTreeMap<(&str, u64), &str> = BTreeMap::new();
    let mut places: HashMap<(&str, &str), u64> = HashMap::new();
    let amendments: HashSet<&str> = room
        .iter()
        .chain(gone)
        .flat_map(|diary| diary.amendments.keys().chain(&diary.withdrawn).map(String::as_str))
        .collect();
    let end = room[0].place().map(|(epoch, _)| epoch.to_owned()).unwrap_or_default();
    let lives: HashSet<&str> =
        room.iter().flat_map(|diary| &diary.lives).map(|life| life.epoch.as_str()).collect();
    for diary in room.iter().chain(gone) {
        let who = &diary.name;
        verdict.doubled.extend(diary.twice.iter().map(|what| format!("{who}: {what}")));
        verdict.disordered.extend(diary.astray.iter().map(|what| format!("{who}: {what}")));
        verdict.amiss.extend(diary.amiss.iter().map(|what| format!("{who}: {what}")));
        for life in &diary.lives {
            for line in &life.lines {
                let known = lines.entry((&life.epoch, line.seq)).or_insert(&line.text);
                if *known != line.text {
                    verdict
                        .disordered
                        .push(format!("{who}: {} is {} and {known}", line.seq, line.text));
                }
                let place = places.entry((&life.epoch, &line.text)).or_insert(line.seq);
                if *place != line.seq {
                    verdict
                        .doubled
                        .push(format!("{who}: {} at {} and {place}", line.text, line.seq));
                }
            }
        }
    }
    for own in room.iter().chain(gone).flat_map(|diary| &diary.amendments) {
        if let (text, Some((epoch, seq))) = own {
            places.entry((epoch.as_str(), text.as_str())).or_insert(*seq);
        }
    }
    for diary in room {
        let skipped = diary.lives.iter().flat_map(|life| {
            let at = life.absorbed.keys().map(move |seq| (life.epoch.as_str(), *seq));
            at.filter_map(|place| lines.get(&place))
        });
        let skipped = skipped.filter(|text| !amendments.contains(**text));
        verdict
            .disordered
            .extend(skipped.map(|text| format!("{} was not told: {text}", diary.name)));
    }
    compare(room, verdict);
    // When each entry was first heard by each, and whether it is in the life that goes on.
    let heard: Vec<HashMap<&str, (Instant, bool)>> = room
        .iter()
        .map(|diary| {
            let mut heard = hearing(diary, &end);
            for ((epoch, text), seq) in &places {
                let is_amendment = amendments.contains(*text);
                for life in diary.lives.iter().filter(|life| life.epoch == **epoch) {
                    // The rule of the history keeps it from this member.
                    if *seq <= life.hidden.0 {
                        heard.entry(*text).or_insert((life.hidden.1, false)).1 |= life.epoch == end;
                    }
                    let folded = if is_amendment { &life.absorbed } else { &life.changed };
                    if let Some(at) = folded.get(seq) {
                        heard.entry(*text).or_insert((*at, false)).1 |= life.epoch == end;
                    }
                }
            }
            heard
        })
        .collect();
    let mut again: Option<Instant> = None;
    for diary in room.iter().chain(gone) {
        verdict.sent += diary.said.len();
        verdict.decisions += diary.rules.decisions;
        verdict.amendments += diary.amendments.len();
        for (text, (first_sent, acked)) in &diary.said {
            let times: Vec<_> = heard.iter().filter_map(|heard| heard.get(text.as_str())).collect();
            let by_all = times.len() == room.len();
            if let Some(last) = times.iter().map(|(at, _)| *at).max().filter(|_| by_all) {
                verdict.slowest = verdict.slowest.max(last - *first_sent);
                if *first_sent >= struck {
                    again = Some(again.map_or(last, |again| again.min(last)));
                }
            }
            if acked.is_none() {
                continue;
            }
            verdict.acknowledged += 1;
            if !by_all {
                let lives_on = times.iter().any(|(_, lives_on)| *lives_on);
                if lives.len() > 1 && !lives_on {
                    verdict.gone += 1;
                } else {
                    verdict.lost.push(format!(
                        "{text} of {}: heard by {} of {}",
                        diary.name,
                        times.len(),
                        room.len()
                    ));
                }
            }
        }
    }
    match again {
        Some(again) => verdict.again = verdict.again.max(again - struck),
        None => verdict.amiss.push("no message since the strike was heard by all".to_owned()),
    }
}

/// All who are there see each message alike.
fn compare(room: &[MutexGuard<'_, Diary>], verdict: &mut Verdict) {
    let last =
        |diary: &Diary| diary.lives.last().map(|life| (life.epoch.clone(), life.log.clone()));
    let Some((epoch, first)) = last(&room[0]) else { return };
    for diary in &room[1..] {
        let Some((_, log)) = last(diary).filter(|(other, _)| *other == epoch) else { continue };
        for (seq, told) in &log.0 {
            if let Some(other) = first.0.get(seq).filter(|other| *other != told) {
                verdict.disordered.push(format!("{}: {seq} is {told:?} and {other:?}", diary.name));
            }
        }
    }
}

fn hearing<'a>(diary: &'a Diary, end: &str) -> HashMap<&'a str, (Instant, bool)> {
    let mut heard: HashMap<&str, (Instant, bool)> = HashMap::new();
    for life in &diary.lives {
        for line in &life.lines {
            let entry = heard.entry(&line.text).or_insert((line.at, false));
            entry.1 |= life.epoch == end;
        }
    }
    heard
}

/// A ledger that finds nothing proves nothing: plants each kind of fault, and finds it.
pub fn finds_what_is_planted() {
    let frame = |seq: u64, epoch: &str, text: &str| {
        let from = text.split(' ').next().unwrap();
        json!({"type": "chat", "seq": seq, "from": from, "user": from, "text": text, "cursor": format!("{epoch}-{seq}")})
    };
    let change = |kind: &str, seq: u64| json!({"type": kind, "seq": seq, "from": "Ann", "user": "Ann", "target": 1, "text": "Ann 1 anew", "emoji": "👍", "on": true, "cursor": format!("e-{seq}")});
    let began = Instant::now();
    let room = |plant: &dyn Fn(&mut Diary)| {
        let diaries = ["Ann", "Bob"].map(|name| {
            let mut diary = Diary::new(name);
            let welcome =
                json!({"type": "welcome", "clientId": name, "cursor": "e-0", "members": [{"clientId": name}], "history": []});
            diary.arrive(&welcome, false);
            diary.said.insert(format!("{name} 1"), (Instant::now(), None));
            for (seq, text) in [(1, "Ann 1"), (2, "Bob 1")] {
                diary.hear(&frame(seq, "e", text));
            }
            Mutex::new(diary)
        });
        plant(&mut diaries[1].lock());
        let mut verdict = Verdict::default();
        examine(&diaries.each_ref().map(|diary| diary.lock()), &[], began, &mut verdict);
        let Verdict { sent, acknowledged, lost, gone, doubled, disordered, amiss, .. } = verdict;
        ([sent, acknowledged], [lost.len(), gone, doubled.len(), disordered.len(), amiss.len()])
    };
    let forget_the_first = |diary: &mut Diary| drop(diary.lives[0].lines.remove(0));
    assert_eq!(room(&|_| ()), ([2, 2], [0, 0, 0, 0, 0]));
    assert_eq!(room(&forget_the_first), ([2, 2], [1, 0, 0, 0, 0]), "lost");
    let hide_the_first = |diary: &mut Diary| {
        forget_the_first(diary);
        diary.lives[0].hidden.0 = 1;
    };
    assert_eq!(room(&hide_the_first), ([2, 2], [0, 0, 0, 0, 0]), "not for Bob");
    assert_eq!(
        room(&|diary| diary.hear(&frame(2, "e", "Bob 1"))).1,
        [0, 0, 1, 0, 0],
        "heard twice"
    );
    assert_eq!(room(&|diary| diary.hear(&frame(3, "e", "Ann 1"))).1, [0, 0, 1, 0, 0], "said twice");
    assert_eq!(room(&|diary| diary.hear(&frame(4, "e", "Cid 1"))).1, [0, 0, 0, 1, 0], "a hole");
    assert_eq!(
        room(&|diary| diary.hear(&frame(3, "f", "Cid 1"))).1,
        [0, 0, 0, 1, 0],
        "another life without a reset"
    );
    assert_eq!(
        room(&|diary| diary.lives[0].lines[0].text = "Eve 1".to_owned()).1,
        [1, 0, 0, 1, 0],
        "one number, two texts"
    );
    assert_eq!(
        room(&|diary| diary.hear(&change("edit", 3))).1,
        [0, 0, 0, 1, 0],
        "one message, two states"
    );
    assert_eq!(
        room(&|diary| diary.lives[0].absorbed.extend([(2, Instant::now())])).1,
        [0, 0, 0, 1, 0],
        "a message that was passed over"
    );
    let back = |history: Value| {
        let welcome = json!({"type": "welcome", "clientId": "Bob", "resumed": true, "cursor": "e-4", "members": [{"clientId": "Bob"}], "history": history});
        move |diary: &mut Diary| {
            // Ann's 3 is a message that she has changed by 4; Bob is told of both at once.
            diary.arrive(&welcome, false);
            let place = Some(("e".to_owned(), 4));
            diary.amendments.insert("Ann 3 anew".to_owned(), place);
            let now = Instant::now();
            diary.said.insert("Ann 3 anew".to_owned(), (now, Some(now)));
        }
    };
    let changed = json!({"type": "chat", "seq": 3, "from": "Ann", "user": "Ann", "text": "Ann 3 anew", "edited": "now", "cursor": "e-3"});
    assert_eq!(room(&back(json!([changed]))).1, [1, 0, 0, 0, 0], "Bob knows, Ann does not");
    assert_eq!(
        room(&|diary| diary.joined(&json!({"clientId": "Bob"}))).1,
        [0, 0, 0, 0, 1],
        "told twice"
    );
    assert_eq!(
        room(&|diary| diary.left(&json!({"clientId": "Cid", "reason": "left"}))).1,
        [0, 0, 0, 0, 1],
        "told of a stranger"
    );
}
