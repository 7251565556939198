//! Compares what every member wrote down with what was promised to all.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use serde_json::json;

use super::diary::Diary;

/// What became of the messages of some rooms.
#[derive(Default)]
pub struct Verdict {
    pub sent: usize,
    pub acknowledged: usize,
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
    // When each message was first heard by each, and whether it is in the life that goes on.
    let heard: Vec<HashMap<&str, (Instant, bool)>> =
        room.iter().map(|diary| hearing(diary, &end)).collect();
    let mut again: Option<Instant> = None;
    for diary in room.iter().chain(gone) {
        verdict.sent += diary.said.len();
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
    let frame = |seq: u64, epoch: &str| json!({"seq": seq, "cursor": format!("{epoch}-{seq}")});
    let began = Instant::now();
    let room = |plant: &dyn Fn(&mut Diary)| {
        let diaries = ["Ann", "Bob"].map(|name| {
            let mut diary = Diary::new(name);
            let welcome =
                json!({"type": "welcome", "clientId": name, "cursor": "e-0", "members": [{"clientId": name}], "history": []});
            diary.arrive(&welcome, false);
            diary.said.insert(format!("{name} 1"), (Instant::now(), None));
            for (seq, text) in [(1, "Ann 1"), (2, "Bob 1")] {
                diary.hear(&frame(seq, "e"), text.to_owned());
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
    assert_eq!(
        room(&|diary| diary.hear(&frame(2, "e"), "Bob 1".to_owned())).1,
        [0, 0, 1, 0, 0],
        "heard twice"
    );
    assert_eq!(
        room(&|diary| diary.hear(&frame(3, "e"), "Ann 1".to_owned())).1,
        [0, 0, 1, 0, 0],
        "said twice"
    );
    assert_eq!(
        room(&|diary| diary.hear(&frame(4, "e"), "Cid 1".to_owned())).1,
        [0, 0, 0, 1, 0],
        "a hole"
    );
    assert_eq!(
        room(&|diary| diary.hear(&frame(3, "f"), "Cid 1".to_owned())).1,
        [0, 0, 0, 1, 0],
        "another life without a reset"
    );
    assert_eq!(
        room(&|diary| diary.lives[0].lines[0].text = "Eve 1".to_owned()).1,
        [1, 0, 0, 1, 0],
        "one number, two texts"
    );
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
