//! Connection tests: a token for a LiveKit room of its own, of which the members hear nothing.

use std::collections::HashSet;

use crate::wire::{
    Client, TestServer, encoded,
    livekit::{KEY, KEYS, LiveKit, SECRET, report_of, reports, signed},
    within_patience,
};
use livekit_api::access_token::TokenVerifier;
use serde_json::{Value, json};

async fn ask(server: &TestServer, who: &Client, body: &'static str) -> (u16, Value) {
    let response = crate::support::http::client()
        .post(server.url(&format!("/api/rooms/{}/livekit-token", encoded(who.room()))))
        .header("authorization", format!("Bearer {}", who.ticket()))
        .body(body)
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// What the token of a test says; LiveKit's own library has checked it.
async fn test_claims(server: &TestServer, who: &Client) -> Value {
    let (status, body) = ask(server, who, r#"{"test":true}"#).await;
    assert_eq!((status, body.as_object().unwrap().len()), (200, 2), "{body}");
    assert_eq!(body["livekitUrl"], "wss://video.example.org");
    let token = body["token"].as_str().unwrap();
    let claims = TokenVerifier::with_api_key(KEY, SECRET).verify(token).unwrap();
    serde_json::to_value(&claims).unwrap()
}

#[tokio::test]
async fn the_token_of_a_test_opens_no_call_and_carries_nothing() {
    let server = TestServer::start(&KEYS).await;
    let ann = Client::join(&server, "general", "Ann").await;
    let claims = test_claims(&server, &ann).await;
    let video = &claims["video"];
    assert_eq!(video["roomJoin"], true);
    for grant in ["canPublish", "canSubscribe", "canPublishData"] {
        assert_eq!(video[grant], false, "{grant}: {claims}");
    }
    let room = video["room"].as_str().unwrap();
    assert!(room.parse::<parlor::room::RoomId>().is_err(), "{room} could be a room's");
    assert!(!claims.to_string().contains("Ann") && !claims.to_string().contains("general"));
    let identity = claims["sub"].as_str().unwrap();
    assert!(identity.parse::<uuid::Uuid>().is_err(), "{identity} could be a member's");
    let again = test_claims(&server, &ann).await;
    assert_eq!(again["video"]["room"], room, "the connections of one member are counted together");
    assert_ne!(again["sub"], claims["sub"], "a test does not end another");
    let ben = Client::join(&server, "general", "Ben").await;
    assert_ne!(test_claims(&server, &ben).await["video"]["room"], room);
    let lives = claims["exp"].as_u64().unwrap() - parlor::store::memory::wall_clock() / 1000;
    assert!(lives <= 120, "{claims}");
    assert!(claims["roomConfig"]["departureTimeout"].as_u64().is_some_and(|kept| kept <= 10));
}

#[tokio::test]
async fn nobody_in_the_room_hears_of_a_test() {
    let server = TestServer::start(&KEYS).await;
    let ann = Client::join(&server, "general", "Ann").await;
    let mut ben = Client::join(&server, "general", "Ben").await;
    let claims = test_claims(&server, &ann).await;
    let [room, identity] =
        [&claims["video"]["room"], &claims["sub"]].map(|at| at.as_str().unwrap());
    for (event, who) in [("participant_joined", identity), ("participant_left", ann.id())] {
        let body = report_of(event, room, who, 1_700_000_000_000);
        assert_eq!(reports(&server, &body, &signed(&body, SECRET)).await, 200);
    }
    let cy = Client::join(&server, "general", "Cy").await;
    let joined = ben.expect("joined").await;
    assert_eq!(joined["clientId"], cy.id(), "Ben hears of nothing but Cy: {joined}");
    let members = cy.welcome["members"].as_array().unwrap();
    assert!(members.iter().all(|member| member.get("inCall").is_none()), "{members:?}");
}

#[tokio::test]
async fn a_test_is_for_members_and_asked_for_in_json() {
    let server = TestServer::start(&KEYS).await;
    let (ann, ben) = (
        Client::join(&server, "general", "Ann").await,
        Client::join(&server, "general", "Ben").await,
    );
    for bad in ["{", "[true]", r#"{"test":"yes"}"#] {
        let (status, body) = ask(&server, &ann, bad).await;
        assert_eq!((status, &body["code"]), (400, &json!("bad_frame")), "{bad}");
    }
    for call in ["", "{}", r#"{"test":false}"#, r#"{"other":1}"#] {
        let (status, body) = ask(&server, &ann, call).await;
        assert_eq!((status, &body["identity"]), (200, &json!(ann.id())), "{call}");
    }
    let response = crate::support::http::client()
        .post(server.url("/api/rooms/general/livekit-token"))
        .body(r#"{"test":true}"#)
        .send();
    assert_eq!(response.await.unwrap().status(), 401);
    let ticket = ben.ticket().to_owned();
    ben.leave().await;
    let response = crate::support::http::client()
        .post(server.url("/api/rooms/general/livekit-token"))
        .header("authorization", format!("Bearer {ticket}"))
        .body(r#"{"test":true}"#)
        .send();
    assert_eq!(response.await.unwrap().status(), 403);
}

#[tokio::test]
async fn livekit_has_few_tests_of_a_member_and_none_for_long() {
    let mut livekit = LiveKit::reserve();
    let settings = livekit.settings();
    let server = TestServer::start(&settings.iter().map(String::as_str).collect::<Vec<_>>()).await;
    livekit.start(&server.url("/livekit/webhook")).await;
    let ann = Client::join(&server, "general", "Ann").await;
    let mut open = Vec::new();
    for connection in 1..=5 {
        let (_, body) = ask(&server, &ann, r#"{"test":true}"#).await;
        let token = body["token"].as_str().unwrap();
        match livekit.dial(token).await {
            Ok(socket) => open.push(socket),
            Err(error) => assert_eq!(connection, 5, "{error}"),
        }
    }
    assert_eq!(open.len(), 4, "the fifth connection of one member is refused");
    let (_, call) = ask(&server, &ann, "{}").await;
    livekit.rooms().create_room(call["room"].as_str().unwrap(), Default::default()).await.unwrap();
    let video = server.hub.config().video.as_ref().unwrap();
    let tests = video.end_tests(&HashSet::new()).await.unwrap();
    assert_eq!(tests.len(), 1, "a test may last for a round");
    assert_eq!(video.end_tests(&tests).await.unwrap().len(), 0, "and not for two");
    within_patience("LiveKit has the call alone", async || {
        let rooms = livekit.rooms().list_rooms(Vec::new()).await.unwrap();
        let names: Vec<String> = rooms.into_iter().map(|room| room.name).collect();
        if names == [ann.room()] { Ok(()) } else { Err(names) }
    })
    .await;
}
