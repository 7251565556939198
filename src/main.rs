//! The program: reads its settings, starts the log, runs until a signal. Or checks a receipt.

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::Path,
    process::ExitCode,
};

use clap::Parser;
use parlor::{
    config::{Command, CommandLine, Config, LogFormat},
    receipt::{PublicKeys, ReceiptSigner, Trust, verdict},
    server::{Server, raise_descriptors},
};
use tikv_jemallocator::Jemalloc;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Gives the memory of a crowd that has left back to the system; the C library's keeps it.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// The longest file that is read to check a receipt, in bytes. Receipts and keys have a few hundred.
const LONGEST: u64 = 64 * 1024;

fn main() -> ExitCode {
    let CommandLine { config, command } = CommandLine::parse();
    if let Some(Command::VerifyReceipt { file, keyfile }) = command {
        return verify_receipt(config, &file, keyfile.as_deref()).unwrap_or_else(|problem| {
            eprintln!("parlor: {problem}");
            ExitCode::from(2)
        });
    }
    if let Err(problem) = start_log(&config) {
        eprintln!("parlor: RUST_LOG: {problem}");
        return ExitCode::from(2);
    }
    raise_descriptors();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    // As a task: where connections are accepted on this thread, a worker has to be woken for each.
    runtime.block_on(runtime.spawn(run(config))).unwrap_or(ExitCode::FAILURE)
}

async fn run(config: Config) -> ExitCode {
    let rooms_in = if config.redis().is_some() { "redis" } else { "memory" };
    let server = match Server::bind(config).await {
        Ok(server) => server,
        Err(error) => {
            eprintln!("parlor: {error}");
            return ExitCode::from(2);
        }
    };
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        eprintln!("parlor: cannot listen for signals");
        return ExitCode::FAILURE;
    };
    tracing::info!(address = %server.address(), rooms_in, "listening on http://{}", server.address());
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    server.run(stop).await;
    ExitCode::SUCCESS
}

/// Prints what a receipt says, or why it is not good.
///
/// # Errors
/// What kept it from being checked.
fn verify_receipt(config: Config, file: &Path, keyfile: Option<&Path>) -> Result<ExitCode, String> {
    let own = config.check().and_then(|config| config.receipt_key());
    let own = own.map_err(|error| error.to_string())?;
    let trust = match (keyfile, own) {
        (Some(path), _) => {
            let keys: Result<PublicKeys, _> = read(path)?.parse();
            Trust::Saved(keys.map_err(|error| format!("{}: {error}", path.display()))?)
        }
        (None, Some(seed)) => Trust::Own(ReceiptSigner::from_seed(&seed).public_key()),
        (None, None) => Trust::Embedded,
    };
    Ok(match verdict(&read(file)?, &trust) {
        Ok(lines) => {
            let told = io::stdout().write_all(lines.as_bytes());
            told.map_err(|error| format!("standard output: {error}"))?;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("parlor: not good: {error}");
            ExitCode::FAILURE
        }
    })
}

/// A file as text; `-` is standard input. What is no text or too long comes as far as it can, and is no receipt.
fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let taken = if path == Path::new("-") {
        io::stdin().take(LONGEST).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes))
    };
    taken.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn start_log(config: &Config) -> Result<(), String> {
    let filter: Targets = config.log_filter.parse().map_err(|error| format!("{error}"))?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match config.log {
        LogFormat::Text => registry.with(layer.with_ansi(std::io::stderr().is_terminal())).init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).init(),
    }
    Ok(())
}
