//! A member takes another name.

use parlor::{
    room::{Joiner, MemberId, Name, RoomError, Snapshot},
    store::{Event, StoreError},
};
use tokio::time::Instant;

use super::world::World;
use crate::support::{Node, a_room, name, tag};

fn name_of(room: &Snapshot, id: MemberId) -> Name {
    room.members.iter().find(|member| member.id == id).unwrap().name.clone()
}

async fn heard(node: &mut Node) -> (MemberId, Name, Name, u64, usize) {
    let event =
        node.heard.find(|event| matches!(event, Event::Renamed { .. }).then_some(event)).await;
    let Event::Renamed { from, user, previous, version, count, .. } = event else {
        panic!("{event:?}")
    };
    (from, previous, user, version, count)
}

pub(super) async fn new_name_is_told_to_all_and_kept<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob of Ely").await);
    here.publish(&room, ann.id, 1, "as Ann").await.unwrap();
    // At whatever node it is asked for; the same name again is told to no member.
    for (node, new) in [(&here, "Anna"), (&there, "Anna of Ely"), (&here, "Anna of Ely")] {
        node.store.rename(&room, ann.id, &name(new)).await.unwrap();
    }
    here.store.rename(&room, bob.id, &name("Bo")).await.unwrap();
    for node in [&mut here, &mut there] {
        for (id, before, after, version) in [
            (ann.id, "Ann", "Anna", 3),
            (ann.id, "Anna", "Anna of Ely", 4),
            (bob.id, "Bob of Ely", "Bo", 5),
        ] {
            assert_eq!(heard(node).await, (id, name(before), name(after), version, 2));
        }
    }
    here.publish(&room, ann.id, 2, "as Anna").await.unwrap();
    there.store.typing(&room, ann.id, true, Instant::now()).await.unwrap();
    for node in [&mut here, &mut there] {
        let typist = node
            .heard
            .find(|event| if let Event::Typing { user, .. } = event { Some(user) } else { None })
            .await;
        assert_eq!(typist, name("Anna of Ely"));
    }
    let cid = there.join(&room, "Cid").await;
    for seen in [cid.room, here.snapshot(&room).await.unwrap()] {
        assert_eq!(
            (name_of(&seen, ann.id), name_of(&seen, bob.id)),
            (name("Anna of Ely"), name("Bo"))
        );
        // What was said stays under the name under which it was said.
        let said: Vec<_> = seen.history.iter().map(|entry| entry.user.as_str()).collect();
        assert_eq!((said, seen.version), (vec!["Ann", "Anna of Ely"], 6));
    }
    let found = there.store.find(&room, Some(ann.id)).await.unwrap().unwrap();
    assert_eq!(name_of(&found, ann.id), name("Anna of Ely"));
    there.leave(&room, &bob).await;
    let left = here
        .heard
        .find(|event| if let Event::Left { member, .. } = event { Some(member.name) } else { None })
        .await;
    assert_eq!(left, name("Bo"));
}

pub(super) async fn name_of_an_account_stays<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let (room, ann) = (a_room(), MemberId::random());
    let verified = name("Ann").verified();
    let joined =
        node.store.join(&room, &Joiner::new(ann, &verified), tag(), Instant::now(), None).await;
    assert!(joined.unwrap().0.new);
    let refused = Err(StoreError::Refused(RoomError::NameVerified));
    assert_eq!(node.store.rename(&room, ann, &name("Anna")).await, refused);
    assert_eq!(node.store.rename(&room, ann, &name("Ann")).await, Ok(()), "the name it has");
    let seen = node.snapshot(&room).await.unwrap();
    assert_eq!((name_of(&seen, ann), seen.version), (verified, 1));
}

/// A ticket may say an older name: the room knows the newest, for as long as the member is in it.
pub(super) async fn member_keeps_its_new_name_wherever_it_comes_back<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
    here.store.rename(&room, ann.id, &name("Anna")).await.unwrap();
    for node in [&here, &there, &there, &here] {
        let back = node.join_as(&room, ann.id, "Ann").await.unwrap();
        assert!(!back.joined.new);
        assert_eq!(
            (name_of(&back.room, ann.id), name_of(&back.room, bob.id)),
            (name("Anna"), name("Bob"))
        );
    }
    let said = here.publish(&room, ann.id, 1, "hello").await.unwrap();
    let seen = there.snapshot(&room).await.unwrap();
    let entry = seen.history.iter().find(|entry| entry.seq == said.seq).unwrap();
    assert_eq!(entry.user, name("Anna"));
}
