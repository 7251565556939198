//! `cargo bench --bench logins`: what the chat notices of fifty people who log in at once. Starts the release binary
//! with accounts in a file, lets one person talk and another listen, and prints one JSON object: how long a message
//! takes while no member logs in and while fifty do, and what became of the logins. `PARLOR_BIN` names another binary.

#[path = "../tests/support/http.rs"]
#[allow(clippy::unwrap_used, dead_code, missing_docs)]
mod http;

use std::{
    error::Error,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt, future::join_all};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::sleep};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const PEOPLE: usize = 50;
const ROUNDS: usize = 5;
const PASSWORD: &str = "correct horse";

/// How long the chat is measured while no member logs in.
const QUIET: Duration = Duration::from_secs(10);

/// Between two messages.
const PAUSE: Duration = Duration::from_millis(10);

/// A server process with a database of its own; both end with the value.
struct Server {
    process: Child,
    address: String,
    dir: PathBuf,
}

impl Server {
    fn start() -> Outcome<Self> {
        let dir = std::env::temp_dir().join(format!("parlor-logins-{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        let binary = std::env::var_os("PARLOR_BIN").unwrap_or(env!("CARGO_BIN_EXE_parlor").into());
        let mut process = Command::new(binary)
            .args(["--listen", "127.0.0.1:0", "--rate", "1000000"])
            .arg("--database-url")
            .arg(format!("sqlite:{}/parlor.db", dir.display()))
            .env("PARLOR_ADDRESS_JOINS", "0")
            .env("PARLOR_ADDRESS_RATE", "0")
            .env("PARLOR_ADDRESS_TEXT", "0")
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(process.stderr.take().ok_or("no log")?).lines();
        let address = lines
            .find_map(|line| {
                Some(line.ok()?.split_once("http://")?.1.split_whitespace().next()?.to_owned())
            })
            .ok_or("the server did not start")?;
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { process, address, dir })
    }

    /// Status and milliseconds.
    async fn post(&self, http: &reqwest::Client, path: &str, user: usize) -> Outcome<(u16, f64)> {
        let began = Instant::now();
        let body = json!({ "user": format!("person {user}"), "password": PASSWORD });
        let answer = http.post(format!("http://{}{path}", self.address)).json(&body).send().await?;
        Ok((answer.status().as_u16(), milliseconds(began.elapsed())))
    }

    async fn join(&self, name: &str) -> Outcome<Socket> {
        let (mut socket, _) =
            connect_async(format!("ws://{}/ws?room=general&name={name}", self.address)).await?;
        socket.next().await.ok_or("no welcome")??;
        Ok(socket)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Two people in a room.
struct Talk {
    speaks: Socket,
    hears: Socket,
}

impl Talk {
    /// One message after the other, for as long as it says so: milliseconds from mouth to ear. A message that comes
    /// late does not hold back the next one, so that a stall is felt by all that fall into it.
    async fn measure(&mut self, on: &AtomicBool) -> Outcome<Vec<f64>> {
        let (mut said, mut delays) = (Vec::new(), Vec::new());
        let mut beat = tokio::time::interval(PAUSE);
        while on.load(Ordering::Relaxed) || delays.len() < said.len() {
            tokio::select! {
                _ = beat.tick(), if on.load(Ordering::Relaxed) => {
                    said.push(Instant::now());
                    let text = json!({ "text": (said.len() - 1).to_string() }).to_string();
                    self.speaks.send(Message::text(text)).await?;
                }
                heard = self.hears.next() => {
                    // Beside frames the server sends its pings.
                    let Message::Text(frame) = heard.ok_or("the server closed")?? else { continue };
                    let frame: Value = serde_json::from_str(&frame)?;
                    if let Some(text) = frame["text"].as_str() {
                        delays.push(milliseconds(said[text.parse::<usize>()?].elapsed()));
                    }
                }
                answer = self.speaks.next() => { answer.ok_or("the server closed")??; }
            }
        }
        Ok(delays)
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (part * (sorted.len() - 1) as f64).round();
    sorted.get(at as usize).map_or(f64::NAN, |value| (value * 1000.0).round() / 1000.0)
}

async fn run() -> Outcome<Value> {
    let server = Arc::new(Server::start()?);
    let http = http::client();
    for user in 0..PEOPLE {
        let (status, _) = server.post(&http, "/register", user).await?;
        assert_eq!(status, 201);
    }
    let mut talk = Talk { speaks: server.join("Ann").await?, hears: server.join("Ben").await? };
    let (mut rounds, mut logins) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let on = AtomicBool::new(true);
        let wait = async {
            sleep(QUIET).await;
            on.store(false, Ordering::Relaxed);
        };
        let (quiet, ()) = tokio::join!(talk.measure(&on), wait);
        let on = AtomicBool::new(true);
        let crowd = async {
            let all = join_all((0..PEOPLE).map(|user| server.post(&http, "/login", user))).await;
            on.store(false, Ordering::Relaxed);
            all
        };
        let (busy, crowd) = tokio::join!(talk.measure(&on), crowd);
        let (quiet, busy) = (quiet?, busy?);
        let crowd = crowd.into_iter().collect::<Outcome<Vec<_>>>()?;
        rounds.push([
            quantile(&quiet, 0.5),
            quantile(&quiet, 0.99),
            quantile(&busy, 0.5),
            quantile(&busy, 0.99),
        ]);
        logins.extend(crowd);
    }
    let median = |column: usize| {
        quantile(&rounds.iter().map(|round| round[column]).collect::<Vec<_>>(), 0.5)
    };
    let ratios: Vec<f64> = rounds.iter().map(|round| round[3] / round[1]).collect();
    let times: Vec<f64> = logins.iter().map(|(_, time)| *time).collect();
    Ok(json!({
        "rounds": ROUNDS, "people": PEOPLE, "cores": std::thread::available_parallelism()?.get(),
        "columns_ms": ["quiet p50", "quiet p99", "logins p50", "logins p99"], "each": rounds,
        "medians_ms": [median(0), median(1), median(2), median(3)],
        "p99_ratio": { "median": quantile(&ratios, 0.5), "each": ratios.iter().map(|r| (r * 100.0).round() / 100.0).collect::<Vec<_>>() },
        "logins": {
            "ok": logins.iter().filter(|(status, _)| *status == 200).count(),
            "refused": logins.iter().filter(|(status, _)| *status != 200).count(),
            "p50_ms": quantile(&times, 0.5).round(), "last_ms": quantile(&times, 1.0).round(),
        },
    }))
}

fn main() -> Outcome<()> {
    println!(
        "{}",
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())?
    );
    Ok(())
}
