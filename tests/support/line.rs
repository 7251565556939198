//! A line between a node and Redis that can be held, cut and whispered into.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// What of a node's connections is held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Nothing,
    /// All but those that ask what time it is: that is the pulse.
    Carriers,
    All,
}

struct Call {
    subscriber: Arc<AtomicBool>,
    whisper: mpsc::UnboundedSender<Vec<u8>>,
}

/// What is done to what passes.
#[derive(Default)]
struct Tampering {
    mute: AtomicBool,
    /// Close connections at the answer to the next script, so that its caller never learns it.
    swallow: AtomicBool,
    /// Bytes that came from the server.
    answered: AtomicUsize,
}

/// Listens on a port of its own and passes everything on.
pub struct Line {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    held: watch::Sender<Held>,
    tampering: Arc<Tampering>,
    accepting: JoinHandle<()>,
}

impl Line {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let (held, holding) = watch::channel(Held::Nothing);
        let tampering = Arc::new(Tampering::default());
        let (book, hands) = (Arc::clone(&calls), Arc::clone(&tampering));
        let accepting = tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                let (whisper, whispers) = mpsc::unbounded_channel();
                let subscriber = Arc::new(AtomicBool::new(false));
                book.lock().push(Call { subscriber: Arc::clone(&subscriber), whisper });
                tokio::spawn(pass(
                    caller,
                    port,
                    subscriber,
                    whispers,
                    holding.clone(),
                    Arc::clone(&hands),
                ));
            }
        });
        Self { address, calls, held, tampering, accepting }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Nothing passes until this is called with `false`; nothing is lost either.
    pub fn hold(&self, hold: bool) {
        self.held.send(if hold { Held::All } else { Held::Nothing }).unwrap();
    }

    /// The same, but the node still hears that the server lives. Ended by [`Self::hold`].
    pub fn hold_carriers(&self) {
        self.held.send(Held::Carriers).unwrap();
    }

    /// What the node says passes, but no answer does until this is called with `false`.
    pub fn mute(&self, mute: bool) {
        self.tampering.mute.store(mute, Ordering::SeqCst);
    }

    /// The next script runs, but its answer is lost together with the connection.
    pub fn swallow_next_answer(&self) {
        self.tampering.swallow.store(true, Ordering::SeqCst);
    }

    /// How many bytes the server has sent so far.
    pub fn answered(&self) -> usize {
        self.tampering.answered.load(Ordering::SeqCst)
    }

    /// Speaks to Redis in the node's name on the connections that have subscribed.
    pub fn whisper(&self, command: &[&str]) {
        let mut request = format!("*{}\r\n", command.len());
        for word in command {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        for call in self.calls.lock().iter().filter(|call| call.subscriber.load(Ordering::SeqCst)) {
            let _ = call.whisper.send(request.clone().into_bytes());
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(
    caller: TcpStream,
    port: u16,
    subscriber: Arc<AtomicBool>,
    mut whispers: mpsc::UnboundedReceiver<Vec<u8>>,
    mut held: watch::Receiver<Held>,
    tampering: Arc<Tampering>,
) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let ((mut from, mut to), (mut answers, mut commands)) =
        (caller.into_split(), server.into_split());
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    let (mut doomed, mut pulse) = (false, false);
    loop {
        if held
            .wait_for(|held| *held == Held::Nothing || (*held == Held::Carriers && pulse))
            .await
            .is_err()
        {
            return;
        }
        tokio::select! {
            changed = held.changed() => if changed.is_err() { return },
            whispered = whispers.recv() => {
                let Some(whispered) = whispered else { return };
                if commands.write_all(&whispered).await.is_err() { return }
            }
            read = from.read(&mut up) => {
                let Ok(length @ 1..) = read else { return };
                let sent = &up[..length];
                let has = |word: &[u8]| sent.windows(word.len()).any(|window| window == word);
                if has(b"SSUBSCRIBE") {
                    subscriber.store(true, Ordering::SeqCst);
                }
                pulse |= has(b"\nTIME\r\n");
                if has(b"EVALSHA") && tampering.swallow.swap(false, Ordering::SeqCst) {
                    doomed = true;
                }
                if commands.write_all(sent).await.is_err() { return }
            }
            // The node's next ping makes this look again.
            read = answers.read(&mut down), if !tampering.mute.load(Ordering::SeqCst) => {
                let Ok(length @ 1..) = read else { return };
                tampering.answered.fetch_add(length, Ordering::SeqCst);
                if doomed { return }
                if to.write_all(&down[..length]).await.is_err() { return }
            }
        }
    }
}
