//! Accounts over HTTP and at every door of a room, with the passwords' full price.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::wire::{Client, TestServer, encoded, eventually, listener::Listener, poller::Poller};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

const PASSWORD: &str = "correct horse";

/// A server with accounts in a file of its own.
struct Parlor {
    server: TestServer,
    dir: PathBuf,
}

impl Parlor {
    async fn start(more: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("parlor-accounts-http-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let server = Self::serve(&dir, more).await;
        Self { server, dir }
    }

    async fn serve(dir: &Path, more: &[&str]) -> TestServer {
        let url = format!("sqlite:{}/parlor.db", dir.display());
        TestServer::start(&[&["--database-url", &url], more].concat()).await
    }

    /// Another server that knows the same people.
    async fn beside(&self, more: &[&str]) -> TestServer {
        Self::serve(&self.dir, more).await
    }

    async fn ask(&self, method: Method, path: &str, token: Option<&str>, body: Value) -> Response {
        let request = reqwest::Client::new().request(method, self.server.url(path)).json(&body);
        let request = token.into_iter().fold(request, |request, token| request.header("cookie", format!("token={token}")));
        request.send().await.unwrap()
    }

    async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Response {
        self.ask(Method::POST, path, token, body).await
    }

    /// Registers and logs in.
    async fn member(&self, user: &str) -> String {
        let login = json!({"user": user, "password": PASSWORD});
        assert_eq!(self.post("/register", None, login.clone()).await.status(), 201);
        let answer: Value = self.post("/login", None, login).await.json().await.unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    async fn knock(&self, query: &str, header: Option<(&'static str, String)>) -> Result<Client, Error> {
        let mut request = Client::request(&self.server, query);
        if let Some((name, value)) = header {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        Client::upgrade(&self.server, request).await
    }

    async fn enter(&self, query: &str, token: &str) -> Client {
        self.knock(query, Some(("cookie", format!("token={token}")))).await.unwrap().welcomed().await
    }
}

impl Drop for Parlor {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

async fn refused(response: Response, status: u16, code: &str) {
    assert_eq!(response.status(), status, "{code}");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["code"], code, "{body}");
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()));
}

fn cookie(response: &Response) -> String {
    response.headers()["set-cookie"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_predecessors_flow_works_by_curl_to_the_letter() {
    let parlor = Parlor::start(&["--require-login", "true"]).await;
    let jar = parlor.dir.join("cookies.txt");
    let curl = async |path: &str, args: &[&str], body: &str| {
        let (url, dir) = (parlor.server.url(path), parlor.dir.clone());
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let body = body.to_owned();
        let run = move || {
            let json = ["-H", "Content-Type: application/json", "-d", &body, "-w", " %{http_code}", &url];
            Command::new("curl").current_dir(dir).args(["-s", "-X", "POST"]).args(args).args(json).output()
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let output = output.expect("these tests need curl: apt-get install curl");
        String::from_utf8(output.stdout).unwrap()
    };
    let login = r#"{"user":"alice","password":"secret123"}"#;
    assert_eq!(curl("/register", &[], login).await, r#"{"status":"registered"} 201"#);
    let answer = curl("/login", &["-c", "cookies.txt"], login).await;
    let (token, status) = answer.strip_prefix(r#"{"token":""#).unwrap().split_once("\"} ").unwrap();
    assert_eq!(status, "200");
    let jar = std::fs::read_to_string(jar).unwrap();
    let kept: Vec<&str> = jar.lines().find(|line| line.contains("\ttoken\t")).unwrap().split('\t').collect();
    assert!(kept[0].starts_with("#HttpOnly_") && kept[2] == "/" && kept[6] == token, "{jar}");

    let mut bob = parlor.enter("room=general", &parlor.member("bob").await).await;
    let mut alice = parlor.enter("room=general", kept[6]).await;
    assert_eq!(alice.welcome["user"], "alice");
    alice.send_text(r#"{"text":"Привет всем","typing":false}"#);
    alice.until("ack").await;
    let chat = bob.until("chat").await;
    assert_eq!(
        (&chat["text"], &chat["user"], &chat["room"], &chat["verified"]),
        (&json!("Привет всем"), &json!("alice"), &json!("general"), &json!(true))
    );
    match parlor.knock("room=general", None).await {
        Err(Error::Http(response)) => {
            assert_eq!(response.status(), 401);
            let body: Value = serde_json::from_slice(response.body().as_deref().unwrap()).unwrap();
            assert_eq!(body["code"], "login_required");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("let in without the cookie"),
    }
    // A page sees nothing of a refused upgrade: it is told over the socket.
    let own = format!("http://{}", parlor.server.address);
    let mut page = parlor.knock("room=general", Some(("origin", own))).await.unwrap();
    page.expect_error("login_required").await;
    page.expect_closing("login_required", 4401).await;
}

#[tokio::test]
async fn a_login_is_a_cookie_for_this_server_only_and_ends() {
    let parlor = Parlor::start(&[]).await;
    let login = json!({"user": "Ann", "password": PASSWORD});
    let response = parlor.post("/register", None, login.clone()).await;
    assert_eq!((response.status().as_u16(), response.headers()["cache-control"].to_str().unwrap()), (201, "no-store"));
    let ask = |name: &'static str, value: &str| {
        let request = reqwest::Client::new().post(parlor.server.url("/login")).header(name, value);
        let request = request.json(&login);
        async move { cookie(&request.send().await.unwrap()) }
    };
    let plain = ask("x-nothing", "at all").await;
    let (token, rest) = plain.strip_prefix("token=").unwrap().split_once(';').unwrap();
    assert_eq!(rest, " HttpOnly; SameSite=Lax; Path=/; Max-Age=43200");
    for (name, value) in [("x-forwarded-proto", "https"), ("x-forwarded-proto", "HTTPS, http")] {
        assert!(ask(name, value).await.contains("; Secure"), "{name}: {value}");
    }
    assert!(!ask("x-forwarded-proto", "http").await.contains("Secure"));

    let me = parlor.ask(Method::GET, "/me", Some(token), Value::Null).await;
    assert_eq!((me.status().as_u16(), me.headers()["cache-control"].to_str().unwrap()), (200, "no-store"));
    let me: Value = me.json().await.unwrap();
    assert!(me["user"] == "Ann" && me["createdAt"].as_str().unwrap().ends_with('Z') && me.as_object().unwrap().len() == 2);
    let bearer = reqwest::Client::new().get(parlor.server.url("/me")).bearer_auth(token).send().await.unwrap();
    assert_eq!(bearer.json::<Value>().await.unwrap(), me);

    let change = json!({"password": PASSWORD, "newPassword": "battery staple"});
    let changed = parlor.post("/me/password", Some(token), change).await;
    assert_eq!(changed.status(), 200);
    let kept = cookie(&changed);
    let fresh: Value = changed.json().await.unwrap();
    let fresh = fresh["token"].as_str().unwrap();
    assert!(kept.starts_with(&format!("token={fresh}; ")));
    refused(parlor.ask(Method::GET, "/me", Some(token), Value::Null).await, 401, "not_logged_in").await;

    let out = reqwest::Client::new().post(parlor.server.url("/logout")).bearer_auth(fresh).send().await.unwrap();
    assert_eq!((out.status().as_u16(), cookie(&out)), (204, "token=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0".to_owned()));
    refused(parlor.ask(Method::GET, "/me", Some(fresh), Value::Null).await, 401, "not_logged_in").await;
    assert_eq!(parlor.post("/logout", None, json!({"everywhere": true})).await.status(), 204, "nobody may log out");

    let again: Value =
        parlor.post("/login", None, json!({"user": "ann", "password": "battery staple"})).await.json().await.unwrap();
    let token = again["token"].as_str();
    refused(parlor.ask(Method::DELETE, "/me", token, json!({"password": PASSWORD})).await, 401, "wrong_login").await;
    assert_eq!(parlor.ask(Method::DELETE, "/me", token, json!({"password": "battery staple"})).await.status(), 204);
    refused(parlor.ask(Method::GET, "/me", token, Value::Null).await, 401, "not_logged_in").await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_and_nothing_else() {
    let parlor = Parlor::start(&[]).await;
    let token = parlor.member("Ann").await;
    let http = reqwest::Client::new();
    let login = |user: &str, password: &str| json!({"user": user, "password": password});
    for (path, body, status, code) in [
        ("/register", login("x", PASSWORD), 400, "bad_user"),
        ("/register", login("Bob", &"x".repeat(73)), 400, "bad_password"),
        ("/register", login("ANN", PASSWORD), 409, "name_taken"),
        ("/register", login("Аnn", PASSWORD), 409, "name_taken"),
        ("/register", json!({"user": "Bob"}), 400, "bad_frame"),
        ("/register", json!({"user": "Bob", "password": "x".repeat(5000)}), 413, "body_too_big"),
        ("/register", json!({"user": "Bob", "password": "x".repeat(70_000)}), 413, "body_too_big"),
        ("/login", login("Ann", "wrong horse"), 401, "wrong_login"),
        ("/login", login("nobody", "wrong horse"), 401, "wrong_login"),
        ("/login", login("' OR 1=1 --", "wrong horse"), 401, "wrong_login"),
        ("/me/password", json!({"password": PASSWORD, "newPassword": "x"}), 401, "not_logged_in"),
    ] {
        refused(parlor.post(path, None, body).await, status, code).await;
    }
    for path in ["/register", "/login", "/me/password", "/logout"] {
        let body = login("Mallory", PASSWORD).to_string();
        let post = || http.post(parlor.server.url(path)).header("cookie", format!("token={token}")).body(body.clone());
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            refused(post().header("content-type", kind).send().await.unwrap(), 415, "not_json").await;
        }
        for origin in ["https://evil.example", "null"] {
            let request = post().header("content-type", "application/json").header("origin", origin);
            refused(request.send().await.unwrap(), 403, "forbidden_origin").await;
        }
    }
    for path in ["/me/password", "/logout"] {
        let response = http.get(parlor.server.url(path)).send().await.unwrap();
        assert_eq!(response.headers()["allow"], "POST");
        refused(response, 405, "method_not_allowed").await;
    }
    let response = http.put(parlor.server.url("/me")).send().await.unwrap();
    assert_eq!(response.headers()["allow"], "GET, HEAD, DELETE");
    assert_eq!(parlor.ask(Method::GET, "/me", Some(&token), Value::Null).await.status(), 200, "and Ann is still there");
}

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
            let mark = |person: &Value| (person["user"].as_str().unwrap().to_owned(), person["verified"].as_bool());
            people.as_array().unwrap().iter().map(mark).collect()
        };
        assert_eq!(marks(&ann.welcome["members"]), [("Bob".to_owned(), None), ("Ann".to_owned(), Some(true))]);
        assert_eq!(bob.expect("joined").await["verified"], true);
        ann.say("hello", 1).await;
        assert_eq!(bob.expect("chat").await["verified"], true);
        bob.say("hi", 1).await;
        assert!(ann.until("chat").await.get("verified").is_none());

        let late = Client::join(&parlor.server, "general", "Late").await;
        assert_eq!(marks(&late.welcome["history"]), [("Ann".to_owned(), Some(true)), ("Bob".to_owned(), None)]);
        for name in ["Ann", "ann", "Аnn", "A\u{ad}nn"] {
            let mut guest = Client::open(&parlor.server, &format!("room=general&name={}", encoded(name))).await;
            guest.expect_error("name_taken").await;
            guest.expect_closing("name_taken", 4409).await;
        }

        let (id, ticket) = (ann.id().to_owned(), ann.ticket().to_owned());
        ann.drop_link();
        let back = |ticket: String| json!({"type": "resume", "ticket": ticket});
        let mut guest = Client::open(&parlor.server, "room=general&name=Eve&resume=1").await;
        guest.send(back(ticket.clone()));
        let guest = guest.welcomed().await;
        assert_eq!((&guest.welcome["user"], &guest.welcome["resumed"]), (&json!("Eve"), &json!(false)), "a ticket is no login");
        let query = "room=general&name=Ann&resume=1";
        let mut ann = parlor.knock(query, Some(("cookie", format!("token={token}")))).await.unwrap();
        ann.send(back(ticket));
        let ann = ann.welcomed().await;
        assert_eq!((ann.id(), &ann.welcome["resumed"], &ann.welcome["verified"]), (&*id, &json!(true), &json!(true)));
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
        refused(parlor.ask(Method::GET, "/me", Some(&bad), Value::Null).await, 401, "not_logged_in").await;
        match parlor.knock("room=general", Some(("authorization", format!("Bearer {bad}")))).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 401, "{what}"),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("let in: {what}"),
        }
        let guest = parlor.enter("room=general", &bad).await;
        assert!(guest.welcome["user"].as_str().unwrap().starts_with("Guest ") && guest.welcome.get("verified").is_none());
    }
}

/// A good token of another server.
async fn parlor_of_others() -> String {
    Parlor::start(&[]).await.member("Ann").await
}

/// Somebody asks at a door of a server, under a name.
type Knock = fn(&TestServer, &str) -> RequestBuilder;

fn get(server: &TestServer, path: &str) -> RequestBuilder {
    reqwest::Client::new().get(server.url(path))
}

fn post(server: &TestServer, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    reqwest::Client::new().post(server.url(path)).body(body)
}

/// As [`refused`], but told in words.
async fn turned_away(response: Response, status: u16, words: &str) {
    assert_eq!(response.status(), status, "{words}");
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(response.text().await.unwrap(), format!("{words}\n"));
}

/// Who is not logged in is told so at this door, and no guest gets in under a name that looks like Ann's;
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
        (knock(&parlor.server, "Eve"), 401, "login_required", "people must log in here before they join"),
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
            "this name, or one that looks like it, belongs to somebody else",
        ),
    ] {
        let response = request.send().await.unwrap();
        if at_a_terminal { turned_away(response, status, words).await } else { refused(response, status, code).await }
    }
    let answer = knock(&open, "Eve").send().await.unwrap();
    assert_eq!(answer.status(), 200, "guests are welcome where no login is required");
    let joined = guest.expect("joined").await;
    assert_eq!((&joined["user"], joined.get("verified")), (&json!("Eve"), None), "and nobody came before");

    let answer = knock(&parlor.server, "Somebody").header("cookie", format!("token={ann}")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let joined = watching.expect("joined").await;
    assert_eq!((&joined["user"], &joined["verified"]), (&json!("Ann"), &json!(true)));
    (parlor, answer, watching)
}

#[tokio::test]
async fn who_joins_to_poll_is_who_the_login_says() {
    let knock: Knock = |server, name| post(server, "/api/rooms/general/join", json!({ "name": name }).to_string());
    let (parlor, answer, _bob) = guarded(knock, false).await;
    let welcome: Value = answer.json().await.unwrap();
    assert_eq!((&welcome["user"], &welcome["verified"]), (&json!("Ann"), &json!(true)));

    // A room that the server names is no other door.
    let named = |name: &str| json!({ "name": name }).to_string();
    refused(post(&parlor.server, "/api/rooms", named("Eve")).send().await.unwrap(), 401, "login_required").await;
    let open = parlor.beside(&[]).await;
    refused(post(&open, "/api/rooms", named("ANN")).send().await.unwrap(), 409, "name_taken").await;
    let cy = parlor.member("Cy").await;
    let request = post(&parlor.server, "/api/rooms", named("Eve")).header("cookie", format!("token={cy}"));
    let welcome: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!((&welcome["user"], &welcome["verified"]), (&json!("Cy"), &json!(true)));
}

#[tokio::test]
async fn who_reads_events_is_who_the_login_says() {
    let knock: Knock = |server, name| get(server, &format!("/api/rooms/general/events?name={}", encoded(name)));
    let (_parlor, mut stream, _bob) = guarded(knock, false).await;
    let mut read = String::new();
    while !read.contains("\n\n") || !read.contains("data: ") {
        read.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().expect("a welcome")).unwrap());
    }
    assert!(read.contains(r#""user":"Ann","verified":true"#), "{read}");
}

#[tokio::test]
async fn who_reads_at_a_terminal_is_who_the_login_says() {
    let knock: Knock = |server, name| get(server, &format!("/r/general?name={}", encoded(name))).header("accept", "text/plain");
    let (_parlor, mut lines, _bob) = guarded(knock, true).await;
    let first = lines.chunk().await.unwrap().expect("a line");
    assert_eq!(first, "* You are Ann in general. Here: Bob, Ann\n");
}

#[tokio::test]
async fn who_speaks_at_a_terminal_is_who_the_login_says() {
    let knock: Knock = |server, name| post(server, &format!("/r/general?name={}", encoded(name)), "hello");
    let (_parlor, answer, mut bob) = guarded(knock, true).await;
    assert!(answer.text().await.unwrap().ends_with(" Ann: hello\n"));
    let chat = bob.expect("chat").await;
    assert_eq!((&chat["user"], &chat["verified"], &chat["text"]), (&json!("Ann"), &json!(true), &json!("hello")));
}

#[tokio::test]
async fn a_ticket_keeps_a_seat_when_the_login_has_ended_and_opens_none() {
    let redis = crate::support::redis::Server::start();
    let redis_url = redis.url();
    let video =
        ["--livekit-url", "wss://video.example.org", "--livekit-api-url", "ws://127.0.0.1:1", "--livekit-api-key", "devkey"];
    let video = [&video[..], &["--livekit-api-secret", "a secret that is long enough for HS256"]].concat();
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
        login.into_iter().fold(request, |request, login| request.header("cookie", format!("token={login}")))
    };

    let back: Value = join(&ann.ticket, Some(&login)).send().await.unwrap().json().await.unwrap();
    assert_eq!((&back["clientId"], &back["resumed"], &back["verified"]), (&json!(ann.id()), &json!(true), &json!(true)));
    assert_eq!(parlor.post("/logout", Some(&login), json!({"everywhere": true})).await.status(), 204);

    // What an open link may go on with, a ticket may, at any node.
    ann.base = parlor.server.url("");
    let polled = ann.poll(0).await.expect("the seat was at the other node");
    let marks: Vec<_> = polled["members"].as_array().unwrap().iter().map(|member| &member["verified"]).collect();
    assert_eq!(marks, [&json!(true), &json!(true)]);
    ann.base = other.url("");
    assert_eq!(ann.post("typing", r#"{"typing":true}"#).send().await.unwrap().status(), 204);
    assert_eq!(bob.expect("typing").await["user"], "Ann");
    ann.say("still here", 1).await;
    assert_eq!(bob.expect("chat").await["verified"], true);
    assert_eq!(ann.post("livekit-token", "").send().await.unwrap().status(), 200);

    // But it lets nobody in, neither into this seat nor out of it into another's.
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
        let by_header = parlor.knock(&format!("room=general{named}"), Some(("authorization", bearer.clone()))).await;
        let by_header = by_header.unwrap().welcomed().await;
        let mut by_frame = Client::open(&parlor.server, &format!("room=general&resume=1{named}")).await;
        by_frame.send(json!({"type": "resume", "ticket": ticket}));
        let by_frame = by_frame.welcomed().await;
        let wish = if name.is_empty() { json!({}) } else { json!({ "name": name }) };
        let by_join = Poller::join_at(&parlor.server.url(""), "general", wish, Some(&ticket)).await;
        let query = if name.is_empty() { String::new() } else { format!("?name={name}") };
        let by_stream = Listener::open(&parlor.server.url(""), "general", &query, Some(&ticket), None).await;
        [by_header.welcome.clone(), by_frame.welcome.clone(), by_join.welcome.clone(), by_stream.welcome.clone()]
    };
    for welcome in doors("").await {
        assert_eq!((&welcome["user"], &welcome["clientId"]), (&json!("Ann"), &json!(id)), "nobody has the name");
    }
    parlor.member("Ann").await;
    for name in ["", "Zed"] {
        for welcome in doors(name).await {
            let user = welcome["user"].as_str().unwrap();
            assert!(if name.is_empty() { user.starts_with("Guest ") } else { user == name }, "{welcome}");
            assert_eq!((&welcome["resumed"], welcome["clientId"] == *id), (&json!(false), false), "{welcome}");
        }
    }
}

#[tokio::test]
async fn a_page_is_told_who_asks_without_a_refusal() {
    let parlor = Parlor::start(&[]).await;
    let strict = parlor.beside(&["--require-login", "true"]).await;
    let ask = async |server: &TestServer, token: Option<&str>| -> Value {
        let request = token
            .into_iter()
            .fold(get(server, "/api/visitor"), |request, token| request.header("cookie", format!("token={token}")));
        let response = request.send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers()["cache-control"].to_str().unwrap()), (200, "no-store"));
        response.json().await.unwrap()
    };
    let token = parlor.member("Ann").await;
    assert_eq!(ask(&parlor.server, None).await, json!({"accounts": "optional"}));
    assert_eq!(ask(&strict, Some("no.good.token")).await, json!({"accounts": "required"}));
    assert_eq!(ask(&strict, Some(&token)).await, json!({"accounts": "required", "user": "Ann"}));
    let metrics = get(&parlor.server, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("parlor_password_hashes_total 2\n"), "to register and to log in: {metrics}");
    for path in ["/login", "/register", "/account"] {
        let page = get(&strict, path).header("accept", "text/html").send().await.unwrap();
        assert_eq!((page.status().as_u16(), page.headers()["content-type"].to_str().unwrap()), (200, "text/html; charset=utf-8"));
        assert_eq!(page.headers()["x-robots-tag"], "noindex");
    }
}

#[tokio::test]
async fn a_cookie_that_somebody_planted_ends_with_the_login() {
    let parlor = Parlor::start(&[]).await;
    let (mallory, ann) = (parlor.member("Mallory").await, parlor.member("Ann").await);
    let login = json!({"user": "Ann", "password": PASSWORD});
    let response = parlor.post("/login", Some(&mallory), login).await;
    let kept = cookie(&response);
    let fresh = kept.strip_prefix("token=").unwrap().split(';').next().unwrap();
    assert!(fresh != mallory && fresh != ann, "a token of one's own, each time");
    let name = async |token: &str| -> Value {
        parlor.ask(Method::GET, "/me", Some(token), Value::Null).await.json::<Value>().await.unwrap()["user"].clone()
    };
    assert_eq!((name(fresh).await, name(&mallory).await), (json!("Ann"), json!("Mallory")), "nobody becomes anybody else");
}

#[tokio::test]
async fn a_node_is_ready_without_its_database_unless_it_lets_nobody_in_then() {
    let parlor = Parlor::start(&[]).await;
    let strict = parlor.beside(&["--require-login", "true"]).await;
    for server in [&parlor.server, &strict] {
        assert_eq!(get(server, "/readyz").send().await.unwrap().status(), 200);
        server.accounts.as_ref().unwrap().close().await;
    }
    assert_eq!(get(&parlor.server, "/readyz").send().await.unwrap().status(), 200);
    Client::join(&parlor.server, "general", "").await;
    refused(get(&strict, "/readyz").send().await.unwrap(), 503, "accounts_unavailable").await;
}

#[tokio::test]
async fn without_a_database_there_are_no_accounts() {
    let server = TestServer::start(&[]).await;
    let http = reqwest::Client::new();
    let visitor: Value = get(&server, "/api/visitor").send().await.unwrap().json().await.unwrap();
    assert_eq!(visitor, json!({"accounts": "off"}));
    for (method, path) in [("POST", "/register"), ("POST", "/login"), ("POST", "/logout"), ("GET", "/me"), ("DELETE", "/me")] {
        let request = http.request(method.parse().unwrap(), server.url(path)).json(&json!({"user": "Ann", "password": PASSWORD}));
        refused(request.send().await.unwrap(), 404, "accounts_off").await;
    }
}
