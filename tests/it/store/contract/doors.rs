//! Locks, knocks and invites.

use parlor::room::{
    Address, HostAction, Invite, InviteId, Joiner, Lock, MemberId, Name, RoomError, RoomId,
};

use super::{
    hosts::{decides, refused},
    world::World,
};
use crate::support::{Guest, Node, a_room, name};

pub(super) async fn a_locked_room_lets_members_resume_and_nobody_in<W: World>() {
    let world = W::new().await;
    let (here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    decides(&here, &room, &ann, HostAction::Lock(Lock::Locked)).await;
    assert_eq!(there.heard.rules().await.0.lock, Lock::Locked);
    for node in [&here, &there] {
        let refusal = node.join_as(&room, MemberId::random(), "Cid").await.map(drop);
        assert_eq!(refusal, refused(RoomError::RoomLocked));
        node.join_as(&room, bob.id, "Bob").await.unwrap();
    }
    let seen = here.snapshot(&room).await.unwrap();
    assert_eq!((seen.version, seen.count()), (3, 2));
    decides(&here, &room, &ann, HostAction::Lock(Lock::Open)).await;
    there.join(&room, "Cid").await;
}

/// A room whose host is asked.
async fn ask_first<W: World>(world: &W) -> (Node, Node, RoomId, Guest) {
    let (here, there, room) = (world.node().await, world.node().await, a_room());
    let ann = here.join(&room, "Ann").await;
    decides(&here, &room, &ann, HostAction::Lock(Lock::Knock)).await;
    (here, there, room, ann)
}

pub(super) async fn a_newcomer_knocks_and_waits_for_the_host<W: World>() {
    let world = W::new().await;
    let (mut here, there, room, ann) = ask_first(&world).await;
    let bob = name("Bob");
    let at = Address([7; 16]);
    let joiner = Joiner { address: Some(at), ..Joiner::new(MemberId::random(), &bob) };
    let ask = async |node: &Node, joiner| node.ask_to_join(&room, joiner).await;
    here.heard.rules().await;
    for node in [&there, &here, &there] {
        assert_eq!(ask(node, &joiner).await.map(drop), refused(RoomError::Knocking));
    }
    let (rules, host, version, count) = here.heard.rules().await;
    let waiting: Vec<_> = rules.waiting().map(|knock| (knock.id, &*knock.name)).collect();
    assert_eq!(waiting, [(joiner.id, "Bob")]);
    assert_eq!((host, version, count), (Some(name("Ann")), 3, 1), "asked again, it is no news");
    assert_eq!(there.publish(&room, joiner.id, 1, "no").await, refused(RoomError::NotMember));
    decides(&there, &room, &ann, HostAction::Admit(joiner.id)).await;
    let (rules, ..) = here.heard.rules().await;
    assert!(rules.waiting().next().is_none() && rules.knocks[0].admitted);
    let joined = ask(&there, &joiner).await.unwrap();
    assert_eq!((joined.room.version, joined.room.rules.knocks.len()), (6, 0));
    let (rules, _, version, count) = here.heard.rules().await;
    assert_eq!((rules.knocks.len(), version, count), (0, 5, 1));
    assert_eq!(here.heard.joined().await.1, 6);
    // It is a member now, and its next connection need not ask.
    ask(&here, &joiner).await.unwrap();

    // Refused: its address may not ask again so soon.
    let cid = Joiner { address: Some(Address([8; 16])), ..Joiner::new(MemberId::random(), &bob) };
    assert_eq!(ask(&there, &cid).await.map(drop), refused(RoomError::Knocking));
    decides(&here, &room, &ann, HostAction::Refuse(cid.id)).await;
    for id in [cid.id, MemberId::random()] {
        for node in [&here, &there] {
            let knock = Joiner { id, ..cid };
            let again = node.ask_to_join(&room, &knock).await.map(drop);
            assert_eq!(again, refused(RoomError::NotAdmitted));
        }
    }
    let elsewhere = Joiner { address: None, ..cid };
    assert_eq!(ask(&there, &elsewhere).await.map(drop), refused(RoomError::Knocking));
    // Who waits no longer takes the knock back.
    for _ in 0..2 {
        there.store.end_knock(&room, Some(cid.id)).await.unwrap();
    }
    there.store.end_knock(&room, None).await.unwrap();
    there.store.end_knock(&a_room(), Some(cid.id)).await.unwrap();
    let seen = here.snapshot(&room).await.unwrap();
    assert_eq!((seen.rules.knocks.len(), seen.version), (0, 10));
    let refusal = here.store.decide(&room, ann.id, &HostAction::Admit(cid.id)).await;
    assert_eq!(refusal, refused(RoomError::NoMember));
}

pub(super) async fn as_many_knock_as_may<W: World>() {
    let world = W::new().await;
    let (here, there, room, _) = ask_first(&world).await;
    for turn in 0..20 {
        let node = [&here, &there][turn % 2];
        let knock = node.join_as(&room, MemberId::random(), "Bob").await.map(drop);
        assert_eq!(knock, refused(RoomError::Knocking));
    }
    for node in [&here, &there] {
        let knock = node.join_as(&room, MemberId::random(), "Bob").await.map(drop);
        assert_eq!(knock, refused(RoomError::KnocksFull));
    }
    assert_eq!(here.snapshot(&room).await.unwrap().rules.knocks.len(), 20);
}

fn invite(uses: u32, until: u64) -> Invite {
    Invite { id: InviteId::random(), until, uses, left: uses, name: None, revoked: false }
}

const LATER: u64 = 9_000_000_000_000;

fn invited<'a>(name: &'a Name, invite: &Invite) -> Joiner<'a> {
    Joiner { invite: Some(invite.id), ..Joiner::new(MemberId::random(), name) }
}

pub(super) async fn an_invite_is_used_as_often_as_it_may<W: World>() {
    let world = W::new().await;
    let (here, there, room, ann) = ask_first(&world).await;
    let (few, bob) = (invite(3, LATER), name("Bob"));
    decides(&here, &room, &ann, HostAction::Invite(few.clone())).await;
    let joiners: Vec<_> = (0..12).map(|_| invited(&bob, &few)).collect();
    let joins = joiners.iter().zip([&here, &there].into_iter().cycle());
    let joins = joins.map(|(joiner, node)| async {
        loop {
            match node.ask_to_join(&room, joiner).await {
                Err(parlor::store::StoreError::Busy(_)) => {}
                joined => return joined.map(drop),
            }
        }
    });
    let joined = futures_util::future::join_all(joins).await;
    assert_eq!(joined.iter().filter(|joined| joined.is_ok()).count(), 3);
    assert!(
        joined
            .iter()
            .flat_map(|joined| joined.as_ref().err())
            .all(|error| { *error == RoomError::InviteSpent.into() })
    );
    let seen = there.snapshot(&room).await.unwrap();
    assert_eq!((seen.count(), seen.rules.invites[0].left), (4, 0));
    // Those that have joined need it no more.
    let (inside, _) = joiners.iter().zip(&joined).find(|(_, joined)| joined.is_ok()).unwrap();
    there.ask_to_join(&room, inside).await.unwrap();
}

pub(super) async fn an_invite_opens_a_room_for_invited_people<W: World>() {
    let world = W::new().await;
    let (here, there, room, ann) = ask_first(&world).await;
    let bob = name("Bob");
    decides(&here, &room, &ann, HostAction::Lock(Lock::Open)).await;
    decides(&here, &room, &ann, HostAction::InviteOnly(true)).await;
    let (good, over, revoked) = (invite(1, LATER), invite(1, 1), invite(1, LATER));
    for invite in [&over, &good, &revoked] {
        decides(&here, &room, &ann, HostAction::Invite(invite.clone())).await;
    }
    decides(&there, &room, &ann, HostAction::Revoke(revoked.id)).await;
    let ask = async |joiner: Joiner<'_>| there.ask_to_join(&room, &joiner).await.map(drop);
    assert_eq!(ask(Joiner::new(MemberId::random(), &bob)).await, refused(RoomError::InviteOnly));
    assert_eq!(ask(invited(&bob, &over)).await, refused(RoomError::InviteExpired));
    assert_eq!(ask(invited(&bob, &revoked)).await, refused(RoomError::InviteRevoked));
    assert_eq!(ask(invited(&bob, &invite(1, LATER))).await, refused(RoomError::InviteExpired));
    assert_eq!(ask(invited(&bob, &good)).await, Ok(()));
    assert_eq!(ask(invited(&bob, &good)).await, refused(RoomError::InviteSpent));
    // The lock is stronger.
    let another = invite(1, LATER);
    decides(&here, &room, &ann, HostAction::Invite(another.clone())).await;
    decides(&here, &room, &ann, HostAction::Lock(Lock::Locked)).await;
    assert_eq!(ask(invited(&bob, &another)).await, refused(RoomError::RoomLocked));
}
