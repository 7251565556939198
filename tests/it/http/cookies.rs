//! Cookies: those of other programs at the same host, and what a proxy says of TLS.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::{
    support::{dir::Dir, nginx, port},
    wire::{Client, TestServer},
};

const PASSWORD: &str = "correct horse";

/// Another program's cookies: no text, no token, and tokens that another program signed.
const FOREIGN: &[u8] = b"lang=fran\xe7ais; name=Zo\xc3\xab; token=xyz; token=\xff\xfe; \
    token=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

struct Parlor {
    server: TestServer,
    /// Deleted with the server.
    _dir: Dir,
}

impl Parlor {
    async fn start() -> Self {
        let dir = Dir::new();
        let server = TestServer::start(&["--database-url", &dir.sqlite()]).await;
        Self { server, _dir: dir }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        cookie: &[u8],
        more: &[(&str, &str)],
        body: Value,
    ) -> Response {
        let request =
            crate::support::http::client().request(method, self.server.url(path)).json(&body);
        let request = if cookie.is_empty() { request } else { request.header("cookie", cookie) };
        more.iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .send()
            .await
            .unwrap()
    }

    async fn login(&self, user: &str, cookie: &[u8], more: &[(&str, &str)]) -> Response {
        let response = self
            .ask(Method::POST, "/login", cookie, more, json!({"user": user, "password": PASSWORD}))
            .await;
        assert_eq!(response.status(), 200);
        response
    }

    /// Registers and logs in.
    async fn member(&self, user: &str) -> String {
        let body = json!({"user": user, "password": PASSWORD});
        assert_eq!(self.ask(Method::POST, "/register", b"", &[], body).await.status(), 201);
        let answer: Value = self.login(user, b"", &[]).await.json().await.unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    /// Who the server says that these cookies are, in every place where it is asked.
    async fn user(&self, cookie: &[u8]) -> Option<String> {
        let visitor: Value = self
            .ask(Method::GET, "/api/visitor", cookie, &[], Value::Null)
            .await
            .json()
            .await
            .unwrap();
        let me: Value =
            self.ask(Method::GET, "/me", cookie, &[], Value::Null).await.json().await.unwrap();
        let mut request = Client::request(&self.server, "room=r");
        request.headers_mut().insert("cookie", cookie.try_into().unwrap());
        let socket = Client::upgrade(&self.server, request).await.unwrap().welcomed().await.welcome;
        let joined: Value = self
            .ask(Method::POST, "/api/rooms/r/join", cookie, &[], json!({}))
            .await
            .json()
            .await
            .unwrap();
        let said = crate::support::http::client()
            .post(self.server.url("/r/r"))
            .header("cookie", cookie)
            .body("hi")
            .send()
            .await
            .unwrap();
        let said = said.text().await.unwrap();
        let user = visitor["user"].as_str().map(str::to_owned);
        assert_eq!(me["user"], visitor["user"]);
        for welcome in [socket, joined] {
            assert_eq!(welcome["verified"].as_bool(), user.as_ref().map(|_| true), "{welcome}");
            assert!(user.as_ref().is_none_or(|user| welcome["user"] == **user), "{welcome}");
        }
        let name = user.as_deref().map_or(" Guest ".to_owned(), |user| format!(" {user}: hi"));
        assert!(said.contains(&name) && said.ends_with(": hi\n"), "{said}");
        user
    }
}

/// Name, value and the rest of each cookie that is set.
fn set(response: &Response) -> Vec<(String, String, String)> {
    let lines = response.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let parts = lines.map(|line| {
        let (pair, rest) = line.split_once("; ").unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned(), rest.to_owned())
    });
    parts.collect()
}

fn with(foreign: &[u8], own: &str) -> Vec<u8> {
    [foreign, b"; ", own.as_bytes()].concat()
}

#[tokio::test]
async fn cookies_of_other_programs_log_nobody_out() {
    let parlor = Parlor::start().await;
    let (ann, bob) = (parlor.member("Ann").await, parlor.member("Bob").await);
    let user = async |cookie: Vec<u8>| parlor.user(&cookie).await;
    assert_eq!(user(with(FOREIGN, &format!("token={ann}"))).await.as_deref(), Some("Ann"));
    assert_eq!(
        user(with(format!("token={ann}").as_bytes(), "token=xyz")).await.as_deref(),
        Some("Ann")
    );
    assert_eq!(user(with(FOREIGN, &format!("__Host-parlor={bob}"))).await.as_deref(), Some("Bob"));
    assert_eq!(
        user(format!("token={ann}; __Host-parlor={bob}").into_bytes()).await.as_deref(),
        Some("Bob")
    );
    assert_eq!(
        user(format!("token={ann}; __Host-parlor=a.b.c").into_bytes()).await.as_deref(),
        Some("Ann")
    );
    assert_eq!(user(FOREIGN.to_vec()).await, None);

    // A token that is over stands before one that is good.
    assert_eq!(
        parlor
            .ask(Method::POST, "/logout", format!("token={bob}").as_bytes(), &[], json!({}))
            .await
            .status(),
        204
    );
    assert_eq!(
        user(format!("__Host-parlor={bob}; token={ann}").into_bytes()).await.as_deref(),
        Some("Ann")
    );
    let events = "__Host-parlor=x; token=".to_owned() + &ann;
    let stream = crate::support::http::client()
        .get(parlor.server.url("/api/rooms/r/events"))
        .header("cookie", &events);
    let mut stream = stream.send().await.unwrap();
    let mut read = String::new();
    while !read.contains(r#""type":"welcome""#) {
        read.push_str(
            std::str::from_utf8(&stream.chunk().await.unwrap().expect("a welcome")).unwrap(),
        );
    }
    assert!(read.contains(r#""user":"Ann","verified":true"#), "{read}");

    // The password is changed, and the account deleted, by the good one as well.
    let cookie = with(FOREIGN, &format!("token={ann}"));
    let change = json!({"password": PASSWORD, "newPassword": "battery staple"});
    let changed = parlor.ask(Method::POST, "/me/password", &cookie, &[], change).await;
    assert_eq!(changed.status(), 200);
    let cookie = with(FOREIGN, &format!("token={}", set(&changed)[0].1));
    let delete = json!({"password": "battery staple"});
    assert_eq!(parlor.ask(Method::DELETE, "/me", &cookie, &[], delete).await.status(), 204);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_this_hosts_alone() {
    let parlor = Parlor::start().await;
    let old = parlor.member("Ann").await;
    let tls = [("x-forwarded-proto", "https")];
    let own = "HttpOnly; SameSite=Lax; ";
    let forgotten = |name: &str, secure: &str| {
        (name.to_owned(), String::new(), format!("{own}{secure}Path=/; Max-Age=0"))
    };

    let response = parlor.login("Ann", format!("token={old}").as_bytes(), &tls).await;
    let kept = set(&response);
    let token = response.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
    let first =
        ("__Host-parlor".to_owned(), token.clone(), format!("{own}Secure; Path=/; Max-Age=43200"));
    assert_eq!(kept, [first.clone(), forgotten("token", "")], "the stale one goes");
    // A browser that says where it is does as well as a proxy that says how it came.
    let host = parlor.server.address.to_string();
    let origin = [("origin", &*format!("https://{host}")), ("host", &*host)];
    assert_eq!(set(&parlor.login("Ann", b"", &origin).await)[0].0, "__Host-parlor");
    assert_eq!(
        set(&parlor.login("Ann", FOREIGN, &tls).await).len(),
        1,
        "another program's cookie is left alone"
    );

    // Plain HTTP as ever; a browser would take no secure name there.
    let kept = set(&parlor.login("Ann", b"", &[]).await);
    assert_eq!(
        (kept.len(), &*kept[0].0, &*kept[0].2),
        (1, "token", &*format!("{own}Path=/; Max-Age=43200"))
    );
    let both = format!("token={old}; __Host-parlor={token}");
    assert_eq!(
        set(&parlor.login("Ann", both.as_bytes(), &[]).await)[1],
        forgotten("__Host-parlor", "Secure; ")
    );

    let out = parlor.ask(Method::POST, "/logout", both.as_bytes(), &tls, json!({})).await;
    assert_eq!(out.status(), 204);
    assert_eq!(set(&out), [forgotten("__Host-parlor", "Secure; "), forgotten("token", "")]);
    for ended in [&old, &token] {
        assert_eq!(parlor.user(format!("token={ended}").as_bytes()).await, None, "both are over");
    }
    let out = set(&parlor.ask(Method::POST, "/logout", b"", &[], json!({})).await);
    assert_eq!(out, [forgotten("token", ""), forgotten("__Host-parlor", "Secure; ")]);
    let out = set(&parlor.ask(Method::POST, "/logout", FOREIGN, &tls, json!({})).await);
    assert_eq!(out, [forgotten("__Host-parlor", "Secure; ")]);
}

#[tokio::test]
async fn what_an_outer_proxy_says_of_tls_passes_the_nginx_that_is_shipped() {
    let parlor = Parlor::start().await;
    parlor.member("Ann").await;
    let nginx = nginx::Nginx::start(port::free_port(), [parlor.server.address]);
    let login = async |header: (&'static str, &str)| {
        let request = crate::support::http::client()
            .post(format!("http://{}/login", nginx.address))
            .header(header.0, header.1);
        request.json(&json!({"user": "Ann", "password": PASSWORD})).send().await
    };
    crate::wire::within_patience("an answer", async || login(("x-forwarded-proto", "http")).await)
        .await;
    for (proto, name) in [("https", "__Host-parlor"), ("http", "token")] {
        let kept = set(&login(("x-forwarded-proto", proto)).await.unwrap());
        assert_eq!(
            (&*kept[0].0, kept[0].2.contains("Secure")),
            (name, proto == "https"),
            "{proto}"
        );
    }
    let kept = set(&login(("x-nothing", "at all")).await.unwrap());
    assert_eq!(kept[0].0, "token", "NGINX was reached by plain HTTP itself");
}
