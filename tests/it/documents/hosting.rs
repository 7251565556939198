//! What hosts decide, as the documents say: who is refused, and the frames that only hosts bring about.

use std::collections::BTreeSet;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::{
    operation::{Operation, Request},
    scene::{Scene, VIDEO},
    schemas::Documents,
};
use crate::wire::{Client, Heard, TestServer, listener::Listener};

/// Many requests at once.
const UNHURRIED: [&str; 6] = ["--rate", "1000000", "--address-rate", "0", "--address-seats", "0"];

/// Brings about a refusal that a host has decided.
pub(super) async fn barred(
    operation: &Operation<'_>,
    code: &str,
    mut request: Request,
) -> Option<Response> {
    // A member that is there is not barred; one that was removed is, whatever it comes with.
    request.ticket |= code == "kicked" && operation.takes("ticket");
    request.as_guest = ["kicked", "not_host"].contains(&code);
    let args: &[&str] = match code {
        "bans_full" | "invites_full" => &UNHURRIED,
        _ => &VIDEO,
    };
    let mut scene = Scene::set("general", args).await;
    let lock = |lock: &str| json!({ "type": "lock", "lock": lock });
    let guest = scene.ann.id().to_owned();
    match code {
        "not_host" => {}
        "kicked" => {
            let kick = json!({ "type": "kick", "clientId": guest });
            scene.by_host("host", kick).await;
        }
        "burned" => {
            scene.by_host("host", json!({ "type": "burn" })).await;
            request.query.push(("after".into(), scene.ann.cursor.clone()));
            // First comes what was sent before the end.
            loop {
                let answer = scene.send(operation, &request).await;
                if answer.status() != StatusCode::OK {
                    return Some(answer);
                }
                operation.hold(answer).await;
            }
        }
        "muted" => {
            let mute = json!({ "type": "mute", "clientId": guest, "muted": true });
            scene.by_host("host", mute).await;
        }
        "room_locked" => drop(scene.by_host("host", lock("locked")).await),
        "invite_only" => {
            scene.by_host("host", json!({ "type": "invite-only", "inviteOnly": true })).await;
        }
        "knocking" => drop(scene.by_host("host", lock("knock")).await),
        "knocks_full" => {
            scene.by_host("host", lock("knock")).await;
            for _ in 0..20 {
                assert_eq!(scene.join(json!({})).await.0, StatusCode::LOCKED);
            }
        }
        "not_admitted" => {
            scene = scene.awaited().await;
            let refuse = json!({ "type": "refuse", "clientId": scene.waiting });
            scene.by_host("host", refuse).await;
        }
        "invite_spent" => {
            let used = scene.join(json!({ "invite": scene.invite })).await;
            assert_eq!(used.0, StatusCode::OK);
            invited(operation, &scene, &mut request);
        }
        "invite_revoked" => {
            let id = scene.fill("{invite-id}");
            scene.by_host("host", json!({ "type": "revoke", "invite": id })).await;
            invited(operation, &scene, &mut request);
        }
        "invites_full" => {
            for _ in 1..50 {
                scene.by_host("invites", json!({})).await;
            }
        }
        "bans_full" => {
            for _ in 0..200 {
                let (_, welcome) = scene.join(json!({})).await;
                let id = &welcome["clientId"];
                let kick = json!({ "type": "kick", "clientId": id, "address": false });
                scene.by_host("host", kick).await;
            }
            let kick = json!({ "type": "kick", "clientId": "{guest}", "address": false });
            request.body = Some(kick.to_string().into_bytes());
        }
        _ => return None,
    }
    Some(scene.send(operation, &request).await)
}

/// Shows the scene's invite.
fn invited(operation: &Operation<'_>, scene: &Scene, request: &mut Request) {
    if operation.body().is_some_and(|(kind, _)| kind == "application/json") {
        request.body = Some(json!({ "invite": scene.invite }).to_string().into_bytes());
    } else {
        request.query.push(("invite".into(), scene.invite.clone()));
    }
}

/// A host on the stream, then one on the socket: every frame that hosts bring about, by both.
pub(super) async fn hosted(
    documents: &Documents,
    seen: &mut BTreeSet<String>,
    heard: &mut BTreeSet<String>,
) {
    let server = TestServer::start(&[]).await;
    let base = server.url("");
    let mut host = Listener::open(&base, "general", "?name=Ann", None, None).await;
    documents.hold("stream", &host.welcome, heard);
    let ask = async |ticket: &str, request: Value| {
        let sent = crate::support::http::client().post(server.url("/api/rooms/general/host"));
        let answer = sent.bearer_auth(ticket).body(request.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{request}");
    };
    ask(&host.ticket, json!({ "type": "lock", "lock": "knock" })).await;
    let mut bob = Client::open(&server, "room=general&name=Bob").await;
    let knocking = bob.until("knocking").await;
    documents.hold("tell", &knocking, seen);
    while !heard.contains("knock") {
        documents.hold("stream", &host.next().await.unwrap(), heard);
    }
    ask(&host.ticket, json!({ "type": "admit", "clientId": knocking["clientId"] })).await;
    bob.welcome = bob.until("welcome").await;
    documents.hold("tell", &bob.welcome, seen);
    ask(&host.ticket, json!({ "type": "host", "clientId": bob.id() })).await;
    while !["knock-over", "rules", "host"].iter().all(|kind| heard.contains(*kind)) {
        documents.hold("stream", &host.next().await.unwrap(), heard);
    }
    let mut eve = Listener::knock(&base, "general", "?name=Eve", None, None).await;
    documents.hold("stream", &eve.expect("knocking").await, heard);
    while !seen.contains("knock") {
        documents.hold("tell", &frame(&mut bob).await, seen);
    }
    drop(eve);
    while !seen.contains("knock-over") {
        documents.hold("tell", &frame(&mut bob).await, seen);
    }
    bob.send(json!({ "type": "topic", "title": "Tea at five" }));
    bob.send(json!({ "type": "burn" })).flush().await;
    while !seen.contains("receipt") || !seen.contains("rules") {
        documents.hold("tell", &frame(&mut bob).await, seen);
    }
    documents.hold("tell", &bob.until("closing").await, seen);
    bob.expect_close(4410).await;
    while let Some(frame) = host.next().await {
        documents.hold("stream", &frame, heard);
    }
    assert!(heard.contains("receipt"), "the other one gets the receipt, too");
}

async fn frame(client: &mut Client) -> Value {
    match client.next().await {
        Heard::Frame(frame) => frame,
        other => panic!("{other:?} after {:?}", client.seen),
    }
}
