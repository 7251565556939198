//! The end of a room that was set, and how long messages are kept: with a clock that a test sets.

use std::sync::atomic::Ordering;

use parlor::{
    protocol::ApiError,
    receipt::{Cause, ReceiptSigner, verify},
    room::{HostAction, Limits, Lock, RoomError},
};
use serde_json::json;

use super::{
    clock::{self, With, own_clock},
    decide, door, join,
};
use crate::{support::until, wire::TestServer};

fn ends(at: Option<u64>) -> HostAction {
    HostAction::Lifetime { ends_at: Some(at), message_age: None }
}

#[tokio::test]
async fn a_room_whose_time_is_over_ends_for_all_with_a_receipt() {
    let (clock, _) = own_clock!();
    let (hub, world) = clock::node(Limits { min_life: 0, ..Limits::default() }, clock);
    let mut ann = clock::join(&hub, "Ann", With::default()).await.unwrap();
    let mut bob = clock::join(&hub, "Bob", With::default()).await.unwrap();
    ann.decide(ends(Some(clock() + 300))).await.unwrap();
    let told = bob.until("rules").await;
    assert!(told["rules"]["endsAt"].is_string(), "{told}");
    let keys = ReceiptSigner::from_seed(&[7; 32]).jwks().parse().unwrap();
    for person in [&mut ann, &mut bob] {
        let receipt = person.until("receipt").await;
        let receipt = verify(receipt["receipt"].as_str().unwrap(), Some(&keys)).unwrap();
        assert_eq!((receipt.cause, receipt.members, receipt.keys_left), (Cause::Expired, 2, 0));
        let closed = person.until("closed").await;
        assert_eq!(closed, json!({"type": "closed", "code": "burned", "status": 4410}));
    }
    assert!(world.is_empty());
    assert_eq!(hub.counts(), (0, 0));
    // The next room of this name has no end.
    let anew = clock::join(&hub, "Cid", With::default()).await.unwrap();
    assert_eq!(anew.welcome["room"], json!({"lock": "open", "history": "all"}));
}

#[tokio::test]
async fn an_end_that_is_taken_back_or_put_off_does_not_come() {
    let (clock, ahead) = own_clock!();
    let (hub, world) = clock::node(Limits { min_life: 0, ..Limits::default() }, clock);
    let mut ann = clock::join(&hub, "Ann", With::default()).await.unwrap();
    ann.decide(ends(Some(clock() + 600_000))).await.unwrap();
    ann.decide(ends(None)).await.unwrap();
    ahead.fetch_add(700_000, Ordering::SeqCst);
    ann.decide(HostAction::Lock(Lock::Knock)).await.unwrap();
    assert_eq!(world.len(), 1);
    // Later than at first, and then it does come.
    ann.decide(ends(Some(clock() + 600_000))).await.unwrap();
    ann.decide(ends(Some(clock() + 300))).await.unwrap();
    assert_eq!(ann.until("closed").await["code"], "burned");
    until("the room is gone", async || world.is_empty()).await;
}

#[tokio::test]
async fn a_message_is_kept_no_longer_than_the_host_allows() {
    let (clock, ahead) = own_clock!();
    let (hub, _world) = clock::node(Limits::default(), clock);
    let mut ann = clock::join(&hub, "Ann", With::default()).await.unwrap();
    let age = |age| HostAction::Lifetime { ends_at: None, message_age: Some(Some(age)) };
    for (bad, good) in [(59_999, 60_000), (30 * 60_000 + 1, 60_000)] {
        let refused = ann.decide(age(bad)).await;
        assert_eq!(refused, Err(ApiError::Refused(RoomError::BadLifetime)));
        ann.decide(age(good)).await.unwrap();
    }
    let say = async |person: &mut clock::Person, text: &str| {
        let entry = parlor::room::NewEntry { n: None, text: text.parse().unwrap() };
        person.session.publish(&[entry], |_, said| assert!(said.is_ok())).await;
    };
    say(&mut ann, "old").await;
    ahead.fetch_add(50_000, Ordering::SeqCst);
    say(&mut ann, "new").await;
    ahead.fetch_add(10_001, Ordering::SeqCst);
    let bob = clock::join(&hub, "Bob", With::default()).await.unwrap();
    let history = bob.welcome["history"].as_array().unwrap();
    assert_eq!((history.len(), &history[0]["text"]), (1, &json!("new")));
    assert_eq!(bob.welcome["room"]["messageAge"], 60);
    // In a room where nothing is written, it is gone all the same.
    ahead.fetch_add(60_000, Ordering::SeqCst);
    let cid = clock::join(&hub, "Cid", With::default()).await.unwrap();
    assert_eq!(cid.welcome["history"], json!([]));
}

#[tokio::test]
async fn the_end_that_is_set_is_told_to_all_and_before_joining() {
    let server = TestServer::start(&[]).await;
    let mut ann = join(server.address, "r", "Ann", "192.0.2.1").await;
    let mut bob = join(server.address, "r", "Bob", "192.0.2.2").await;
    let now = parlor::store::memory::wall_clock();
    for at in [now + 3_600_000, now + 7_200_000] {
        decide(&mut ann, json!({"type": "lifetime", "endsAt": at, "messageAge": 60})).await;
        let told = bob.until("rules").await["rules"].clone();
        assert_eq!(told["messageAge"], 60);
        let time = humantime::parse_rfc3339(told["endsAt"].as_str().unwrap()).unwrap();
        let millis = time.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        assert_eq!(millis, u128::from(at));
        assert_eq!(door(server.address, "r").await["endsAt"], told["endsAt"]);
        // As text, as it is shown.
        decide(&mut ann, json!({"type": "lifetime", "endsAt": told["endsAt"]})).await;
    }
    decide(&mut ann, json!({"type": "lifetime", "endsAt": null, "messageAge": null})).await;
    assert_eq!(door(server.address, "r").await.get("endsAt"), None);
}
