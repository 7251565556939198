//! The call beside the room, on a real LiveKit: who is in it is told, who leaves is put out, a room that is
//! over takes its call along, and whatever LiveKit does, chat goes on.

use crate::support::redis;

use crate::wire::{
    Client, TestServer, eventually,
    listener::Listener,
    livekit::{LiveKit, report_of, reports, signed},
    poller::Poller,
    within_patience,
};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;

pub(super) async fn both() -> (LiveKit, TestServer) {
    let mut livekit = LiveKit::reserve();
    let settings = livekit.settings();
    let server = TestServer::start(&settings.iter().map(String::as_str).collect::<Vec<_>>()).await;
    livekit.start(&server.url("/livekit/webhook")).await;
    (livekit, server)
}

/// Two nodes with one Redis, and the LiveKit that is to be started.
async fn two_nodes(more: &[&str]) -> (redis::Server, LiveKit, [TestServer; 2]) {
    let (redis, livekit) = (redis::Server::start(), LiveKit::reserve());
    let (settings, url) = (livekit.settings(), redis.url());
    let mut args: Vec<&str> = settings.iter().map(String::as_str).collect();
    args.extend(["--redis-url", &url]);
    args.extend(more);
    let nodes = [TestServer::start(&args).await, TestServer::start(&args).await];
    eventually("Redis in reach", || nodes.iter().all(|node| node.hub.ready())).await;
    (redis, livekit, nodes)
}

/// Comes to the call as a browser does; its media is not needed here.
pub(super) async fn call(livekit: &LiveKit, who: &mut Client) -> WebSocketStream<TcpStream> {
    let answer = who.send(json!({"type": "livekit-token"})).until("livekit-token").await;
    dial(livekit, &answer).await
}

/// The same for who has no socket: they poll until they are there, however long LiveKit takes, and no longer.
async fn call_by_request(livekit: &LiveKit, who: &mut Poller) -> WebSocketStream<TcpStream> {
    let answer = who.post("livekit-token", "").send().await.unwrap().json().await.unwrap();
    let polling = async {
        loop {
            who.poll(1).await;
        }
    };
    tokio::select! {
        socket = dial(livekit, &answer) => socket,
        () = polling => unreachable!(),
    }
}

async fn dial(livekit: &LiveKit, answer: &Value) -> WebSocketStream<TcpStream> {
    let [room, identity, token] =
        ["room", "identity", "token"].map(|field| answer[field].as_str().unwrap());
    let socket = livekit.dial(token).await.unwrap();
    within_patience("LiveKit has them", async || {
        if callers(livekit, room).await.iter().any(|them| them == identity) {
            Ok(())
        } else {
            Err(())
        }
    })
    .await;
    socket
}

/// Who is in the call, as LiveKit says.
pub(super) async fn callers(livekit: &LiveKit, room: &str) -> Vec<String> {
    let there = livekit.rooms().list_participants(room).await.unwrap_or_default();
    there.into_iter().map(|them| them.identity).collect()
}

fn report(event: &str, who: &Client, at: u64) -> String {
    report_of(event, who.room(), who.id(), at)
}

/// The members in the call, as a new member is told.
async fn in_call(server: &TestServer, room: &str) -> Vec<Value> {
    let newcomer = Client::join(server, room, "Newcomer").await;
    let members = newcomer.welcome["members"].as_array().unwrap().clone();
    newcomer.leave().await;
    members
        .iter()
        .filter(|member| member["inCall"] == true)
        .map(|member| member["clientId"].clone())
        .collect()
}

#[tokio::test]
async fn last_one_who_leaves_takes_the_call_along() {
    let (livekit, server) = both().await;
    let (mut ann, bob) = (
        Client::join(&server, "комната", "Ann").await,
        Client::join(&server, "комната", "Bob").await,
    );
    let _call = call(&livekit, &mut ann).await;
    let rooms = livekit.rooms();
    assert_eq!(rooms.list_rooms(Vec::new()).await.unwrap().len(), 1);
    ann.leave().await;
    within_patience("who left the room is put out of the call", async || {
        let there = rooms.list_participants("комната").await.map_err(|_| ())?;
        there.is_empty().then_some(()).ok_or(())
    })
    .await;
    assert_eq!(
        rooms.list_rooms(Vec::new()).await.unwrap().len(),
        1,
        "Bob is there and may call again"
    );
    bob.leave().await;
    within_patience("the call has gone with the room", async || {
        rooms.list_rooms(Vec::new()).await.unwrap().is_empty().then_some(()).ok_or(())
    })
    .await;
}

#[tokio::test]
async fn who_comes_to_the_call_with_the_token_of_an_earlier_seat_is_put_out() {
    let (livekit, server) = both().await;
    let (mut ann, bob) = (
        Client::join(&server, "general", "Ann").await,
        Client::join(&server, "general", "Bob").await,
    );
    let answer = ann.send(json!({"type": "livekit-token"})).until("livekit-token").await;
    let came = report("participant_joined", &ann, 1_700_000_000_000);
    ann.leave().await;
    let _socket = livekit.dial(answer["token"].as_str().unwrap()).await.unwrap();
    let rooms = livekit.rooms();
    let there =
        async || rooms.list_participants("general").await.map(|there| there.len()).unwrap_or(0);
    within_patience("LiveKit takes the token", async || {
        (there().await == 1).then_some(()).ok_or(())
    })
    .await;
    // LiveKit reports only those whose media flows; this is the report it would send.
    assert_eq!(reports(&server, &came, &signed(&came, &livekit.secret)).await, 200);
    within_patience("they are put out", async || (there().await == 0).then_some(()).ok_or(()))
        .await;
    assert_eq!(in_call(&server, bob.room()).await, [] as [Value; 0]);
}

#[tokio::test]
async fn who_has_no_socket_hears_of_the_call_and_is_put_out_after_leaving_or_falling_silent() {
    let mut livekit = LiveKit::reserve();
    let settings = livekit.settings();
    let mut args: Vec<&str> = settings.iter().map(String::as_str).collect();
    args.extend(["--grace", "5s", "--lease", "5s"]);
    let server = TestServer::start(&args).await;
    livekit.start(&server.url("/livekit/webhook")).await;
    let ann = Client::join(&server, "general", "Ann").await;
    let mut eve = Listener::open(&server.url(""), "general", "?name=Eve", None, None).await;
    let mut bob = Poller::join(&server, "general", "Bob").await;
    let came = report_of("participant_joined", "general", ann.id(), 1_700_000_000_000);
    assert_eq!(reports(&server, &came, &signed(&came, &livekit.secret)).await, 200);
    let told = json!({"type": "call", "clientId": ann.id(), "user": "Ann", "inCall": true});
    assert_eq!(bob.until("call").await, told);
    eve.expect("joined").await;
    assert_eq!(eve.expect("call").await, told);
    let mut again = Poller::join_at(&server.url(""), "general", json!({}), Some(&bob.ticket)).await;
    assert_eq!(again.welcome["members"][0]["inCall"], true);

    let _calls = call_by_request(&livekit, &mut again).await;
    again.leave().await;
    within_patience("who left by a request is put out", async || {
        if callers(&livekit, "general").await.is_empty() { Ok(()) } else { Err(()) }
    })
    .await;
    let mut silent = Poller::join(&server, "general", "Cid").await;
    let _calls = call_by_request(&livekit, &mut silent).await;
    within_patience("who asks no more is put out", async || {
        if callers(&livekit, "general").await.is_empty() { Ok(()) } else { Err(()) }
    })
    .await;
}

#[tokio::test]
async fn who_leaves_at_another_node_than_the_one_that_gave_the_token_is_put_out() {
    let (_redis, mut livekit, [here, there]) = two_nodes(&[]).await;
    livekit.start(&here.url("/livekit/webhook")).await;
    let _ann = Client::join(&there, "general", "Ann").await;
    let mut bob = Poller::join(&here, "general", "Bob").await;
    let _call = call_by_request(&livekit, &mut bob).await;
    // It was not reported: only the first node knows that there was a token.
    bob.base = there.url("");
    bob.leave().await;
    within_patience("they are put out", async || {
        if callers(&livekit, "general").await.is_empty() { Ok(()) } else { Err(()) }
    })
    .await;
}

#[tokio::test]
async fn without_reports_every_node_that_has_to_knows_of_a_token_that_another_one_gave() {
    let (_redis, mut livekit, [mut here, there]) = two_nodes(&["--grace", "1s"]).await;
    livekit.start("http://127.0.0.1:1/nowhere").await;
    let (mut ann, bob) =
        (Client::join(&here, "general", "Ann").await, Client::join(&here, "general", "Bob").await);
    // No member has a seat at the node that is asked.
    let ask = async |ticket: &str| {
        let request = crate::support::http::client()
            .post(there.url("/api/rooms/general/livekit-token"))
            .bearer_auth(ticket);
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let _call = dial(&livekit, &ask(bob.ticket()).await).await;
    let told = ann.until("call").await;
    assert_eq!((&told["clientId"], &told["inCall"]), (&json!(bob.id()), &json!(true)));
    drop(bob);
    within_patience("who is lost is put out", async || {
        if callers(&livekit, "general").await.is_empty() { Ok(()) } else { Err(()) }
    })
    .await;
    let _call = dial(&livekit, &ask(ann.ticket()).await).await;
    here.stop().await.unwrap();
    within_patience("the last node takes the call along", async || {
        let rooms = livekit.rooms().list_rooms(Vec::new()).await.map_err(|_| ())?;
        if rooms.is_empty() { Ok(()) } else { Err(()) }
    })
    .await;
}

#[tokio::test]
async fn a_livekit_that_does_not_answer_is_told_to_everybody_soon_however_many_rooms_wait_for_it() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", silent.local_addr().unwrap());
    let secret = "a secret that is long enough for HS256";
    let keys = ["--livekit-url", &url, "--livekit-api-key", "key", "--livekit-api-secret", secret];
    let server = TestServer::start(&[&keys[..], &["--address-rooms", "0"]].concat()).await;
    let mut people = Vec::new();
    for room in 0..150 {
        let mut ann = Client::join(&server, &format!("room{room}"), "Ann").await;
        ann.send(json!({"type": "livekit-token"})).until("livekit-token").await;
        people.push(ann);
    }
    for ann in &mut people {
        assert_eq!(ann.until("status").await["code"], "video_unavailable");
    }
}

#[tokio::test]
async fn forged_and_replayed_reports_change_nothing() {
    let livekit = LiveKit::reserve();
    let settings = livekit.settings();
    let server = TestServer::start(&settings.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (mut ann, bob) = (
        Client::join(&server, "general", "Ann").await,
        Client::join(&server, "general", "Bob").await,
    );
    ann.until("joined").await;
    let at = 1_700_000_000_000;
    let (came, went) =
        (report("participant_joined", &bob, at), report("participant_left", &bob, at));
    let good = signed(&came, &livekit.secret);
    let member_token = ann.send(json!({"type": "livekit-token"})).until("livekit-token").await;
    for (body, signature) in [
        (&came, String::new()),
        (&came, signed(&came, "another secret of the same length, but wrong")),
        (&came, signed(&went, &livekit.secret)),
        (&went, good.clone()),
        (&came, format!("Bearer {good}")),
        (&came, member_token["token"].as_str().unwrap().to_owned()),
    ] {
        assert_eq!(reports(&server, body, &signature).await, 401, "{signature}");
    }
    assert_eq!(in_call(&server, "general").await, [] as [Value; 0]);

    assert_eq!(reports(&server, &came, &good).await, 200);
    let told = ann.until("call").await;
    assert_eq!(told, json!({"type": "call", "clientId": bob.id(), "user": "Bob", "inCall": true}));
    assert_eq!(in_call(&server, "general").await, [bob.id()]);
    assert_eq!(reports(&server, &went, &signed(&went, &livekit.secret)).await, 200);
    assert_eq!(ann.until("call").await["inCall"], false);
    // The same again, and late: Bob has left the call since.
    for (body, signature) in
        [(&came, &good), (&went, &signed(&went, &livekit.secret)), (&came, &good)]
    {
        assert_eq!(reports(&server, body, signature).await, 200);
    }
    assert_eq!(in_call(&server, "general").await, [] as [Value; 0]);
    let again = report("participant_joined", &bob, at + 1);
    assert_eq!(reports(&server, &again, &signed(&again, &livekit.secret)).await, 200);
    assert_eq!(
        ann.until("call").await["inCall"],
        true,
        "a new stay counts, and the replays were told to nobody"
    );
    // What is not about a member is none of Parlor's business.
    for other in [
        json!({"event": "room_started"}),
        json!({"event": "participant_joined", "participant": {"identity": "recorder"}}),
    ] {
        let body = other.to_string();
        assert_eq!(reports(&server, &body, &signed(&body, &livekit.secret)).await, 200, "{body}");
    }
    let huge = "x".repeat(65 * 1024);
    assert_eq!(reports(&server, &huge, &signed(&huge, &livekit.secret)).await, 413);
    let without = TestServer::start(&[]).await;
    assert_eq!(reports(&without, &came, &good).await, 503);
}

#[tokio::test]
async fn livekit_going_away_is_told_and_chat_goes_on() {
    let (mut livekit, server) = both().await;
    let (mut ann, mut bob) = (
        Client::join(&server, "general", "Ann").await,
        Client::join(&server, "general", "Bob").await,
    );
    let mut cid = Client::join(&server, "general", "Cid").await;
    let _calls = (call(&livekit, &mut ann).await, call(&livekit, &mut bob).await);
    // It was not reported, for lack of media: Parlor has looked by itself.
    assert_eq!(cid.until("call").await["inCall"], true);
    assert_eq!(cid.until("call").await["inCall"], true);
    livekit.kill().await;
    // A member that leaves now cannot be put out; those who stay are told why video fails.
    bob.leave().await;
    assert_eq!(cid.until("status").await["code"], "video_unavailable");
    ann.send(json!({"type": "chat", "text": "still here"})).flush().await;
    assert_eq!(cid.until("chat").await["text"], "still here");
    livekit.start(&server.url("/livekit/webhook")).await;
    assert_eq!(cid.until("status").await["code"], "video_available");
    let gone = cid.until("call").await;
    assert_eq!(
        (&gone["clientId"], &gone["inCall"]),
        (&json!(ann.id()), &json!(false)),
        "the new LiveKit knows of no call"
    );
}
