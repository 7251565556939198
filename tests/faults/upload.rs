//! Files of members: uploaded while they talk, and sent with their next words.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::sleep};

use super::{diary::Diary, fleet, support::http};

/// One message in so many has a file.
fn turn() -> u64 {
    if fleet::is_long() { 40 } else { 14 }
}

const SIZE: usize = 2000;

/// The bytes of a file: its name, again and again.
fn bytes(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(SIZE).collect()
}

/// The upload of one member that is under way.
#[derive(Default)]
pub struct Upload(Option<JoinHandle<Option<Value>>>);

impl Upload {
    /// Begins one now and then.
    pub fn begin(&mut self, n: u64, home: IpAddr, address: String, ticket: String, name: String) {
        if n.is_multiple_of(turn()) && self.0.is_none() {
            self.0 = Some(tokio::spawn(upload(home, address, ticket, name)));
        }
    }

    /// The file as the others will be told of it, once it has come whole.
    pub async fn whole(&mut self) -> Option<Value> {
        let ended = self.0.take_if(|upload| upload.is_finished())?;
        ended.await.unwrap()
    }

    /// Its member is another one by now, or the room.
    pub fn end(&mut self) {
        self.0.take().inspect(JoinHandle::abort);
    }
}

/// What is sent of an entry: files by their ids.
pub fn as_sent(told: &Value) -> Value {
    let mut sent = told.clone();
    for file in sent["files"].as_array_mut().into_iter().flatten() {
        *file = file["file"].take();
    }
    sent.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    sent
}

/// Uploads a file, however often a node or Redis is away. Nothing where the member is gone meanwhile.
async fn upload(home: IpAddr, address: String, ticket: String, name: String) -> Option<Value> {
    let http = http::builder().local_address(home).timeout(Duration::from_secs(10));
    let http = http.build().unwrap();
    let id = uuid::Uuid::new_v4().to_string();
    let file = json!({"file": id, "size": SIZE, "contentType": "text/plain", "name": name});
    loop {
        let open = http.post(&address).body(file.to_string());
        let piece = http.patch(format!("{address}/{id}")).header("upload-offset", 0);
        let piece = piece.body(bytes(&name));
        if sent(open, &ticket).await? && sent(piece, &ticket).await? {
            return Some(file);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Whether a request was accepted. Nothing where it never will be.
async fn sent(request: RequestBuilder, ticket: &str) -> Option<bool> {
    let Ok(answer) = request.bearer_auth(ticket).send().await else { return Some(false) };
    let status = answer.status();
    let again = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    if status.is_success() || again {
        return Some(status.is_success());
    }
    let error: Value = answer.json().await.ok()?;
    // Redis may have lost an upload with what was not passed on.
    (error["code"] == "no_file").then_some(false)
}

/// What is wrong with the files of the messages that a member knows, and how many there are.
pub fn look(
    door: SocketAddr,
    room: String,
    diary: &Diary,
) -> impl Future<Output = (usize, Vec<String>)> + use<> {
    let told = diary.lives.last().into_iter().flat_map(|life| life.log.0.values());
    let files: Vec<Value> = told.flat_map(|told| told.files.clone()).collect();
    let (http, ticket) = (http::client(), diary.ticket.clone());
    async move {
        let mut wrong = Vec::new();
        for file in &files {
            if let Err(what) = read(&http, door, &room, &ticket, file).await {
                wrong.push(format!("{file}: {what}"));
            }
        }
        (files.len(), wrong)
    }
}

async fn read(
    http: &Client,
    door: SocketAddr,
    room: &str,
    ticket: &str,
    file: &Value,
) -> Result<(), String> {
    let url = format!("http://{door}/api/rooms/{room}/files/{}", file["file"].as_str().unwrap());
    let answer = http.get(url).bearer_auth(ticket).send().await;
    let answer = answer.map_err(|error| error.to_string())?;
    if answer.status() != StatusCode::OK {
        return Err(answer.text().await.unwrap_or_default());
    }
    let whole = answer.bytes().await.map_err(|error| error.to_string())?;
    let is_same = whole == bytes(file["name"].as_str().unwrap());
    is_same.then_some(()).ok_or_else(|| format!("{} other bytes", whole.len()))
}
