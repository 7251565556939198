//! How long a room and its messages last, and what is left of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parlor::{
    room::{
        EndCause, FileFacts, FileId, HostAction, LeaveReason, Limits, Lock, MemberId, Millis,
        RoomError,
    },
    store::Event,
};
use uuid::Uuid;

use super::{
    hosts::{decides, refused},
    world::World,
};
use crate::support::{a_room, until};

fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

fn ends(at: Millis) -> HostAction {
    HostAction::Lifetime { ends_at: Some(Some(at)), message_age: None }
}

fn keeps(age: Option<Millis>) -> HostAction {
    HostAction::Lifetime { ends_at: None, message_age: Some(age) }
}

pub(super) async fn what_was_sent_before_a_join_is_known<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    assert_eq!(ann.joined.since, 0);
    here.publish(&room, ann.id, 1, "before").await.unwrap();
    here.publish(&room, ann.id, 2, "before").await.unwrap();
    let bob = there.join(&room, "Bob").await;
    assert_eq!(bob.joined.since, 2);
    here.publish(&room, ann.id, 3, "after").await.unwrap();
    // It stays so for every later connection, at any node.
    for node in [&there, &here] {
        assert_eq!(node.join_as(&room, bob.id, "Bob").await.unwrap().joined.since, 2);
    }
    assert_eq!(here.join_as(&room, ann.id, "Ann").await.unwrap().joined.since, 0);
}

pub(super) async fn messages_are_kept_as_long_as_the_host_says<W: World>() {
    let limits = Limits { min_message_age: 200, ..Limits::default() };
    let world = W::with(limits).await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    for (age, refusal) in [(199, true), (limits.history_age + 1, true), (limits.history_age, false)]
    {
        let answer = here.store.decide(&room, ann.id, &keeps(Some(age))).await;
        assert_eq!(answer.is_err(), refusal, "{age}");
    }
    decides(&here, &room, &ann, keeps(Some(300))).await;
    let said = here.publish(&room, ann.id, 1, "a secret").await.unwrap();
    until("it is gone for all", async || {
        let (seen, shown) =
            (there.snapshot(&room).await.unwrap(), there.join(&room, "Bob").await.room);
        seen.history.is_empty() && shown.history.is_empty()
    })
    .await;
    assert!(now() + 50 >= said.at + 300, "not before its time");
    // Nobody can tell it from one that is new.
    let missed = there.since(&room, parlor::room::Cursor { seq: 0, ..ann.room.cursor() }).await;
    assert_eq!(missed, None);
    decides(&here, &room, &ann, keeps(None)).await;
    here.publish(&room, ann.id, 2, "kept").await.unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(there.snapshot(&room).await.unwrap().history.len(), 1);
}

pub(super) async fn a_room_ends_for_all_at_once<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    here.publish(&room, ann.id, 1, "hello").await.unwrap();
    there.publish(&room, bob.id, 1, "a secret").await.unwrap();
    let file = FileFacts::new(5, None, None).unwrap();
    let id = FileId(Uuid::new_v4());
    there.store.open_file(&room, bob.id, id, &file).await.unwrap();
    there.store.write_file(&room, bob.id, id, 0, "bytes".into()).await.unwrap();
    for (by, refusal) in [(Some(bob.id), RoomError::NotHost), (None, RoomError::NotHost)] {
        assert_eq!(there.store.burn(&room, by).await, refused(refusal));
    }
    assert_eq!(there.store.burn(&a_room(), None).await, refused(RoomError::NotMember));
    assert!(!world.is_empty());
    let end = there.store.burn(&room, Some(ann.id)).await.unwrap();
    assert!(world.is_empty(), "nothing is left");
    assert_eq!((&end.room, end.epoch, end.cause), (&room, ann.room.epoch, EndCause::Burned));
    assert_eq!((end.entries, end.bytes, end.members, end.files), (2, 18, 2, 1));
    assert!(end.keys.iter().all(|(_, found)| *found == 1) && !end.keys.is_empty());
    assert_eq!(end.keys_left, 0);
    for node in [&mut here, &mut there] {
        assert_eq!(*node.heard.burned().await, end);
    }
    for (node, guest) in [(&here, &ann), (&there, &bob)] {
        assert_eq!(node.publish(&room, guest.id, 9, "no").await, refused(RoomError::NotMember));
        let left = node.store.leave(&room, guest.id, guest.tag, LeaveReason::Lost).await.unwrap();
        assert!(left.gone && left.end.is_none());
    }
    assert!(world.is_empty(), "and nothing comes back");
    let cid = there.join(&room, "Cid").await;
    assert_ne!((cid.room.epoch, cid.room.key), (ann.room.epoch, ann.room.key));
    assert_eq!((cid.room.rules.host, cid.room.seq, cid.room.version), (Some(cid.id), 0, 1));
    assert_eq!(here.store.burn(&room, Some(ann.id)).await, refused(RoomError::NotMember));
}

pub(super) async fn a_room_ends_when_its_time_is_over<W: World>() {
    let world = W::with(Limits { min_life: 0, ..Limits::default() }).await;
    let (here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    there.join(&room, "Bob").await;
    let over = now() + 1500;
    decides(&here, &room, &ann, ends(over)).await;
    assert_eq!(there.heard.rules().await.0.ends_at, Some(over));
    assert_eq!(here.store.burn(&room, None).await, refused(RoomError::NotHost), "not yet");
    let mut end = None;
    until("its time is over", async || {
        end = here.store.burn(&room, None).await.ok();
        end.is_some()
    })
    .await;
    assert_eq!(end.as_ref().unwrap().cause, EndCause::Expired);
    assert!(now() + 100 >= over && world.is_empty());
    assert_eq!(*there.heard.burned().await, end.unwrap());
    assert!(!there.heard.rest().iter().any(|event| matches!(event, Event::Reset(_))));
}

pub(super) async fn a_newcomer_after_the_end_begins_a_new_room<W: World>() {
    let world = W::with(Limits { min_life: 0, ..Limits::default() }).await;
    let (mut here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    decides(&here, &room, &ann, HostAction::Lock(Lock::Locked)).await;
    let over = now() + 700;
    decides(&here, &room, &ann, ends(over)).await;
    let mut cid = None;
    until("its time is over", async || {
        cid = there.join_as(&room, MemberId::random(), "Cid").await.ok();
        cid.is_some()
    })
    .await;
    let (cid, end) = (cid.unwrap(), here.heard.burned().await);
    assert!(now() + 100 >= over);
    assert_eq!((end.epoch, end.cause, end.members), (ann.room.epoch, EndCause::Expired, 1));
    assert_ne!(cid.room.key, ann.room.key);
    let seen = there.snapshot(&room).await.unwrap();
    assert_eq!((seen.rules.host, seen.rules.lock), (Some(cid.id), Lock::Open));
    assert_eq!((seen.version, seen.count()), (1, 1));
    assert_eq!(here.store.burn(&room, Some(ann.id)).await, refused(RoomError::NotMember));
    // Who was there and comes back is new.
    assert!(here.join_as(&room, ann.id, "Ann").await.unwrap().joined.new);
}

pub(super) async fn a_newcomer_of_the_same_node_stays_when_the_end_is_told_late<W: World>() {
    let world = W::with(Limits { min_life: 0, ..Limits::default() }).await;
    let mut node = world.node().await;
    for _ in 0..20 {
        let room = a_room();
        let ann = node.join(&room, "Ann").await;
        node.store.burn(&room, Some(ann.id)).await.unwrap();
        let bob = node.join(&room, "Bob").await;
        assert_eq!(node.heard.burned().await.epoch, ann.room.epoch);
        assert_eq!(node.publish(&room, bob.id, 1, "hello").await.unwrap().seq, 1);
        assert_eq!((bob.room.count(), bob.room.rules.host), (1, Some(bob.id)));
        assert_eq!(node.heard.entry().await.from, bob.id);
    }
}

pub(super) async fn a_lifetime_has_bounds<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    let minute = 60_000;
    for (at, fits) in [
        (now() + 8 * minute, false),
        (now() + 11 * minute, true),
        (now() + 7 * 24 * 60 * minute, true),
        (now() + 7 * 24 * 60 * minute + 3 * minute, false),
    ] {
        let answer = node.store.decide(&room, ann.id, &ends(at)).await;
        assert_eq!(answer, if fits { Ok(()) } else { refused(RoomError::BadLifetime) });
    }
    let never = HostAction::Lifetime { ends_at: Some(None), message_age: None };
    decides(&node, &room, &ann, never).await;
    assert_eq!(node.snapshot(&room).await.unwrap().rules.ends_at, None);
}

pub(super) async fn the_last_leave_says_what_was_removed<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let room = a_room();
    let (ann, bob) = (node.join(&room, "Ann").await, node.join(&room, "Bob").await);
    node.publish(&room, ann.id, 1, "hello").await.unwrap();
    let leave = async |who: &crate::support::Guest| {
        node.store.leave(&room, who.id, who.tag, LeaveReason::Left).await.unwrap()
    };
    let first = leave(&ann).await;
    assert!(!first.gone && first.end.is_none());
    let last = leave(&bob).await;
    let end = last.end.unwrap();
    assert!(last.gone && world.is_empty());
    assert_eq!((end.room, end.epoch, end.cause), (room.clone(), ann.room.epoch, EndCause::Left));
    assert_eq!((end.entries, end.bytes, end.members, end.files), (1, 5, 1, 0));
    assert_eq!(end.keys_left, 0);
    assert!(leave(&bob).await.end.is_none());
}
