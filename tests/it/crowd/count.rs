//! When members are counted, when they are named, and what that costs.

use std::time::Duration;

use parlor::{
    room::CallMark,
    store::{
        Store,
        memory::{World, wall_clock},
    },
};
use serde_json::json;
use tokio::time::sleep;

use super::{enter, id, limits, many, node, room};

fn said(told: &[(&str, u64)]) -> Vec<(String, u64)> {
    told.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
}

#[tokio::test(start_paused = true)]
async fn one_too_many_makes_a_crowd_whose_people_are_counted_once_a_second() {
    let (hub, _store) = node(&World::new(limits(), wall_clock), 1, 4);
    let mut people = many(&hub, 4).await;
    sleep(Duration::from_millis(1)).await;
    let first = said(&[("welcome", 1), ("joined", 2), ("joined", 3), ("joined", 4)]);
    assert_eq!(people[0].told(), first, "as in any room");
    people.push(enter(&hub, None).await);
    let welcome = people[4].first();
    assert_eq!(
        (&welcome["crowd"], welcome["members"].as_array().unwrap().len()),
        (&json!(true), 4)
    );
    assert_eq!(welcome["members"][0]["clientId"], welcome["clientId"], "whoever reads it is in it");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(people[0].told(), said(&[("presence", 5)]), "at once");
    people.extend(many(&hub, 3).await);
    sleep(Duration::from_millis(900)).await;
    assert_eq!(people[0].told(), []);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(people[0].told(), said(&[("presence", 8)]));
    people.pop().unwrap().seat.leave().await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(
        people[0].told(),
        said(&[("presence", 7)]),
        "the last count is told, and nothing more"
    );
}

#[tokio::test(start_paused = true)]
async fn a_crowd_that_shrinks_is_listed_whole_and_told_by_name_again() {
    let (hub, store) = node(&World::new(limits(), wall_clock), 1, 8);
    let mut people = many(&hub, 9).await;
    for _ in 0..2 {
        people.pop().unwrap().seat.leave().await;
    }
    sleep(Duration::from_secs(5)).await;
    people.push(enter(&hub, None).await);
    let welcome = people[7].first();
    assert_eq!(
        (&welcome["crowd"], &welcome["count"]),
        (&json!(true), &json!(8)),
        "seven are not few enough, nor are eight"
    );
    for _ in 0..2 {
        people.remove(1).seat.leave().await;
    }
    sleep(Duration::from_secs(2)).await;
    let there = store.snapshot(&room(), false).await.unwrap().unwrap();
    for person in &people {
        let last = person.eye.sees().frames.last().unwrap().clone();
        assert_eq!(
            (last["type"].as_str(), last["members"].as_array().map(Vec::len)),
            (Some("presence"), Some(6))
        );
        assert_eq!(person.eye.sees().error(&there, 8), None);
        person.told();
    }
    let next = enter(&hub, None).await;
    sleep(Duration::from_secs(5)).await;
    assert!(next.first()["crowd"].is_null());
    assert_eq!(people[0].told(), said(&[("joined", 7)]));
    next.seat.leave().await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(people[0].told(), said(&[("left", 6)]));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_in_the_call_is_listed_and_seen_to_go_in_a_crowd_as_well() {
    let (hub, store) = node(&World::new(limits(), wall_clock), 1, 4);
    let mut people = many(&hub, 8).await;
    let caller = people.remove(6);
    let theirs = caller.seat.member();
    store.call(&room(), theirs, CallMark::since(1)).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    let frame =
        people[0].eye.sees().frames.iter().find(|frame| frame["type"] == "call").unwrap().clone();
    assert_eq!(
        (&frame["user"], &frame["inCall"], id(&frame)),
        (&json!("Somebody"), &json!(true), theirs.to_string())
    );
    let late = enter(&hub, None).await;
    assert!(
        late.eye.sees().callers.contains(&theirs.to_string()),
        "the seventh who came is among the four who are listed"
    );
    sleep(Duration::from_secs(2)).await;
    people[0].told();
    caller.seat.leave().await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(people[0].told(), said(&[("left", 8), ("presence", 8)]));
    assert!(late.eye.sees().callers.is_empty());
}

/// Bytes that each of so many people gets, from the first who comes until all are there.
async fn bytes_a_head(people: usize) -> usize {
    let (hub, _store) = node(&World::new(limits(), wall_clock), 1, 50);
    let mut all = Vec::new();
    for _ in 0..people {
        all.push(enter(&hub, None).await);
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_secs(2)).await;
    all.iter().map(|person| person.eye.sees().bytes).sum::<usize>() / people
}

#[tokio::test(start_paused = true)]
async fn what_each_of_many_gets_does_not_grow_with_them() {
    // A welcome with fifty people, or one with fewer and each of the others coming, and counts for three seconds.
    const ENOUGH: usize = 7_000;
    for people in [100, 200, 300] {
        let bytes = bytes_a_head(people).await;
        println!("{people} people: {bytes} bytes a head");
        assert!(bytes < ENOUGH, "{people} people: {bytes} bytes a head");
    }
}
