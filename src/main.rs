//! The program: reads its settings, starts the log, runs until a signal.

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;
use parlor::{
    config::{Config, LogFormat},
    server::{Server, raise_descriptors},
};
use tikv_jemallocator::Jemalloc;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Gives the memory of a crowd that has left back to the system; the C library's keeps it.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let config = Config::parse();
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
