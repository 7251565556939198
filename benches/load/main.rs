//! `make bench`: Parlor beside a floor and its peers, each on one core, loaded
//! from the other. `cargo test` runs the same program as a guard: see [`guard`].
//!
//! Words it knows: `--short` for a smoke, `--runs N`, `--only SCENARIO`, `--kind SERVER,SERVER`, `--record` to write the
//! documents, `--from FILE` to write them of lines that an earlier run has printed.

mod ahead;
mod ask;
mod churn;
mod dialect;
mod facts;
mod floor;
mod guard;
mod job;
mod kind;
mod link;
mod load;
mod mark;
mod masked;
mod meter;
mod page;
mod plan;
mod plot;
mod restless;
mod server;
mod spread;
mod table;
mod talk;
mod target;

use std::{io, path::Path};

use self::{facts::Facts, floor::Floor, load::Load, plan::Scenario, table::Table};

fn main() -> io::Result<()> {
    meter::open_files();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| words.iter().any(|other| other == word);
    let after = |word: &str| words.iter().skip_while(|other| *other != word).nth(1);
    match words.first().map(String::as_str) {
        Some("floor") => {
            let floor = Floor::bind(has("batching"))?;
            eprintln!("listening on http://{}", floor.address()?);
            return floor.run();
        }
        Some("load") => {
            let job = after("load").ok_or_else(|| io::Error::other("load what?"))?;
            let outcome = Load::new(serde_json::from_str(job)?)?.run()?;
            return Ok(serde_json::to_writer(io::stdout(), &outcome)?);
        }
        _ => {}
    }
    // cargo says so when it benches, and does not when it tests.
    if !has("--bench") {
        return guard::hold();
    }
    let wanted = |scenario: &&Scenario| after("--only").is_none_or(|only| only == scenario.name);
    let scenarios: Vec<Scenario> = plan::SCENARIOS
        .iter()
        .chain(plan::GROWTH)
        .filter(wanted)
        .map(|scenario| if has("--short") { scenario.shortened() } else { *scenario })
        .collect();
    let runs = after("--runs").and_then(|runs| runs.parse().ok()).unwrap_or(if has("--short") {
        1
    } else {
        5
    });
    let kinds = after("--kind").map(|words| kind::Kind::list(words)).transpose()?;
    let lines = match after("--from") {
        Some(file) => std::fs::read_to_string(file)?
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?,
        None => {
            let mut lines = plan::run(&scenarios, 0..runs, kinds.as_deref())?;
            if has("--record") {
                let close: Vec<Scenario> =
                    scenarios.iter().filter(|scenario| scenario.is_close()).copied().collect();
                lines.extend(plan::run(&close, runs..runs * 2, Some(plan::OURS))?);
            }
            lines
        }
    };
    if has("--record") {
        let runs = lines.iter().map(|line| line.run + 1).max().unwrap_or(0);
        let table = Table { lines: &lines, facts: Facts::gather(runs)? };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut page = page::page(&table);
        ahead::tell(&table, &mut page);
        target::tell(&table, &mut page);
        std::fs::write(root.join("docs/benchmarks.md"), page)?;
        plot::draw(&table, &root.join("assets/benchmarks.svg"))
            .map_err(|error| io::Error::other(error.to_string()))?;
    }
    Ok(())
}
