//! Redis over TLS, with an authority of one's own: the program as people run it.

use std::{
    io::ErrorKind,
    path::Path,
    process::{Command, Stdio},
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::support::{
    PATIENCE,
    dir::Dir,
    redis::{Server, free_port},
    until,
};

fn openssl(dir: &Path, args: &str) {
    let status = Command::new("openssl")
        .args(args.split_whitespace())
        .current_dir(dir)
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) => assert!(status.success(), "openssl {args}"),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("this test needs openssl: apt-get install openssl")
        }
        Err(error) => panic!("openssl: {error}"),
    }
}

/// An authority and what it vouches for: `ca.pem`, and `redis.pem` with `redis.key` for the loopback.
fn certify(dir: &Path) {
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(
        dir,
        &format!("req -x509 {new} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"),
    );
    openssl(dir, &format!("req {new} -keyout redis.key -out redis.csr -subj /CN=redis"));
    std::fs::write(dir.join("names"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        .unwrap();
    openssl(
        dir,
        "x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out redis.pem",
    );
}

/// A node that trusts one authority: the address at which it listens.
async fn parlor(redis: &str, authority: &Path) -> (tokio::process::Child, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_parlor"));
    command
        .env("REDIS_URL", redis)
        .env("SSL_CERT_FILE", authority)
        .env("PARLOR_LISTEN", &address)
        .env_remove("SSL_CERT_DIR");
    let child =
        command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    (child, address)
}

/// Passes connections on to a port, and tells of each that has ended.
async fn doorkeeper(to: u16) -> (u16, mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (ended, ends) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            let ended = ended.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut caller, &mut server).await;
                let _ = ended.send(());
            });
        }
    });
    (port, ends)
}

async fn readiness(address: &str) -> Option<u16> {
    Some(
        crate::support::http::get(format!("http://{address}/readyz")).await.ok()?.status().as_u16(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_live_in_a_redis_that_a_private_authority_vouches_for_and_in_no_other() {
    let tls_port = std::sync::atomic::AtomicU16::new(0);
    let server = Server::start_with(|dir| {
        certify(dir);
        let port = free_port();
        tls_port.store(port, std::sync::atomic::Ordering::Relaxed);
        let args = format!(
            "--appendonly no --tls-port {port} --tls-cert-file redis.pem --tls-key-file redis.key \
            --tls-ca-cert-file ca.pem --tls-auth-clients no"
        );
        let dir = |word: &str| {
            if word.contains(".pem") || word.contains(".key") {
                dir.join(word).display().to_string()
            } else {
                word.to_owned()
            }
        };
        args.split_whitespace().map(dir).collect()
    });
    let tls_port = tls_port.into_inner();
    let url = format!("rediss://127.0.0.1:{tls_port}");
    let (_child, address) = parlor(&url, &server.dir().join("ca.pem")).await;
    until("Redis is in reach", async || readiness(&address).await == Some(200)).await;
    let (mut socket, _) =
        connect_async(format!("ws://{address}/ws?room=secure&name=Ann")).await.unwrap();
    socket.send(Message::text(r#"{"type":"chat","text":"hello","n":1}"#)).await.unwrap();
    let acknowledged = async {
        loop {
            let frame = socket.next().await.unwrap().unwrap();
            if frame.to_text().unwrap().contains(r#""type":"ack""#) {
                return;
            }
        }
    };
    timeout(PATIENCE, acknowledged).await.expect("an acknowledgement in time");
    assert_eq!(server.keys().len(), 3);
    // Another authority vouches for nothing here: it tries, and never gets in.
    let strange = Dir::new();
    certify(&strange);
    let (port, mut turned_away) = doorkeeper(tls_port).await;
    let (_other, other) =
        parlor(&format!("rediss://127.0.0.1:{port}"), &strange.join("ca.pem")).await;
    until("it listens", async || readiness(&other).await.is_some()).await;
    for _ in 0..6 {
        timeout(PATIENCE, turned_away.recv()).await.expect("another try in time").unwrap();
    }
    assert_eq!(readiness(&other).await, Some(503));
}
