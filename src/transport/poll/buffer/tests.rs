//! What a poll buffer holds, and that a poll receives all of it.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::{
    hub::{Hub, HubConfig, JoinRequest, NullSubscriber, RoomRegistry},
    protocol::{EntryDto, LimitsDto, Welcome, WelcomeParams},
    room::{Cursor, Entry, Epoch, Limits, MemberId, NewEntry, NodeId, RoomKey, Snapshot, Text},
    store::memory::{Memory, World, wall_clock},
    ticket::Signer,
};

fn hub() -> Arc<Hub> {
    let (signer, limits) = (Signer::new(""), Limits::default());
    let grace = Duration::from_secs(15);
    let budgets =
        std::sync::Arc::new(crate::budget::Budgets::new(crate::budget::Limits::default()));
    let rooms = RoomRegistry::new(HubConfig {
        signer,
        limits,
        crowd: 100,
        grace,
        reload_grace: grace,
        no_export: false,
        video: None,
        receipts: Arc::new(crate::receipt::ReceiptSigner::from_seed(&[7; 32])),
        node: NodeId(1),
        accounts: None,
        budgets,
        clock: wall_clock,
    });
    let store = Memory::new(World::new(limits, wall_clock), NodeId(1), Arc::clone(&rooms) as _);
    Hub::new(rooms, store)
}

fn guest() -> JoinRequest {
    let (room, waits) = ("r".parse().unwrap(), false);
    JoinRequest { room, name: None, ticket: None, cursor: None, usage: None, invite: None, waits }
}

/// How many bytes these buffers hold, each byte in memory counted once.
fn held(buffers: &[Arc<PollBuffer>]) -> usize {
    let states = buffers.iter().map(|buffer| buffer.state.lock());
    let ranges = |state: parking_lot::MutexGuard<'_, State>| {
        let last = state
            .last
            .iter()
            .filter_map(|(_, told)| if let Told::Pieces(told) = told { Some(told) } else { None });
        let contents = [&state.gathered].into_iter().chain(last);
        contents.flat_map(PollContents::held).collect::<Vec<_>>()
    };
    let mut ranges: Vec<_> = states.flat_map(ranges).collect();
    ranges.sort_unstable();
    let (mut end, mut bytes) = (0, 0);
    for (at, length) in ranges {
        let from = end.max(at.addr());
        end = end.max(at.addr() + length);
        bytes += end.saturating_sub(from);
    }
    bytes
}

#[tokio::test(start_paused = true)]
async fn mailboxes_of_a_room_hold_its_words_once() {
    let hub = hub();
    let mut speaker = hub.enter(guest(), Arc::new(NullSubscriber)).await.unwrap();
    let (mut buffers, mut sessions) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        let buffer = Arc::new(PollBuffer::new(None));
        sessions.push(hub.enter(guest(), Arc::clone(&buffer) as _).await.unwrap());
        buffer.welcome();
        buffers.push(buffer);
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    let before = held(&buffers);
    let text = "x".repeat(4000).parse().unwrap();
    for n in 1..=50 {
        let entry = NewEntry { n: Some(n), text: Text::clone(&text) };
        speaker.publish(&[entry], |_, said| assert!(said.is_ok())).await;
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    let words = 50 * 4000;
    assert!(
        (words..words * 2).contains(&(held(&buffers) - before)),
        "{} bytes",
        held(&buffers) - before
    );
    // A response that is not yet acknowledged is still held, and repeated byte for byte.
    for buffer in &buffers {
        let after = buffer.state.lock().here;
        let PollOutcome::Answer(answer) = buffer.open(after, Duration::ZERO).await else {
            panic!("nothing")
        };
        let PollOutcome::Answer(again) = buffer.open(after, Duration::ZERO).await else {
            panic!("nothing")
        };
        assert_eq!(answer, again);
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["messages"].as_array().unwrap().len(), 50);
    }
    assert!((words..words * 2).contains(&held(&buffers)), "{} bytes", held(&buffers));
}

const PLACE: Cursor = Cursor { epoch: Epoch(1), seq: 7 };

fn entry(text: &str) -> Entry {
    let (from, user) = (MemberId(uuid::Uuid::nil()), "Ann".parse().unwrap());
    Entry { seq: PLACE.seq, at: 0, from, user, n: 1, text: text.parse().unwrap() }
}

fn chat(text: &str) -> Bytes {
    let (room, entry) = ("r".parse().unwrap(), entry(text));
    RESUMED.encode(&ServerMessage::Entry(EntryDto::new(&room, PLACE.epoch, &entry, false)))
}

/// A welcome, or a reset.
fn start(encoder: &Encoder, reset: bool) -> Bytes {
    start_after(encoder, reset, 0, &[entry("hello")])
}

/// With this log, of a crowd if there are any members.
fn start_after(encoder: &Encoder, reset: bool, unlisted: usize, history: &[Entry]) -> Bytes {
    let (room, Entry { from: member, user, .. }) = ("r".parse().unwrap(), entry("hello"));
    let Cursor { epoch, seq } = PLACE;
    let (key, members) = (RoomKey::random(), Vec::new());
    let (history, rules) = (history.to_vec(), std::sync::Arc::default());
    let snapshot = Snapshot { epoch, key, seq, version: 0, members, unlisted, history, rules };
    let (now, video, ticket, last_n) = (0, false, "t", 0);
    let crowd = (unlisted > 0).then_some(1);
    let fields = WelcomeParams {
        member,
        user: &user,
        ticket,
        resumed: true,
        reset,
        last_n,
        crowd,
        video,
        after: 0,
        since: 0,
        now,
    };
    let welcome = Welcome::new(
        &room,
        &snapshot,
        &snapshot.history,
        fields,
        LimitsDto::new(&Limits::default(), 0, 0),
    );
    encoder.encode(&if reset {
        ServerMessage::Reset(welcome)
    } else {
        ServerMessage::Welcome(welcome)
    })
}

/// A buffer whose client has its welcome, and that client's cursor.
async fn welcomed() -> (PollBuffer, PollCursor) {
    let buffer = PollBuffer::new(None);
    buffer.deliver(&[start(&JOINED, false)]);
    buffer.welcome();
    (buffer, PollCursor { cursor: PLACE, page: None })
}

async fn open(buffer: &PollBuffer, after: PollCursor) -> PollOutcome {
    let _waiting = buffer.wait();
    buffer.open(after, Duration::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_has_its_bounds_in_bytes_and_in_pieces() {
    for (length, pieces) in [(10, 1025), (4_000, 63)] {
        let (buffer, here) = welcomed().await;
        let letter = chat(&"x".repeat(length));
        for _ in 1..pieces {
            buffer.deliver(std::slice::from_ref(&letter));
        }
        assert!(!buffer.state.lock().full);
        buffer.deliver(std::slice::from_ref(&letter));
        assert!(buffer.state.lock().full && buffer.state.lock().gathered.is_empty());
        assert!(
            matches!(open(&buffer, here).await, PollOutcome::Unknown { void: false }),
            "the log has it"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_is_not_kept_for_a_poll_that_may_never_come() {
    let (buffer, here) = welcomed().await;
    buffer.deliver(&[start(&RESUMED, true)]);
    assert!(buffer.state.lock().gathered.is_empty());
    assert!(
        matches!(open(&buffer, here).await, PollOutcome::Unknown { void: true }),
        "what was read is void"
    );
    // A poll that waits gets the reset; if the response may be lost, the next poll reads the log.
    let (buffer, here) = welcomed().await;
    let waiting = buffer.wait();
    buffer.deliver(&[start(&RESUMED, true)]);
    let PollOutcome::Answer(answer) = buffer.open(here, Duration::ZERO).await else {
        panic!("nothing")
    };
    drop(waiting);
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(
        (&answer["reset"], answer["messages"].as_array().unwrap().len()),
        (&Value::Bool(true), 1)
    );
    assert_eq!((&answer["ticket"], &answer["lastN"]), (&"t".into(), &0.into()));
    assert_eq!(held(&[Arc::new(buffer)]), 0, "the log has it");
}

#[tokio::test(start_paused = true)]
async fn a_reset_that_may_have_been_lost_is_said_again_until_it_has_arrived() {
    for (reset, lost) in [(true, true), (true, false), (false, true)] {
        let (buffer, here) = welcomed().await;
        let waiting = buffer.wait();
        buffer.deliver(&[start(&RESUMED, reset)]);
        assert!(matches!(buffer.open(here, Duration::ZERO).await, PollOutcome::Answer(_)));
        drop(waiting);
        let there = buffer.state.lock().here;
        buffer.deliver(&[chat("more")]);
        match open(&buffer, if lost { here } else { there }).await {
            PollOutcome::Answer(answer) => {
                assert!(!lost && !String::from_utf8_lossy(&answer).contains("reset"))
            }
            PollOutcome::Unknown { void } => assert!(lost && void == reset),
            _ => panic!("neither"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_given_up_leaves_no_beginning_behind() {
    let here = PollCursor { cursor: PLACE, page: Some(Page { response: 1, fingerprint: 3 }) };
    let buffer = PollBuffer::new(Some(here));
    let waiting = buffer.wait();
    buffer.deliver(&[start_after(&RESUMED, false, 3, &[])]);
    let mut poll = Box::pin(buffer.open(here, Duration::from_secs(60)));
    assert!(futures_util::FutureExt::now_or_never(poll.as_mut()).is_none(), "nothing new");
    assert!(buffer.state.lock().gathered.start().is_some());
    drop((poll, waiting));
    assert!(buffer.state.lock().gathered.is_empty());
    assert!(matches!(open(&buffer, here).await, PollOutcome::Unknown { void: false }));
}
