//! Names and logins at every address that lets a client into a room.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use super::{Parlor, get, refused};
use crate::wire::{Client, TestServer, encoded, eventually, listener::Listener, poller::Poller};

#[tokio::test]
async fn a_name_is_verified_wherever_rooms_live() {
    let redis = crate::support::redis::Server::start();
    for more in [&[][..], &["--redis-url", &redis.url()]] {
        let parlor = Parlor::start(more).await;
        let token = parlor.member("Ann").await;
        let mut bob = Client::join(&parlor.server, "general", "Bob").await;
        let mut ann = parlor.enter("room=general&name=Somebody", &token).await;
        assert_eq!((&ann.welcome["user"], &ann.welcome["verified"]), (&json!("Ann"), &json!(true)));
        let marks = |people: &Value| -> Vec<(String, Option<bool>)> {
            let mark = |person: &Value| {
                (person["user"].as_str().unwrap().to_owned(), person["verified"].as_bool())
            };
            people.as_array().unwrap().iter().map(mark).collect()
        };
        assert_eq!(
            marks(&ann.welcome["members"]),
            [("Bob".to_owned(), None), ("Ann".to_owned(), Some(true))]
        );
        assert_eq!(bob.expect("joined").await["verified"], true);
        ann.publish("hello", 1).await;
        assert_eq!(bob.expect("chat").await["verified"], true);
        bob.publish("hi", 1).await;
        assert!(ann.until("chat").await.get("verified").is_none());

        let late = Client::join(&parlor.server, "general", "Late").await;
        assert_eq!(
            marks(&late.welcome["history"]),
            [("Ann".to_owned(), Some(true)), ("Bob".to_owned(), None)]
        );
        for name in ["Ann", "ann", "Аnn", "A\u{ad}nn"] {
            let mut guest =
                Client::open(&parlor.server, &format!("room=general&name={}", encoded(name))).await;
            guest.expect_error("name_taken").await;
            guest.expect_closing("name_taken", 4409).await;
        }

        let (id, ticket) = (ann.id().to_owned(), ann.ticket().to_owned());
        ann.drop_link();
        let back = |ticket: String| json!({"type": "resume", "ticket": ticket});
        let mut guest = Client::open(&parlor.server, "room=general&name=Eve&resume=1").await;
        guest.send(back(ticket.clone()));
        let guest = guest.welcomed().await;
        assert_eq!(
            (&guest.welcome["user"], &guest.welcome["resumed"]),
            (&json!("Eve"), &json!(false)),
            "a ticket is no login"
        );
        let query = "room=general&name=Ann&resume=1";
        let mut ann =
            parlor.knock(query, Some(("cookie", format!("token={token}")))).await.unwrap();
        ann.send(back(ticket));
        let ann = ann.welcomed().await;
        assert_eq!(
            (ann.id(), &ann.welcome["resumed"], &ann.welcome["verified"]),
            (&*id, &json!(true), &json!(true))
        );
    }
}

#[tokio::test]
async fn a_token_that_is_no_good_opens_no_room_as_somebody() {
    let parlor = Parlor::start(&[]).await;
    let token = parlor.member("Ann").await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let body = signed.split_once('.').unwrap().1;
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.");
    let other = parlor_of_others().await;
    assert_eq!(parlor.post("/logout", Some(&token), json!({})).await.status(), 204);
    for (what, bad) in [
        ("alg=none", none),
        ("another header", format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.{signature}")),
        ("another key", other),
        ("given back", token.clone()),
    ] {
        refused(
            parlor.ask(Method::GET, "/me", Some(&bad), Value::Null).await,
            401,
            "not_logged_in",
        )
        .await;
        match parlor.knock("room=general", Some(("authorization", format!("Bearer {bad}")))).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 401, "{what}"),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("let in: {what}"),
        }
        let guest = parlor.enter("room=general", &bad).await;
        assert!(
            guest.welcome["user"].as_str().unwrap().starts_with("Guest ")
                && guest.welcome.get("verified").is_none()
        );
    }
}

/// A good token of another server.
async fn parlor_of_others() -> String {
    Parlor::start(&[]).await.member("Ann").await
}

/// A request to join at one of the addresses, under a name.
type Knock = fn(&TestServer, &str) -> RequestBuilder;

fn post(server: &TestServer, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    crate::support::http::client().post(server.url(path)).body(body)
}

/// As [`refused`], but told in words.
async fn turned_away(response: Response, status: u16, words: &str) {
    assert_eq!(response.status(), status, "{words}");
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(response.text().await.unwrap(), format!("{words}\n"));
}

/// Who is not logged in is told so at this address, and no guest gets in under a name that looks like Ann's;
/// but she does, whatever name she gives. Gives what she was answered, and Bob, who saw her come.
async fn guarded(knock: Knock, at_a_terminal: bool) -> (Parlor, Response, Client) {
    let parlor = Parlor::start(&["--require-login", "true"]).await;
    let (ann, bob) = (parlor.member("Ann").await, parlor.member("Bob").await);
    let mut watching = parlor.enter("room=general", &bob).await;
    assert_eq!(parlor.post("/logout", Some(&bob), json!({})).await.status(), 204);
    let open = parlor.beside(&[]).await;
    let mut guest = Client::join(&open, "general", "Guest").await;
    let ended = format!("token={bob}");
    for (request, status, code, words) in [
        (
            knock(&parlor.server, "Eve"),
            401,
            "login_required",
            "people must log in here before they join",
        ),
        (
            knock(&parlor.server, "Eve").header("cookie", &ended),
            401,
            "login_required",
            "people must log in here before they join",
        ),
        (
            knock(&parlor.server, "Eve").bearer_auth(&bob),
            401,
            "not_logged_in",
            "you are not logged in: POST /login gives a token",
        ),
        (
            knock(&open, "Аnn").header("cookie", &ended),
            409,
            "name_taken",
            "this name, or one that looks like it, belongs to another account",
        ),
    ] {
        let response = request.send().await.unwrap();
        if at_a_terminal {
            turned_away(response, status, words).await
        } else {
            refused(response, status, code).await
        }
    }
    let answer = knock(&open, "Eve").send().await.unwrap();
    assert_eq!(answer.status(), 200, "guests are welcome where no login is required");
    let joined = guest.expect("joined").await;
    assert_eq!(
        (&joined["user"], joined.get("verified")),
        (&json!("Eve"), None),
        "and nobody came before"
    );

    let answer = knock(&parlor.server, "Somebody")
        .header("cookie", format!("token={ann}"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let joined = watching.expect("joined").await;
    assert_eq!((&joined["user"], &joined["verified"]), (&json!("Ann"), &json!(true)));
    (parlor, answer, watching)
}

#[tokio::test]
async fn who_joins_to_poll_is_who_the_login_says() {
    let knock: Knock =
        |server, name| post(server, "/api/rooms/general/join", json!({ "name": name }).to_string());
    let (parlor, answer, _bob) = guarded(knock, false).await;
    let welcome: Value = answer.json().await.unwrap();
    assert_eq!((&welcome["user"], &welcome["verified"]), (&json!("Ann"), &json!(true)));

    // A room that the server names is no exception.
    let named = |name: &str| json!({ "name": name }).to_string();
    refused(
        post(&parlor.server, "/api/rooms", named("Eve")).send().await.unwrap(),
        401,
        "login_required",
    )
    .await;
    let open = parlor.beside(&[]).await;
    refused(post(&open, "/api/rooms", named("ANN")).send().await.unwrap(), 409, "name_taken").await;
    let cy = parlor.member("Cy").await;
    let request =
        post(&parlor.server, "/api/rooms", named("Eve")).header("cookie", format!("token={cy}"));
    let welcome: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!((&welcome["user"], &welcome["verified"]), (&json!("Cy"), &json!(true)));
}

#[tokio::test]
async fn who_reads_events_is_who_the_login_says() {
    let knock: Knock =
        |server, name| get(server, &format!("/api/rooms/general/events?name={}", encoded(name)));
    let (_parlor, mut stream, _bob) = guarded(knock, false).await;
    let mut read = String::new();
    while !read.contains("\n\n") || !read.contains("data: ") {
        read.push_str(
            std::str::from_utf8(&stream.chunk().await.unwrap().expect("a welcome")).unwrap(),
        );
    }
    assert!(read.contains(r#""user":"Ann","verified":true"#), "{read}");
}

#[tokio::test]
async fn who_reads_at_a_terminal_is_who_the_login_says() {
    let knock: Knock = |server, name| {
        get(server, &format!("/r/general?name={}", encoded(name))).header("accept", "text/plain")
    };
    let (_parlor, mut lines, _bob) = guarded(knock, true).await;
    let first = lines.chunk().await.unwrap().expect("a line");
    assert_eq!(first, "* You are Ann in general. Here: Bob, Ann\n");
}

#[tokio::test]
async fn who_speaks_at_a_terminal_is_who_the_login_says() {
    let knock: Knock =
        |server, name| post(server, &format!("/r/general?name={}", encoded(name)), "hello");
    let (_parlor, answer, mut bob) = guarded(knock, true).await;
    assert!(answer.text().await.unwrap().ends_with(" Ann: hello\n"));
    let chat = bob.expect("chat").await;
    assert_eq!(
        (&chat["user"], &chat["verified"], &chat["text"]),
        (&json!("Ann"), &json!(true), &json!("hello"))
    );
}

#[tokio::test]
async fn a_ticket_keeps_a_seat_when_the_login_has_ended_and_opens_none() {
    let redis = crate::support::redis::Server::start();
    let redis_url = redis.url();
    let video = [
        "--livekit-url",
        "wss://video.example.org",
        "--livekit-api-url",
        "ws://127.0.0.1:1",
        "--livekit-api-key",
        "devkey",
    ];
    let video =
        [&video[..], &["--livekit-api-secret", "a secret that is long enough for HS256"]].concat();
    let more = [&video[..], &["--redis-url", &redis_url, "--require-login", "true"]].concat();
    let parlor = Parlor::start(&more).await;
    let other = parlor.beside(&more).await;
    eventually("Redis in reach", || parlor.server.hub.ready() && other.hub.ready()).await;
    let (login, bobs) = (parlor.member("Ann").await, parlor.member("Bob").await);
    let mut bob = parlor.enter("room=general", &bobs).await;
    let mut ann = Poller::join_at(&parlor.server.url(""), "general", json!({}), Some(&login)).await;
    assert_eq!(bob.expect("joined").await["verified"], true);
    let join = |ticket: &str, login: Option<&str>| {
        let request = post(&other, "/api/rooms/general/join", "").bearer_auth(ticket);
        login
            .into_iter()
            .fold(request, |request, login| request.header("cookie", format!("token={login}")))
    };

    let back: Value = join(&ann.ticket, Some(&login)).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&back["clientId"], &back["resumed"], &back["verified"]),
        (&json!(ann.id()), &json!(true), &json!(true))
    );
    assert_eq!(
        parlor.post("/logout", Some(&login), json!({"everywhere": true})).await.status(),
        204
    );

    // What an open link may go on with, a ticket may, at any node.
    ann.base = parlor.server.url("");
    let polled = ann.poll(0).await.expect("the seat was at the other node");
    let marks: Vec<_> =
        polled["members"].as_array().unwrap().iter().map(|member| &member["verified"]).collect();
    assert_eq!(marks, [&json!(true), &json!(true)]);
    ann.base = other.url("");
    assert_eq!(ann.post("typing", r#"{"typing":true}"#).send().await.unwrap().status(), 204);
    assert_eq!(bob.expect("typing").await["user"], "Ann");
    ann.publish("still here", 1).await;
    assert_eq!(bob.expect("chat").await["verified"], true);
    assert_eq!(ann.post("livekit-token", "").send().await.unwrap().status(), 200);

    // But it opens no room, neither into this seat nor out of it into another's.
    refused(join(&ann.ticket, None).send().await.unwrap(), 401, "login_required").await;
    refused(join(&ann.ticket, Some(&login)).send().await.unwrap(), 401, "login_required").await;
    let others: Value = join(&ann.ticket, Some(&bobs)).send().await.unwrap().json().await.unwrap();
    assert_eq!((&others["user"], &others["resumed"]), (&json!("Bob"), &json!(false)));
    assert_ne!(others["clientId"], ann.id());

    let (ticket, cursor) = (ann.ticket.clone(), ann.cursor.clone());
    let url = |what: &str| format!("/api/rooms/general/{what}");
    ann.leave().await;
    for request in [
        get(&other, &url(&format!("messages?after={cursor}"))),
        post(&other, &url("messages"), r#"{"text":"and still"}"#),
        post(&other, &url("typing"), r#"{"typing":true}"#),
        post(&other, &url("livekit-token"), ""),
    ] {
        refused(request.bearer_auth(&ticket).send().await.unwrap(), 403, "not_member").await;
    }
}

#[tokio::test]
async fn a_guests_ticket_opens_no_door_under_a_name_that_was_registered_since() {
    let parlor = Parlor::start(&[]).await;
    let _bob = Client::join(&parlor.server, "general", "Bob").await;
    let ann = Client::join(&parlor.server, "general", "Ann").await;
    let (id, ticket) = (ann.id().to_owned(), ann.ticket().to_owned());
    ann.drop_link();
    let doors = async |name: &str| {
        let named = if name.is_empty() { String::new() } else { format!("&name={name}") };
        let bearer = format!("Bearer {ticket}");
        let by_header = parlor
            .knock(&format!("room=general{named}"), Some(("authorization", bearer.clone())))
            .await;
        let by_header = by_header.unwrap().welcomed().await;
        let mut by_frame =
            Client::open(&parlor.server, &format!("room=general&resume=1{named}")).await;
        by_frame.send(json!({"type": "resume", "ticket": ticket}));
        let by_frame = by_frame.welcomed().await;
        let wish = if name.is_empty() { json!({}) } else { json!({ "name": name }) };
        let by_join = Poller::join_at(&parlor.server.url(""), "general", wish, Some(&ticket)).await;
        let query = if name.is_empty() { String::new() } else { format!("?name={name}") };
        let by_stream =
            Listener::open(&parlor.server.url(""), "general", &query, Some(&ticket), None).await;
        [
            by_header.welcome.clone(),
            by_frame.welcome.clone(),
            by_join.welcome.clone(),
            by_stream.welcome.clone(),
        ]
    };
    for welcome in doors("").await {
        assert_eq!(
            (&welcome["user"], &welcome["clientId"]),
            (&json!("Ann"), &json!(id)),
            "nobody has the name"
        );
    }
    parlor.member("Ann").await;
    for name in ["", "Zed"] {
        for welcome in doors(name).await {
            let user = welcome["user"].as_str().unwrap();
            assert!(
                if name.is_empty() { user.starts_with("Guest ") } else { user == name },
                "{welcome}"
            );
            assert_eq!(
                (&welcome["resumed"], welcome["clientId"] == *id),
                (&json!(false), false),
                "{welcome}"
            );
        }
    }
}
