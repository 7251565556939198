//! A node that stops.

use std::{sync::Arc, time::Duration};

use parlor::{
    hub::{Hub, JoinRequest, RoomRegistry},
    protocol::ApiError,
    room::NodeId,
    store::memory::Memory,
};
use tokio::sync::mpsc::unbounded_channel;

use super::{Ear, enter, hub, stage};
use crate::support::hub_config::config;

#[tokio::test(start_paused = true)]
async fn a_stopping_node_tells_everybody_and_lets_nobody_in() {
    let (hub, world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    hub.shutdown().await;
    assert_eq!(ann.hears().await["closed"], 1012);
    assert!(world.is_empty());
    let (ear, _heard) = unbounded_channel();
    let join_request = JoinRequest {
        room: "r".parse().unwrap(),
        name: None,
        ticket: None,
        cursor: None,
        usage: None,
        invite: None,
        waits: false,
    };
    assert!(matches!(
        hub.enter(join_request, Arc::new(Ear(ear))).await,
        Err(ApiError::Restarting(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_stopping_node_waits_for_its_people_to_reach_another_one_and_not_longer() {
    let stage = stage();
    let rooms = RoomRegistry::new(config());
    let there = Hub::new(
        Arc::clone(&rooms),
        Memory::new(Arc::clone(&stage.world), NodeId(2), Arc::clone(&rooms) as _),
    );
    let (mut ann, mut bob) =
        (enter(&stage.hub, "r", "Ann", None).await, enter(&stage.hub, "r", "Bob", None).await);
    assert_eq!(ann.hears().await["type"], "joined");
    let begun = tokio::time::Instant::now();
    let hub = Arc::clone(&stage.hub);
    let goodbye = tokio::spawn(async move { hub.shutdown().await });
    assert_eq!(
        (ann.hears().await["closed"].as_u64(), bob.hears().await["closed"].as_u64()),
        (Some(1012), Some(1012))
    );
    let ann = enter(&there, "r", "Ann", Some(&ann.welcome)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!goodbye.is_finished(), "Bob is on his way");
    let bob = enter(&there, "r", "Bob", Some(&bob.welcome)).await;
    goodbye.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 2);
    for someone in [&ann, &bob] {
        assert_eq!(someone.welcome["resumed"], true);
    }
}
