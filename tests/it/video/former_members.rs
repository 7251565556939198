//! A LiveKit token outlives the membership: LiveKit hands out one of ten minutes at each join. What a former member
//! does with it is found and ended, also where no webhook tells of it.

use futures_util::StreamExt;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use super::call::{call, callers};
use crate::{
    support::PATIENCE,
    wire::{
        Client, TestServer,
        livekit::{LiveKit, report_of, reports, signed},
        within_patience,
    },
};

type Socket = WebSocketStream<TcpStream>;

async fn without_webhooks() -> (LiveKit, TestServer) {
    let mut livekit = LiveKit::reserve();
    let settings = livekit.settings();
    let server = TestServer::start(&settings.iter().map(String::as_str).collect::<Vec<_>>()).await;
    livekit.start("http://127.0.0.1:1/nowhere").await;
    (livekit, server)
}

/// The token in one of LiveKit's messages, if it brings one.
fn token_in(message: &Message) -> Option<String> {
    let bytes = message.clone().into_data();
    let begins = bytes.windows(3).position(|three| three == b"eyJ")?;
    let token = bytes[begins..].iter().map(|byte| char::from(*byte));
    let token: String =
        token.take_while(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
    (token.matches('.').count() == 2).then_some(token)
}

/// The token that LiveKit hands out at joining.
async fn handed_out(socket: &mut Socket) -> String {
    let token = async {
        loop {
            if let Some(token) = token_in(&socket.next().await.unwrap().unwrap()) {
                return token;
            }
        }
    };
    timeout(PATIENCE, token).await.expect("LiveKit hands out a token")
}

async fn join_again(livekit: &LiveKit, token: &str) -> Socket {
    livekit.dial(token).await.unwrap()
}

/// Until LiveKit closes the connection of a participant that was removed.
async fn removed(mut socket: Socket) {
    let closed = async {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                return;
            }
        }
    };
    timeout(PATIENCE, closed).await.expect("the participant is removed");
}

#[tokio::test]
async fn a_former_member_that_joins_the_call_again_and_again_is_removed_each_time_within_seconds() {
    let (livekit, server) = without_webhooks().await;
    let (mut ann, mut bob) = (
        Client::join(&server, "general", "Ann").await,
        Client::join(&server, "general", "Bob").await,
    );
    let joined = report_of("participant_joined", "general", bob.id(), 1_700_000_000_000);
    let _anns = call(&livekit, &mut ann).await;
    let mut bobs = call(&livekit, &mut bob).await;
    let mut token = handed_out(&mut bobs).await;
    bob.leave().await;
    removed(bobs).await;
    let mut again = join_again(&livekit, &token).await;
    token = handed_out(&mut again).await;
    assert_eq!(reports(&server, &joined, &signed(&joined, &livekit.secret)).await, 200);
    removed(again).await;
    // Nothing tells of these. Four rounds of all calls would take longer.
    timeout(PATIENCE, async {
        for _ in 0..4 {
            let mut again = join_again(&livekit, &token).await;
            token = handed_out(&mut again).await;
            removed(again).await;
        }
    })
    .await
    .expect("a former member is removed soon");
    assert_eq!(callers(&livekit, "general").await, [ann.id()]);
}

#[tokio::test]
async fn a_former_member_cannot_keep_open_the_call_of_a_room_that_has_ended() {
    let (livekit, server) = without_webhooks().await;
    let mut ann = Client::join(&server, "комната", "Ann").await;
    let mut anns = call(&livekit, &mut ann).await;
    let mut token = handed_out(&mut anns).await;
    ann.leave().await;
    removed(anns).await;
    for _ in 0..2 {
        let mut again = join_again(&livekit, &token).await;
        token = handed_out(&mut again).await;
        removed(again).await;
        within_patience("LiveKit has no room", async || {
            let rooms = livekit.rooms().list_rooms(Vec::new()).await.map_err(|_| ())?;
            rooms.is_empty().then_some(()).ok_or(())
        })
        .await;
    }
}
