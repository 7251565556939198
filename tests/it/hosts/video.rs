//! The call of a room with a host, on a real LiveKit.

use livekit_api::services::room::RoomClient;
use parlor::receipt::{Cause, VideoOutcome, verify};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;

use super::{decide, join, kick, refused, rest, visitor::answer};
use crate::wire::{
    Client, TestServer,
    livekit::{LiveKit, report_of, reports, signed},
    within_patience,
};

async fn both() -> (LiveKit, TestServer) {
    let mut livekit = LiveKit::reserve();
    let settings = livekit.settings();
    let mut args: Vec<&str> = settings.iter().map(String::as_str).collect();
    args.extend(["--proxies", "1"]);
    let server = TestServer::start(&args).await;
    livekit.start(&server.url("/livekit/webhook")).await;
    (livekit, server)
}

async fn token(who: &mut Client) -> Value {
    who.send(json!({"type": "livekit-token"})).until("livekit-token").await
}

/// Comes to the call as a browser does, and waits until LiveKit has the person.
async fn dial(livekit: &LiveKit, answer: &Value) -> WebSocketStream<TcpStream> {
    let [room, identity, token] =
        ["room", "identity", "token"].map(|field| answer[field].as_str().unwrap());
    let socket = livekit.dial(token).await.unwrap();
    let there = async || callers(&livekit.rooms(), room).await.iter().any(|id| id == identity);
    within_patience("LiveKit has them", async || if there().await { Ok(()) } else { Err(()) })
        .await;
    socket
}

async fn callers(rooms: &RoomClient, room: &str) -> Vec<String> {
    let there = rooms.list_participants(room).await.unwrap_or_default();
    there.into_iter().map(|them| them.identity).collect()
}

async fn is_put_out(livekit: &LiveKit, room: &str, id: &str) {
    within_patience("they are put out", async || {
        let there = callers(&livekit.rooms(), room).await;
        if there.iter().any(|caller| caller == id) { Err(there) } else { Ok(()) }
    })
    .await;
}

#[tokio::test]
async fn a_removed_member_is_put_out_of_the_call_and_again_with_its_old_token() {
    let (livekit, server) = both().await;
    let mut ann = join(server.address, "r", "Ann", "192.0.2.1").await;
    let mut bob = join(server.address, "r", "Bob", "192.0.2.2").await;
    let ann_token = token(&mut ann).await;
    let _stays = dial(&livekit, &ann_token).await;
    let old = token(&mut bob).await;
    let id = bob.id().to_owned();
    let _call = dial(&livekit, &old).await;
    decide(&mut ann, kick(&id)).await;
    assert_eq!(rest(&mut bob).await.1, 4403);
    is_put_out(&livekit, "r", &id).await;
    let _again = dial(&livekit, &old).await;
    // LiveKit reports only those whose media flows; this is the report it would send.
    let came = report_of("participant_joined", "r", &id, 1_700_000_000_000);
    assert_eq!(reports(&server, &came, &signed(&came, &livekit.secret)).await, 200);
    is_put_out(&livekit, "r", &id).await;
    assert_eq!(callers(&livekit.rooms(), "r").await, [ann.id()]);
    // And there is no new token.
    let request = crate::support::http::client().post(server.url("/api/rooms/r/livekit-token"));
    let (status, body) = answer(request.bearer_auth(bob.ticket())).await;
    assert_eq!((status, &body["code"]), (403, &json!("kicked")));
}

#[tokio::test]
async fn a_burn_deletes_the_call_and_the_receipt_says_so() {
    let (livekit, server) = both().await;
    for called in [true, false] {
        let mut ann = join(server.address, "r", "Ann", "192.0.2.1").await;
        let mut bob = join(server.address, "r", "Bob", "192.0.2.2").await;
        let rooms = livekit.rooms();
        let mut calls = Vec::new();
        if called {
            for person in [&mut ann, &mut bob] {
                let answer = token(person).await;
                calls.push(dial(&livekit, &answer).await);
            }
            assert_eq!(rooms.list_rooms(Vec::new()).await.unwrap().len(), 1);
        }
        ann.send(json!({"type": "burn"}));
        let (frames, _) = rest(&mut ann).await;
        let receipt = frames[frames.len() - 2]["receipt"].as_str().unwrap();
        let receipt = verify(receipt, None).unwrap();
        let video = if called { VideoOutcome::Removed } else { VideoOutcome::Absent };
        // Each node asks: another request of this node may have been the one that found the call.
        assert!(
            receipt.cause == Cause::Burned && (receipt.video == video || called),
            "{receipt:?}"
        );
        within_patience("no room is left", async || {
            let left = rooms.list_rooms(Vec::new()).await.map_err(|_| 0_usize)?.len();
            if left == 0 { Ok(()) } else { Err(left) }
        })
        .await;
        assert_eq!(rest(&mut bob).await.1, 4410);
    }
}

#[tokio::test]
async fn a_person_who_waits_gets_no_token() {
    let (_livekit, server) = both().await;
    let mut ann = join(server.address, "r", "Ann", "192.0.2.1").await;
    decide(&mut ann, super::lock("knock")).await;
    let waits = super::visitor::Visitor::new("Pat").by_join(server.address, "r").await.waits();
    let (status, body) = answer(waits.post("livekit-token", "")).await;
    assert_eq!((status, &body["code"]), (403, &json!("not_member")));
    let mut socket =
        super::visitor::Visitor::new("Sid").by_socket(server.address, "r").await.waits();
    socket.send(json!({"type": "livekit-token"})).flush().await;
    let knock = loop {
        let knock = ann.until("knock").await;
        if knock["user"] == "Sid" {
            break knock;
        }
    };
    decide(&mut ann, json!({"type": "refuse", "clientId": knock["clientId"]})).await;
    let (frames, code) = rest(&mut socket).await;
    assert_eq!((frames.len(), code), (2, 4403), "{frames:?}");
}

#[tokio::test]
async fn a_host_hushes_in_the_call_members_alone_and_is_told_when_livekit_is_away() {
    let (mut livekit, server) = both().await;
    let mut ann = join(server.address, "r", "Ann", "192.0.2.1").await;
    let mut bob = join(server.address, "r", "Bob", "192.0.2.2").await;
    let hush =
        |id: &str| json!({"type": "hush", "clientId": id, "audio": true, "video": true, "n": 1});
    // A member that is in no call, and one that is and publishes nothing.
    decide(&mut ann, hush(bob.id())).await;
    let bob_token = token(&mut bob).await;
    let _call = dial(&livekit, &bob_token).await;
    decide(&mut ann, hush(bob.id())).await;
    let ann_id = ann.id().to_owned();
    assert_eq!(refused(&mut bob, &hush(&ann_id)).await, "not_host");
    let gone = "6f0c4a8e-9f7c-4c8d-9f2f-5a112f1f9ba2";
    assert_eq!(refused(&mut ann, &hush(gone)).await, "no_member");
    livekit.kill().await;
    assert_eq!(refused(&mut ann, &hush(bob.id())).await, "timeout");
}
