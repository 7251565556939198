//! Accounts over HTTP: register, log in, log out.

use std::process::Command;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use super::{PASSWORD, Parlor, get, refused};
use crate::wire::{Client, TestServer};

fn cookie(response: &Response) -> String {
    response.headers()["set-cookie"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_predecessors_flow_works_by_curl_to_the_letter() {
    let parlor = Parlor::start(&["--require-login", "true"]).await;
    let jar = parlor.dir.join("cookies.txt");
    let curl = async |path: &str, args: &[&str], body: &str| {
        let (url, dir) = (parlor.server.url(path), parlor.dir.to_owned());
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let body = body.to_owned();
        let run = move || {
            let json =
                ["-H", "Content-Type: application/json", "-d", &body, "-w", " %{http_code}", &url];
            Command::new("curl")
                .current_dir(dir)
                .args(["-s", "-X", "POST"])
                .args(args)
                .args(json)
                .output()
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
    let kept: Vec<&str> =
        jar.lines().find(|line| line.contains("\ttoken\t")).unwrap().split('\t').collect();
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
    assert_eq!(
        (response.status().as_u16(), response.headers()["cache-control"].to_str().unwrap()),
        (201, "no-store")
    );
    let ask = |name: &'static str, value: &str| {
        let request =
            crate::support::http::client().post(parlor.server.url("/login")).header(name, value);
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
    assert_eq!(
        (me.status().as_u16(), me.headers()["cache-control"].to_str().unwrap()),
        (200, "no-store")
    );
    let me: Value = me.json().await.unwrap();
    assert!(
        me["user"] == "Ann"
            && me["createdAt"].as_str().unwrap().ends_with('Z')
            && me.as_object().unwrap().len() == 2
    );
    let bearer = crate::support::http::client()
        .get(parlor.server.url("/me"))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(bearer.json::<Value>().await.unwrap(), me);

    let change = json!({"password": PASSWORD, "newPassword": "battery staple"});
    let changed = parlor.post("/me/password", Some(token), change).await;
    assert_eq!(changed.status(), 200);
    let kept = cookie(&changed);
    let fresh: Value = changed.json().await.unwrap();
    let fresh = fresh["token"].as_str().unwrap();
    assert!(kept.starts_with(&format!("token={fresh}; ")));
    refused(parlor.ask(Method::GET, "/me", Some(token), Value::Null).await, 401, "not_logged_in")
        .await;

    let out = crate::support::http::client()
        .post(parlor.server.url("/logout"))
        .bearer_auth(fresh)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (out.status().as_u16(), cookie(&out)),
        (204, "token=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0".to_owned())
    );
    refused(parlor.ask(Method::GET, "/me", Some(fresh), Value::Null).await, 401, "not_logged_in")
        .await;
    assert_eq!(
        parlor.post("/logout", None, json!({"everywhere": true})).await.status(),
        204,
        "nobody may log out"
    );

    let again: Value = parlor
        .post("/login", None, json!({"user": "ann", "password": "battery staple"}))
        .await
        .json()
        .await
        .unwrap();
    let token = again["token"].as_str();
    refused(
        parlor.ask(Method::DELETE, "/me", token, json!({"password": PASSWORD})).await,
        401,
        "wrong_login",
    )
    .await;
    assert_eq!(
        parlor
            .ask(Method::DELETE, "/me", token, json!({"password": "battery staple"}))
            .await
            .status(),
        204
    );
    refused(parlor.ask(Method::GET, "/me", token, Value::Null).await, 401, "not_logged_in").await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_and_nothing_else() {
    let parlor = Parlor::start(&[]).await;
    let token = parlor.member("Ann").await;
    let http = crate::support::http::client();
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
        let post = || {
            http.post(parlor.server.url(path))
                .header("cookie", format!("token={token}"))
                .body(body.clone())
        };
        for kind in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
        {
            refused(post().header("content-type", kind).send().await.unwrap(), 415, "not_json")
                .await;
        }
        for origin in ["https://evil.example", "null"] {
            let request =
                post().header("content-type", "application/json").header("origin", origin);
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
    assert_eq!(
        parlor.ask(Method::GET, "/me", Some(&token), Value::Null).await.status(),
        200,
        "and Ann is still there"
    );
}

#[tokio::test]
async fn a_page_is_told_who_asks_without_a_refusal() {
    let parlor = Parlor::start(&[]).await;
    let strict = parlor.beside(&["--require-login", "true"]).await;
    let ask = async |server: &TestServer, token: Option<&str>| -> Value {
        let request = token.into_iter().fold(get(server, "/api/visitor"), |request, token| {
            request.header("cookie", format!("token={token}"))
        });
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["cache-control"].to_str().unwrap()),
            (200, "no-store")
        );
        response.json().await.unwrap()
    };
    let token = parlor.member("Ann").await;
    assert_eq!(ask(&parlor.server, None).await, json!({"accounts": "optional"}));
    assert_eq!(ask(&strict, Some("no.good.token")).await, json!({"accounts": "required"}));
    assert_eq!(ask(&strict, Some(&token)).await, json!({"accounts": "required", "user": "Ann"}));
    let metrics = get(&parlor.server, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(
        metrics.contains("parlor_password_hashes_total 2\n"),
        "to register and to log in: {metrics}"
    );
    for path in ["/login", "/register", "/account"] {
        let page = get(&strict, path).header("accept", "text/html").send().await.unwrap();
        assert_eq!(
            (page.status().as_u16(), page.headers()["content-type"].to_str().unwrap()),
            (200, "text/html; charset=utf-8")
        );
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
        parlor
            .ask(Method::GET, "/me", Some(token), Value::Null)
            .await
            .json::<Value>()
            .await
            .unwrap()["user"]
            .clone()
    };
    assert_eq!(
        (name(fresh).await, name(&mallory).await),
        (json!("Ann"), json!("Mallory")),
        "nobody becomes anybody else"
    );
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
    let http = crate::support::http::client();
    let visitor: Value = get(&server, "/api/visitor").send().await.unwrap().json().await.unwrap();
    assert_eq!(visitor, json!({"accounts": "off"}));
    for (method, path) in [
        ("POST", "/register"),
        ("POST", "/login"),
        ("POST", "/logout"),
        ("GET", "/me"),
        ("DELETE", "/me"),
    ] {
        let request = http
            .request(method.parse().unwrap(), server.url(path))
            .json(&json!({"user": "Ann", "password": PASSWORD}));
        refused(request.send().await.unwrap(), 404, "accounts_off").await;
    }
}
