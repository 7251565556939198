//! LiveKit tokens: for members only, for their room and identity only, and for a short time.

use std::{collections::BTreeMap, process::Stdio};

use crate::wire::{
    Client, Heard, TestServer, encoded,
    livekit::{KEY, KEYS, SECRET},
};
use livekit_api::access_token::TokenVerifier;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

async fn with_keys(more: &[&str]) -> TestServer {
    TestServer::start(&[&KEYS, more].concat()).await
}

/// Asks over HTTP: the status and the body.
async fn ask(server: &TestServer, room: &str, ticket: Option<&str>) -> (u16, Value) {
    let request = crate::support::http::client()
        .post(server.url(&format!("/api/rooms/{}/livekit-token", encoded(room))));
    let response = match ticket {
        Some(ticket) => request.header("authorization", format!("Bearer {ticket}")),
        None => request,
    };
    let response = response.send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn refused(server: &TestServer, room: &str, ticket: Option<&str>) -> (u16, String) {
    let (status, body) = ask(server, room, ticket).await;
    assert!(
        body["message"].as_str().is_some_and(|message| !message.is_empty())
            && body.get("token").is_none(),
        "{body}"
    );
    (status, body["code"].as_str().unwrap().to_owned())
}

/// Everything a token says, signature checked by LiveKit's own library.
fn verified(token: &str) -> Value {
    let claims = TokenVerifier::with_api_key(KEY, SECRET).verify(token).unwrap();
    assert!(TokenVerifier::with_api_key(KEY, "another secret").verify(token).is_err());
    serde_json::to_value(&claims).unwrap()
}

fn is_a_least_token(token: &str, member: &Client) {
    let claims = verified(token);
    assert_eq!(
        (&claims["sub"], &claims["name"], &claims["iss"]),
        (&json!(member.id()), &member.welcome["user"], &json!(KEY))
    );
    let now = parlor::store::memory::wall_clock() / 1000;
    let (begins, ends) = (claims["nbf"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    assert!(begins <= now + 5 && ends > now && ends <= now + 600, "{claims}");
    let video = claims["video"].as_object().unwrap();
    assert_eq!(video["room"], member.room());
    let granted: BTreeMap<&str, bool> = video
        .iter()
        .filter_map(|(grant, given)| {
            given.as_bool().filter(|given| *given).map(|given| (grant.as_str(), given))
        })
        .collect();
    let least =
        ["canPublish", "canPublishData", "canSubscribe", "roomJoin"].map(|grant| (grant, true));
    assert_eq!(granted, BTreeMap::from(least), "nothing more than a call needs");
    assert!(video.iter().all(|(_, given)| given.is_null()
        || given.is_boolean()
        || *given == json!("")
        || *given == json!([])
        || given == member.room()));
}

#[tokio::test]
async fn a_member_gets_a_token_by_socket_and_by_ticket() {
    let server = with_keys(&[]).await;
    for room in ["general", "комната"] {
        let mut ann = Client::join(&server, room, "Анна <a>").await;
        assert_eq!(ann.welcome["video"], true);
        let by_socket = ann.send(json!({"type": "livekit-token"})).expect("livekit-token").await;
        let (status, by_ticket) = ask(&server, room, Some(ann.ticket())).await;
        assert_eq!(status, 200);
        for (answer, fields) in [(by_socket, 5), (by_ticket, 4)] {
            assert_eq!(answer.as_object().unwrap().len(), fields, "{answer}");
            assert_eq!((&answer["room"], &answer["identity"]), (&json!(room), &json!(ann.id())));
            assert_eq!(answer["livekitUrl"], "wss://video.example.org");
            is_a_least_token(answer["token"].as_str().unwrap(), &ann);
        }
    }
}

#[tokio::test]
async fn a_token_cannot_be_asked_for_somebody_else() {
    let server = with_keys(&[]).await;
    let bob = Client::join(&server, "general", "Bob").await;
    let mut eve = Client::join(&server, "general", "Eve").await;
    eve.send(
        json!({"type": "livekit-token", "identity": bob.id(), "room": "other", "clientId": bob.id(), "ticket": bob.ticket()}),
    );
    let answer = eve.expect("livekit-token").await;
    assert_eq!((&answer["identity"], &answer["room"]), (&json!(eve.id()), &json!("general")));
    is_a_least_token(answer["token"].as_str().unwrap(), &eve);
}

#[tokio::test]
async fn strangers_get_no_token() {
    let server = with_keys(&[]).await;
    let ann = Client::join(&server, "a", "Ann").await;
    let bob = Client::join(&server, "b", "Bob").await;
    let other = with_keys(&[]).await;
    let elsewhere = Client::join(&other, "a", "Ann").await;
    assert_eq!(refused(&server, "a", None).await, (401, "no_ticket".into()));
    let (body, signature) = ann.ticket().split_once('.').unwrap();
    let (foreign_body, _) = bob.ticket().split_once('.').unwrap();
    for (room, ticket) in [
        ("a", "garbage".to_owned()),
        ("a", ann.id().to_owned()),
        ("a", bob.ticket().to_owned()),
        ("b", ann.ticket().to_owned()),
        ("a", elsewhere.ticket().to_owned()),
        ("a", format!("{foreign_body}.{signature}")),
        ("a", format!("{body}.")),
        ("a", body.to_owned()),
        ("nobody-is-here", ann.ticket().to_owned()),
        ("nobody-is-here", "garbage".to_owned()),
    ] {
        assert_eq!(
            refused(&server, room, Some(&ticket)).await,
            (401, "bad_ticket".into()),
            "{room}: {ticket}"
        );
    }
    let basic = crate::support::http::client()
        .post(server.url("/api/rooms/a/livekit-token"))
        .header("authorization", format!("Basic {}", ann.ticket()));
    assert_eq!(basic.send().await.unwrap().status(), 401);
    assert_eq!(refused(&server, "a b", Some(ann.ticket())).await, (400, "bad_room".into()));
    assert_eq!(ask(&server, "a", Some(ann.ticket())).await.0, 200);
}

#[tokio::test]
async fn who_has_left_gets_no_token_any_more() {
    let server = with_keys(&["--grace", "200ms"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let bob = Client::join(&server, "general", "Bob").await;
    let ticket = bob.ticket().to_owned();
    assert_eq!(ask(&server, "general", Some(&ticket)).await.0, 200);
    bob.leave().await;
    assert_eq!(
        refused(&server, "general", Some(&ticket)).await,
        (403, "not_member".into()),
        "the room lives on"
    );
    let cy = Client::join(&server, "general", "Cy").await;
    let lost = cy.ticket().to_owned();
    cy.drop_link();
    while ann.until("left").await["reason"] != "lost" {}
    assert_eq!(
        refused(&server, "general", Some(&lost)).await,
        (403, "not_member".into()),
        "the grace is over"
    );
    let last = ann.ticket().to_owned();
    ann.leave().await;
    assert_eq!(
        refused(&server, "general", Some(&last)).await,
        (403, "not_member".into()),
        "the room is gone"
    );
    let _reborn = Client::join(&server, "general", "New").await;
    let (status, code) = refused(&server, "general", Some(&last)).await;
    assert!(
        matches!((status, code.as_str()), (401, "bad_ticket") | (403, "not_member")),
        "another life: {status} {code}"
    );
}

#[tokio::test]
async fn a_lost_link_keeps_the_token_for_the_grace() {
    let server = with_keys(&["--grace", "1h"]).await;
    let ann = Client::join(&server, "general", "Ann").await;
    let ticket = ann.ticket().to_owned();
    ann.drop_link();
    assert_eq!(ask(&server, "general", Some(&ticket)).await.0, 200);
}

#[tokio::test]
async fn without_keys_there_is_no_video_and_it_is_said_so() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    assert_eq!(ann.welcome["video"], false);
    ann.send(json!({"type": "livekit-token"})).expect_error("video_not_configured").await;
    assert_eq!(
        refused(&server, "general", Some(ann.ticket())).await,
        (503, "video_not_configured".into())
    );
    ann.send(json!({"type": "ping"}));
    assert_eq!(
        ann.next().await,
        Heard::Frame(json!({"type": "pong"})),
        "chat goes on without video"
    );
}

#[tokio::test]
async fn livekit_may_be_reached_by_the_page_and_nobody_else() {
    let server = with_keys(&[]).await;
    let response = crate::support::http::get(server.url("/")).await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let connect = policy
        .split(';')
        .map(str::trim)
        .find(|directive| directive.starts_with("connect-src"))
        .unwrap()
        .to_owned();
    let sources: Vec<&str> = connect.split(' ').skip(1).collect();
    assert_eq!(sources, ["'self'", "wss://video.example.org", "https://video.example.org"]);
}

/// The effects of a call are WebAssembly. No script may be made of text, with LiveKit or without.
#[tokio::test]
async fn web_assembly_runs_only_where_there_are_calls() {
    for (server, allowed) in [(with_keys(&[]).await, true), (TestServer::start(&[]).await, false)] {
        let response = crate::support::http::get(server.url("/")).await.unwrap();
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        let scripts = policy.split("; ").find(|part| part.starts_with("script-src")).unwrap();
        let sources: Vec<&str> = scripts.split(' ').skip(1).collect();
        assert_eq!(sources.contains(&"'wasm-unsafe-eval'"), allowed, "{policy}");
        let others = |source: &&&str| **source != "'wasm-unsafe-eval'";
        for source in sources.iter().filter(others) {
            assert!(*source == "'self'" || source.starts_with("'sha256-"), "{policy}");
        }
    }
}

/// Another language, another library: what LiveKit's own makes of a token could be a private agreement.
#[tokio::test]
async fn an_independent_library_agrees_that_the_token_is_good() {
    let server = with_keys(&[]).await;
    let mut ann = Client::join(&server, "комната", "Ann").await;
    let answer = ann.send(json!({"type": "livekit-token"})).expect("livekit-token").await;
    let checked = jose(answer["token"].as_str().unwrap(), SECRET).await.unwrap();
    assert_eq!(checked["protectedHeader"]["alg"], "HS256");
    let payload = &checked["payload"];
    assert_eq!(
        (&payload["sub"], &payload["iss"], &payload["name"]),
        (&json!(ann.id()), &json!(KEY), &json!("Ann"))
    );
    let video = &payload["video"];
    for grant in ["roomJoin", "canPublish", "canSubscribe", "canPublishData"] {
        assert_eq!(video[grant], true, "{grant}: {video}");
    }
    assert_eq!(video["room"], "комната");
    for grant in [
        "roomAdmin",
        "roomCreate",
        "roomList",
        "roomRecord",
        "ingressAdmin",
        "hidden",
        "recorder",
        "agent",
        "canUpdateOwnMetadata",
    ] {
        assert!(video.get(grant).is_none_or(|given| *given == false), "{grant}: {video}");
    }
    assert!(
        payload["exp"].as_u64().unwrap() - parlor::store::memory::wall_clock() / 1000 <= 600,
        "{payload}"
    );
    let wrong =
        jose(answer["token"].as_str().unwrap(), "another secret of the same kind, but wrong").await;
    assert!(wrong.unwrap_err().contains("ERR_JWS_SIGNATURE_VERIFICATION_FAILED"));
}

/// Verifies a JWT with the `jose` of the page's own dependencies (`npm ci` brings it).
async fn jose(token: &str, secret: &str) -> Result<Value, String> {
    const SCRIPT: &str = "
        import { jwtVerify } from 'jose';
        const [token, secret] = JSON.parse(await new Response(process.stdin).text());
        const key = new TextEncoder().encode(secret);
        try { console.log(JSON.stringify(await jwtVerify(token, key, { algorithms: ['HS256'] }))) }
        catch (error) { console.error(error.code ?? error); process.exit(1) }";
    let mut node = tokio::process::Command::new("node")
        .args(["--input-type=module", "-e", SCRIPT])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node is needed, and `npm ci` at the root of the repository");
    let mut stdin = node.stdin.take().unwrap();
    stdin.write_all(json!([token, secret]).to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let output = node.wait_with_output().await.unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !complaint.contains("ERR_MODULE_NOT_FOUND"),
        "`jose` is not installed: run `npm ci`\n{complaint}"
    );
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    } else {
        Err(complaint)
    }
}
