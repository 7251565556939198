//! Requests: each that the document describes is sent.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::{
    hosting::barred,
    operation::Operation,
    scene::{OF_ACCOUNTS, Scene, VIDEO},
    schemas::Documents,
};
use crate::wire::TestServer;

/// Refusals that only a race brings about, much time or many reactions: (operation, code).
const RACES: [(&str, &str); 9] = [
    ("say", "too_late"),
    ("say", "reactions_full"),
    ("poll", "room_full"),
    ("poll", "address_limit"),
    ("poll", "replaced"),
    // Each needs as many requests under way as an address may have bytes that wait.
    ("download", "address_limit"),
    ("continue", "address_limit"),
    ("join", "replaced"),
    ("events", "replaced"),
];

/// Brings a refusal about, where no value does it alone.
async fn provoked(operation: &Operation<'_>, code: &str) -> Option<Response> {
    let mut request = operation.plain_request();
    let scene =
        async |args: &[&str]| match operation.is_of_accounts() || OF_ACCOUNTS.contains(&code) {
            true => Scene::with_accounts("general", args).await,
            false => Scene::set("general", args).await,
        };
    let is_text = operation.body().is_some_and(|(kind, _)| kind == "text/plain");
    // Who shows a ticket in the header leaves, whatever the body says.
    request.ticket &= operation.id != "leave" || !code.starts_with("bad_");
    match code {
        "bad_text" => request.body = Some(vec![0xff]),
        "bad_frame" if operation.id == "continue" => return None,
        "bad_frame" => request.body = Some(b"{".to_vec()),
        "no_ticket" => (request.ticket, request.body) = (false, None),
        "bad_ticket" => {
            request.ticket = false;
            request.headers.push(("authorization".into(), "Bearer nonsense".into()));
        }
        "forbidden_origin" => request.headers.push(("origin".into(), "http://evil.example".into())),
        "body_too_big" if operation.id == "continue" => request.body = Some(vec![b'x'; 270_000]),
        "body_too_big" => request.body = Some(vec![b'x'; 70_000]),
        "too_long" if is_text => request.body = Some(vec![b'x'; 4001]),
        "too_long" => {
            request.body = Some(json!({"text": "x".repeat(4001)}).to_string().into_bytes())
        }
        "bad_signature" => request.forged = true,
        "upgrade_required" => request.headers.clear(),
        "nobody_there" => request.room = "elsewhere".into(),
        "not_member" => {
            request.as_guest = true;
            let scene = scene(&VIDEO).await;
            assert_eq!(
                scene.ann.post("leave", "").send().await.unwrap().status(),
                StatusCode::NO_CONTENT
            );
            return Some(scene.send(operation, &request).await);
        }
        "room_full" => {
            return Some(scene(&["--room-members", "2"]).await.send(operation, &request).await);
        }
        "files_off" => {
            return Some(scene(&["--file-bytes", "0"]).await.send(operation, &request).await);
        }
        "files_full" => {
            let scene = scene(&[]).await;
            for _ in 0..5 {
                let body = json!({ "size": 10_484_000 }).to_string();
                assert_eq!(scene.ann.post("files", body).send().await.unwrap().status(), 201);
            }
            request.body = Some(json!({ "size": 10_485_760 }).to_string().into_bytes());
            return Some(scene.send(operation, &request).await);
        }
        "stale_n" => {
            let scene = scene(&["--history-len", "1"]).await;
            for n in [5, 6] {
                scene.ann.publish("hello", n).await;
            }
            request.body = Some(br#"{"text":"hello","n":5}"#.to_vec());
            return Some(scene.send(operation, &request).await);
        }
        "name_verified" => {
            let mut scene = scene(&[]).await;
            let token = &scene.book.as_ref().unwrap().token;
            let join = crate::support::http::client()
                .post(scene.server.url("/api/rooms/general/join"))
                .header("cookie", format!("token={token}"));
            let welcome: Value = join.send().await.unwrap().json().await.unwrap();
            assert_eq!(welcome["verified"], true);
            scene.ann.ticket = welcome["ticket"].as_str().unwrap().to_owned();
            request.body = Some(br#"{"type":"rename","user":"Anna"}"#.to_vec());
            return Some(scene.send(operation, &request).await);
        }
        "not_logged_in" => {
            request.login = None;
            request.headers.push(("authorization".into(), "Bearer no.good.token".into()));
        }
        "login_required" => {
            let mut scene = scene(&[]).await;
            let url = scene.book.as_ref().unwrap().url();
            scene.server =
                TestServer::start(&["--require-login", "true", "--database-url", &url]).await;
            return Some(scene.send(operation, &request).await);
        }
        "accounts_off" => {
            return Some(Scene::set("general", &[]).await.send(operation, &request).await);
        }
        "not_json" => request.headers.clear(),
        "rate_limited" if operation.is_of_accounts() => {
            let scene = scene(&[]).await;
            let wrong = operation
                .refused("wrong_login")
                .pop()
                .or_else(|| operation.refused("name_taken").pop())
                .unwrap();
            for _ in 0..100 {
                let response = scene.send(operation, &wrong).await;
                if response.status() == StatusCode::TOO_MANY_REQUESTS {
                    return Some(response);
                }
            }
            return None;
        }
        "rate_limited" => {
            let scene = scene(&["--rate", "1", "--address-rate", "1"]).await;
            let crowd =
                join_all((0..20).map(async |_| scene.send(operation, &request).await)).await;
            return crowd
                .into_iter()
                .find(|response| response.status() == StatusCode::TOO_MANY_REQUESTS);
        }
        "address_limit" => {
            // A member that comes back takes no seat more.
            request.ticket &= ["say", "upload"].contains(&operation.id);
            if operation.id == "upload" {
                // No larger file is allowed where an address may have so little.
                request.body = Some(json!({ "size": 1 }).to_string().into_bytes());
            }
            return Some(
                scene(&["--address-seats", "2", "--address-text", "1", "--address-files", "1"])
                    .await
                    .send(operation, &request)
                    .await,
            );
        }
        "video_not_configured" => {
            if operation.id == "decide" {
                request.body =
                    Some(br#"{"type":"hush","clientId":"{guest}","audio":true}"#.to_vec());
            }
            return Some(scene(&[]).await.send(operation, &request).await);
        }
        "restarting" => {
            let scene = scene(&VIDEO).await;
            scene.server.hub.shutdown().await;
            return Some(scene.send(operation, &request).await);
        }
        code => return barred(operation, code, request).await,
    }
    Some(scene(&VIDEO).await.send(operation, &request).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_in_the_document_is_answered_as_it_says() {
    let documents = Documents::read();
    let (mut sent, mut refused) = (0, 0);
    for operation in documents.operations() {
        let mut seen = BTreeSet::new();
        for mut request in operation.good() {
            let scene = Scene::meant_for(&operation, &request.room, &request, "").await;
            request.query.iter_mut().for_each(|(_, value)| *value = scene.fill(value));
            let (status, code) = operation.hold(scene.send(&operation, &request).await).await;
            assert!(
                status < 400,
                "{} {request:?}: {status} {code:?} (no page? `make build` builds it)",
                operation.id
            );
            seen.insert(status.to_string());
            sent += 1;
        }
        if operation.id == "leave" {
            let Scene { server, bob, ann, .. } = Scene::set("general", &VIDEO).await;
            bob.leave().await;
            let (status, _) = operation
                .hold(ann.post("leave", r#"{"receipt":true}"#).send().await.unwrap())
                .await;
            assert_eq!(status, 200, "the last one gets the receipt");
            seen.insert(status.to_string());
            drop(server);
        }
        for status in operation.responses().keys().filter(|status| status.as_str() < "400") {
            assert!(seen.contains(status), "{} never answered {status}", operation.id);
        }
        for status in operation.responses().keys().filter(|status| status.as_str() >= "400") {
            for code in operation.codes(status) {
                let mut answers = Vec::new();
                for request in operation.refused(code) {
                    answers.push(
                        Scene::meant_for(&operation, "general", &request, code)
                            .await
                            .send(&operation, &request)
                            .await,
                    );
                }
                answers.extend(provoked(&operation, code).await);
                let is_race = RACES.contains(&(operation.id, code));
                assert!(
                    is_race || status.starts_with('5') || !answers.is_empty(),
                    "nothing makes {} say {code}",
                    operation.id
                );
                for answer in answers.into_iter().filter(|_| !is_race) {
                    let (given, told) = operation.hold(answer).await;
                    // Who is in may still speak while the server says goodbye; nobody is let in.
                    let lets_in = ["create", "join", "events", "read", "socket", "readiness"]
                        .contains(&operation.id);
                    if code == "restarting" && !lets_in {
                        continue;
                    }
                    assert_eq!(
                        given.to_string(),
                        *status,
                        "{} said {told:?} for {code}",
                        operation.id
                    );
                    assert!(
                        told.as_ref().is_none_or(|told| told == code),
                        "{} said {told:?} for {code}",
                        operation.id
                    );
                    refused += 1;
                }
            }
        }
    }
    println!("{sent} requests answered, {refused} refused, all of them as the document says");
}
