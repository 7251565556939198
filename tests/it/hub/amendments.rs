//! For how long a message can be edited.

use std::sync::Arc;

use parlor::{
    hub::{Hub, HubConfig, RoomRegistry},
    protocol::ApiError,
    room::{Amendment, Limits, NewEntry, NodeId, PublishResult, Text},
    store::memory::{Memory, World, wall_clock},
};

use super::{Someone, config, enter};

impl Someone {
    async fn amend(&mut self, text: Text) -> Result<PublishResult, ApiError> {
        let mut result = None;
        self.seat.publish(&[NewEntry { n: None, text }], |_, said| result = Some(said)).await;
        result.unwrap()
    }
}

#[tokio::test]
async fn a_message_is_edited_in_time_and_deleted_at_any_time() {
    // In one the time is over at once, in the other not while a test lasts.
    for (edit_age, refusal) in [(0, Some(("too_late", 409))), (900_000, None)] {
        let limits = Limits { edit_age, ..Limits::default() };
        let rooms = RoomRegistry::new(HubConfig { limits, ..config() });
        let world = World::new(limits, wall_clock);
        let store = Memory::new(world, NodeId(1), Arc::clone(&rooms) as _);
        let hub = Hub::new(rooms, store);
        let mut ann = enter(&hub, "r", "Ann", None).await;
        assert_eq!(ann.welcome["limits"]["editAge"], edit_age / 1000);
        ann.publish(None, "hello").await.unwrap();
        let edited = ann.amend(Amendment::Edit { target: 1, text: Some("hello!") }.into()).await;
        let told = edited.err().map(|error| (error.code(), error.status()));
        assert_eq!(told, refusal);
        let before = if refusal.is_some() { 1 } else { 2 };
        let deleted = ann.amend(Amendment::Delete { target: 1 }.into()).await.unwrap();
        assert_eq!(deleted.seq, before + 1);
        let late = enter(&hub, "r", "Late", None).await;
        let history = &late.welcome["history"];
        assert_eq!((history.as_array().unwrap().len(), &history[0]["deleted"]), (1, &true.into()));
    }
}
