//! What the host of a room decides, and the attacks on it: `docs/hosts.md` has the table.

mod burn_races;
mod burns;
mod clock;
mod forged;
mod invites;
mod knocks;
mod lifetimes;
mod races;
mod returns;
mod rules;
mod succession;
mod video;
mod visitor;

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::{Value, json};

use self::visitor::{Visitor, answer};
use crate::{
    support::redis,
    wire::{Client, Heard, TestServer, encoded},
};

/// The address of each person is what the header says, and no test is about rates.
const ARGS: [&str; 8] =
    ["--proxies", "1", "--rate", "100000", "--address-rate", "0", "--address-joins", "0"];

/// The nodes of a scenario: one with its rooms in memory, or two with one Redis.
struct Nodes {
    redis: Option<redis::Server>,
    servers: Vec<TestServer>,
}

impl Nodes {
    async fn one(more: &[&str]) -> Self {
        let servers = vec![TestServer::start(&[&ARGS[..], more].concat()).await];
        Self { redis: None, servers }
    }

    async fn two(more: &[&str]) -> Self {
        let redis = redis::Server::start();
        let args = [&ARGS[..], more].concat();
        let servers = vec![
            TestServer::with_redis(&redis.url(), &args).await,
            TestServer::with_redis(&redis.url(), &args).await,
        ];
        Self { redis: Some(redis), servers }
    }

    /// Either way.
    async fn both(more: &[&str]) -> [Self; 2] {
        [Self::one(more).await, Self::two(more).await]
    }

    fn here(&self) -> SocketAddr {
        self.servers[0].address
    }

    /// Another node, if there are two.
    fn there(&self) -> SocketAddr {
        self.servers.last().unwrap().address
    }

    /// Each node once.
    fn each(&self) -> impl Iterator<Item = SocketAddr> {
        self.servers.iter().map(|server| server.address)
    }
}

/// Joins by a socket from an address of its own.
async fn join(server: SocketAddr, room: &str, name: &str, address: &str) -> Client {
    Visitor::new(name).from(address).by_socket(server, room).await.joined()
}

/// Asks for something as the host, by the socket, which must succeed.
async fn decide(host: &mut Client, request: Value) -> Value {
    host.send(request);
    host.until("ack").await
}

/// Says something, and gives the ack.
async fn say(member: &mut Client, text: &str, n: u64) -> Value {
    member.send(json!({"text": text, "n": n}));
    member.until("ack").await
}

/// Asks for something by a request with a ticket.
async fn ask(server: SocketAddr, room: &str, ticket: &str, request: &Value) -> (u16, Value) {
    let path = format!("/api/rooms/{}/host", encoded(room));
    let by_ticket = Visitor::default().ticket(ticket);
    answer(by_ticket.request(Method::POST, server, &path).body(request.to_string())).await
}

/// What is told of a room before a person joins.
async fn door(server: SocketAddr, room: &str) -> Value {
    let path = format!("/api/rooms/{}", encoded(room));
    let (status, door) = answer(Visitor::default().request(Method::GET, server, &path)).await;
    assert_eq!(status, 200, "{door}");
    door
}

/// The member of a welcome that is the host, by its name.
fn host_of(welcome: &Value) -> Vec<&str> {
    let members = welcome["members"].as_array().unwrap().iter();
    let hosts = members.filter(|member| member["host"] == true);
    hosts.map(|member| member["user"].as_str().unwrap()).collect()
}

fn names(welcome: &Value) -> Vec<&str> {
    let members = welcome["members"].as_array().unwrap();
    members.iter().map(|member| member["user"].as_str().unwrap()).collect()
}

/// The error that answers a frame. What comes before it is skipped.
async fn refused(client: &mut Client, request: &Value) -> String {
    client.send(request.clone());
    client.until("error").await["code"].as_str().unwrap().to_owned()
}

/// Reads until the socket is closed; gives the frames before it, and the close code.
async fn rest(client: &mut Client) -> (Vec<Value>, u16) {
    let mut frames = Vec::new();
    loop {
        match client.next().await {
            Heard::Frame(frame) => frames.push(frame),
            Heard::Closed(code, _) => return (frames, code),
            Heard::Gone => panic!("no close: {:?}", client.seen),
            Heard::Pong(_) => {}
        }
    }
}

fn kick(id: &str) -> Value {
    json!({"type": "kick", "clientId": id, "n": 1})
}

fn lock(how: &str) -> Value {
    json!({"type": "lock", "lock": how, "n": 1})
}
