//! The call beside a room.

use std::collections::HashMap;

use parlor::{
    room::{CallMark, RoomError},
    store::{Event, StoreError},
};

use super::world::World;
use crate::support::{a_room, name};

pub(super) async fn the_call_is_told_and_kept_whatever_order_news_of_it_come_in<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
    let (first, second) = (CallMark::since(1_700_000_000_000), CallMark::since(1_700_000_000_001));
    for call in [
        first,
        first,
        first.over(),
        first,
        second,
        first.over(),
        second.over(),
        second,
        second.over(),
    ] {
        there.store.call(&room, ann.id, call).await.unwrap();
    }
    for node in [&mut here, &mut there] {
        for expected in [first, first.over(), second, second.over()] {
            let heard =
                node.heard.find(|event| matches!(event, Event::Call { .. }).then_some(event)).await;
            let Event::Call { from, user, call, .. } = heard else { panic!("{heard:?}") };
            assert_eq!((from, user, call), (ann.id, name("Ann"), expected));
        }
    }
    let third = CallMark::since(1_700_000_000_002);
    here.store.call(&room, bob.id, third).await.unwrap();
    let cid = here.join(&room, "Cid").await;
    let calls: HashMap<_, _> =
        cid.room.members.iter().map(|member| (member.id, member.call)).collect();
    assert_eq!(
        calls,
        HashMap::from([(ann.id, second.over()), (bob.id, third), (cid.id, CallMark::default())])
    );
    assert_eq!(here.snapshot(&room).await, Some(cid.room));
    let refused = Err(StoreError::Refused(RoomError::NotMember));
    there.leave(&room, &bob).await;
    assert_eq!(here.store.call(&room, bob.id, third.over()).await, refused);
    assert_eq!(here.store.call(&a_room(), ann.id, third).await, refused);
    let back = there.join_as(&room, bob.id, "Bob").await.unwrap();
    assert!(
        !back.room.members.iter().any(|member| member.call.is_on()),
        "who left took the mark along"
    );
}
