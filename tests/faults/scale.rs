//! Faults that only many people notice: a small version of `make bench-scale`, with its crowd. What is promised here is
//! who comes back and what comes before what, never how long it takes.

#[allow(dead_code)]
#[path = "../../benches/scale/crowd.rs"]
mod crowd;
#[path = "../../benches/scale/frame.rs"]
mod frame;
#[path = "../../benches/scale/member.rs"]
mod member;
#[allow(dead_code)]
#[path = "../../benches/load/meter.rs"]
mod meter;
#[path = "../../benches/scale/moves.rs"]
mod moves;
#[allow(dead_code)]
#[path = "../../benches/scale/node.rs"]
mod node;
#[allow(dead_code)]
#[path = "../../benches/scale/rolling.rs"]
mod rolling;
#[allow(dead_code)]
#[path = "../../benches/scale/tally.rs"]
mod tally;

use std::{fs, time::Duration};

use rustix::process::Signal;

use self::{
    crowd::Crowd, member::Member, moves::Move, node::Server, rolling::Rolling, tally::Tally,
};
use super::{Fault, PATIENCE, table::Row};

pub const FAULTS: &[Fault] = &[
    ("many_move_to_another_node", || Box::pin(async { many_move_to_another_node() })),
    ("many_are_back_at_the_only_node", || Box::pin(async { many_are_back_at_the_only_node() })),
    ("many_connect_while_a_node_is_busy", || {
        Box::pin(async { many_connect_while_a_node_is_busy() })
    }),
    ("many_are_told_while_others_speak", || Box::pin(async { many_are_told_while_others_speak() })),
];

/// Those that take too long for every day.
pub const LONG: &[Fault] = &[("fleet_is_restarted_under_six_thousand", || {
    Box::pin(async { fleet_is_restarted_under_six_thousand() })
})];

/// What the crowd counts is counted, or no promise of it would mean anything.
pub fn finds_what_is_planted() {
    let count = |frames: &[&str]| {
        let (mut member, mut tally) = (Member::new(0), Tally::default());
        member.arrive(br#"{"type":"welcome","ticket":"t","cursor":"e-2","resumed":false,"reset":false,"lastN":0}"#, &mut tally);
        for frame in frames {
            match frame.parse() {
                Ok(seq) => member.hear(seq, &mut tally),
                Err(_) => member.arrive(frame.as_bytes(), &mut tally),
            }
        }
        [tally.heard, tally.skipped, tally.doubled, tally.reset, tally.resumed]
    };
    let back = |cursor: &str, reset: bool, history: &str| {
        format!(
            r#"{{"type":"welcome","cursor":"{cursor}","resumed":true,"reset":{reset},"lastN":0,"history":[{history}]}}"#
        )
    };
    assert_eq!(count(&["3", "4"]), [2, 0, 0, 0, 0]);
    assert_eq!(count(&["3", "6"]), [2, 2, 0, 0, 0], "a hole");
    assert_eq!(count(&["3", "3"]), [1, 0, 1, 0, 0], "heard twice");
    assert_eq!(
        count(&[&back("e-4", false, r#"{"seq":3},{"seq":4}"#), "5"]),
        [3, 0, 0, 0, 1],
        "told what was missed"
    );
    assert_eq!(
        count(&[&back("e-4", false, r#"{"seq":4}"#)]),
        [1, 1, 0, 0, 1],
        "a hole in what was missed"
    );
    assert_eq!(
        count(&[&back("e-4", false, r#"{"seq":3}"#)]),
        [1, 1, 0, 0, 1],
        "the end is missing"
    );
    assert_eq!(count(&[&back("f-4", true, r#"{"seq":4}"#)]), [0, 0, 0, 1, 1], "another life");
}

/// So many are on their way in at a time.
const WIDTH: usize = 50;

fn row(fault: &str, note: String, broken: Vec<String>) -> Row {
    let mut row = Row::new(fault, Default::default(), &[], None, Default::default());
    (row.note, row.broken) = (note, broken);
    row
}

/// How long a stopping node holds seats for those who move; and how long Redis does, where no other node lives.
const HELD: Duration = Duration::from_secs(6);
const LEFT_TO_REDIS: Duration = Duration::from_secs(30);

/// Every member is back in its session. The others saw nothing while sessions are held: a busy machine may take longer.
fn promises(told: &Move, held: Duration) -> Vec<String> {
    let mut broken = Vec::new();
    if !told.is_whole() {
        broken.push(format!("not all of {} resumed: {}", told.people, told.tally));
    }
    if told.tally.seen() > 0 && told.all.is_none_or(|all| all < held) {
        broken.push(format!("members were seen to go or to come: {}", told.tally));
    }
    if told.ended.is_none() {
        broken.push("the node did not end".to_owned());
    }
    broken
}

fn many_move_to_another_node() -> Row {
    meter::open_files();
    let redis = node::redis().unwrap();
    let [mut from, to] = [(); 2].map(|()| node::parlor(Some(&redis), &[]).unwrap());
    let mut crowd = Crowd::new(&[from.address()], [500; 4]).unwrap();
    crowd.gather(WIDTH).unwrap();
    let told = Move::of(&mut crowd, &mut from, to.address()).unwrap();
    let mut broken = promises(&told, HELD);
    if told.tally.refused() > 0 {
        broken.push(format!("some were refused: {}", told.tally));
    }
    row("a node is stopped, 2,000 in 4 rooms move to another", told.told(), broken)
}

fn many_are_back_at_the_only_node() -> Row {
    let redis = node::redis().unwrap();
    let mut node = node::parlor(Some(&redis), &[]).unwrap();
    let mut crowd = Crowd::new(&[node.address()], [10; 40]).unwrap();
    crowd.gather(WIDTH).unwrap();
    let door = node.address();
    let told = Move::of(&mut crowd, &mut node, door).unwrap();
    row(
        "the only node is stopped and started again, 400 in 40 rooms",
        told.told(),
        promises(&told, LEFT_TO_REDIS),
    )
}

/// How many connections wait at a listener to be accepted, as the kernel tells it of each.
fn waiting(node: &Server) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let end = format!(":{:04X}", node.port);
    let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    // Local address, peer, state (0A: listens), then the two queues.
    let line = lines
        .find(|line| line.get(1).is_some_and(|local| local.ends_with(&end)) && line[3] == "0A");
    usize::from_str_radix(line.unwrap()[4].split(':').nth(1).unwrap(), 16).unwrap()
}

fn many_connect_while_a_node_is_busy() -> Row {
    meter::open_files();
    let most: usize =
        fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap().trim().parse().unwrap();
    let people = most.min(1_500);
    let node = node::parlor(None, &[]).unwrap();
    let mut crowd = Crowd::new(&[node.address()], vec![1; people]).unwrap();
    node.freeze().unwrap();
    (0..people).for_each(|who| crowd.open(who).unwrap());
    let waiting = waiting(&node);
    node.signal(Signal::CONT);
    let all = crowd.until(PATIENCE, |crowd| Ok(crowd.inside() == people)).unwrap();
    let mut broken = Vec::new();
    if waiting != people {
        broken.push(format!("the kernel kept {waiting} of {people} connections for the node"));
    }
    if !all || crowd.tally.refused() > 0 {
        broken.push(format!("{} of {people} came in: {}", crowd.inside(), crowd.tally));
    }
    row(
        "so many connect while a node does not run",
        format!("{people} connect, {waiting} wait, {} are in", crowd.inside()),
        broken,
    )
}

/// With one thread, what is not done by turns is done in one go: then no member of the many is left who has not been told.
fn many_are_told_while_others_speak() -> Row {
    const MANY: usize = 2_000;
    const ROUNDS: u64 = 10;
    let [speaker, few, listener] = [0, MANY, MANY + 1];
    meter::open_files();
    let node =
        node::parlor(None, &["--room-members", "2000", "--rate", "1000", "TOKIO_WORKER_THREADS=1"])
            .unwrap();
    let mut crowd = Crowd::new(&[node.address()], [MANY as u32, 2]).unwrap();
    crowd.gather(WIDTH).unwrap();
    let told = |crowd: &Crowd, round| {
        crowd.members[..MANY].iter().filter(|member| member.seq == round).count()
    };
    let (mut left, mut all) = (Vec::new(), true);
    for round in 1..=ROUNDS {
        assert!(crowd.publish(speaker));
        let first = [1, MANY / 4, MANY / 2, MANY * 3 / 4];
        while !first.iter().any(|who| crowd.members[*who].seq == round) {
            first.iter().for_each(|who| crowd.read(*who));
        }
        assert!(crowd.publish(few));
        while crowd.members[listener].seq < round {
            crowd.read(listener);
        }
        // What has come to the many by now is read; what comes later was not there before the listener had heard.
        (0..MANY).for_each(|who| crowd.read(who));
        left.push(MANY - told(&crowd, round));
        all &= crowd
            .until(Duration::from_secs(60), |crowd| {
                Ok(told(crowd, round) == MANY && !crowd.members[few].pending)
            })
            .unwrap();
    }
    let mut broken = Vec::new();
    if left.iter().all(|left| *left == 0) {
        broken.push("others were heard only when all of the many had been told".to_owned());
    }
    if !all {
        broken.push(format!("not all of the many were told: {}", crowd.tally));
    }
    row(
        "2,000 are told while others speak",
        format!("still to be told when the others were heard: {left:?}"),
        broken,
    )
}

fn fleet_is_restarted_under_six_thousand() -> Row {
    meter::open_files();
    let redis = node::redis().unwrap();
    let mut nodes = [(); 3].map(|()| node::parlor(Some(&redis), &[]).unwrap());
    let mut crowd = Crowd::new(&nodes.each_ref().map(Server::address), rolling::mixed()).unwrap();
    crowd.gather(WIDTH).unwrap();
    let told = Rolling::of(&mut crowd, &mut nodes).unwrap();
    let note = format!("{} messages, {} heard; {}", told.said, told.tally.heard, told.tally);
    row("three nodes restarted in turn under 6,000 people", note, told.broken())
}
