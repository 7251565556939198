//! What one node promises, any number of nodes keep, while any of them, or Redis, dies: real processes, a crowd
//! that talks all the time, and a ledger of all that every member heard. One fault after the other; arguments
//! choose faults by a part of their names. Writes the fault table to `target/faults.md`.
#![allow(clippy::unwrap_used, missing_docs)]

mod burst;
mod cluster;
mod diary;
mod fleet;
mod host;
mod hosting;
mod ledger;
mod link;
mod manner;
mod nodes;
mod person;
mod pest;
mod receipts;
mod rules;
mod scale;
mod sentinel;
mod single;
mod speech;
mod storm;
#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;
mod table;
mod upload;

use std::{
    fmt::Write, panic::AssertUnwindSafe, path::Path, pin::Pin, process::ExitCode, time::Duration,
};

use futures_util::FutureExt;
use table::Row;

type Fault = (&'static str, fn() -> Pin<Box<dyn Future<Output = Row>>>);

/// What may be told while Redis is away. What was in doubt is asked again, and what was overtaken is said anew.
const AWAY: [&str; 5] = [
    "status store_unavailable",
    "status store_available",
    "error store_unavailable",
    "ack of a repetition",
    "error stale_n",
];

/// What a master has taken and not passed on is lost when another takes its place: only then may rooms begin anew.
const LOSSY: [&str; 3] = ["reset", "joined", "error no_file"];

/// Longer than anything may take that is certain to come: the longest lease and expiry of `make faults` included.
const PATIENCE: Duration = Duration::from_secs(240);

/// Asks again and again until there is an answer.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .unwrap_or_else(|_| panic!("in vain waited: {what}"))
}

fn main() -> ExitCode {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    ledger::finds_what_is_planted();
    scale::finds_what_is_planted();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (mut rows, mut failed) = (format!("{}\n", Row::head()), Vec::new());
    let mut ran = 0;
    let long = if fleet::is_long() { scale::LONG } else { &[] };
    let of_one = nodes::FAULTS
        .iter()
        .chain(burst::FAULTS)
        .chain(single::FAULTS)
        .chain(hosting::FAULTS)
        .chain(scale::FAULTS)
        .chain(long);
    for (name, fault) in of_one.chain(cluster::FAULTS).chain(sentinel::FAULTS) {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        ran += 1;
        println!("fault {name} ...");
        match runtime.block_on(AssertUnwindSafe(fault()).catch_unwind()) {
            Ok(row) => {
                println!("{row}");
                for broken in &row.broken {
                    println!("  {broken}");
                }
                if !row.broken.is_empty() {
                    failed.push(*name);
                }
                writeln!(rows, "{row}").unwrap();
            }
            Err(_) => failed.push(*name),
        }
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("faults.md");
    std::fs::write(&target, &rows).unwrap();
    println!("\n{rows}\n{ran} faults, {} broke a promise {failed:?}", failed.len());
    if failed.is_empty() && ran > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
