//! A member that takes another name, where names belong to accounts.

use serde_json::{Value, json};

use super::Parlor;
use crate::wire::Client;

fn rename(user: &str, n: u64) -> Value {
    json!({"type": "rename", "user": user, "n": n})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_ticket_of_an_account_takes_no_other_accounts_name() {
    let parlor = Parlor::start(&[]).await;
    let (token, _) = (parlor.member("Amy").await, parlor.member("Eve").await);
    let _bob = Client::join(&parlor.server, "general", "Bob").await;
    let amy = parlor.enter("room=general", &token).await;
    let ticket = amy.ticket().to_owned();
    amy.leave().await;
    // The same member without the account.
    let join = |name: &str| {
        let request = crate::support::http::client()
            .post(parlor.server.url("/api/rooms/general/join"))
            .bearer_auth(&ticket);
        request.body(json!({ "name": name }).to_string()).send()
    };
    assert_eq!(join("Mallory").await.unwrap().status(), 200);
    let request = crate::support::http::client()
        .post(parlor.server.url("/api/rooms/general/messages"))
        .bearer_auth(&ticket)
        .body(rename("Eve", 1).to_string());
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert!(
        ["name_taken", "name_verified", "not_member"].contains(&answer["code"].as_str().unwrap()),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_accounts_are_neither_taken_nor_given_up() {
    let parlor = Parlor::start(&[]).await;
    let token = parlor.member("Amy").await;
    let mut amy = parlor.enter("room=general", &token).await;
    let mut bob = Client::join(&parlor.server, "general", "Bob").await;
    amy.expect("joined").await;
    for name in ["Amy", "aMy", "\u{410}my"] {
        bob.send(rename(name, 1));
        assert_eq!(bob.expect_error("name_taken").await["n"], 1);
    }
    amy.send(rename("Annie", 1));
    assert_eq!(amy.expect_error("name_verified").await["n"], 1);
    assert_eq!(amy.send(rename("Amy", 2)).expect("ack").await["n"], 2);
    bob.send(rename("Bo", 2)).until("ack").await;
    assert_eq!(amy.expect("renamed").await["user"], "Bo");
    let late = Client::join(&parlor.server, "general", "Late").await;
    let members = late.welcome["members"].as_array().unwrap();
    assert_eq!(
        (&members[0]["user"], &members[0]["verified"], &members[1]["user"]),
        (&json!("Amy"), &json!(true), &json!("Bo"))
    );
}
