//! `make bench-scale`: thousands of people at one node or more, on one machine: what moving, filling, leaving and telling
//! many costs, beside what is aimed at. Writes `target/scale.md`.
//!
//! Words it knows: parts of the names of rows (`move`, `fill-redis`), `--list` for those names, `--record` to write the
//! table into `docs/scaling.md`.

mod arrivals;
mod crowd;
mod departures;
mod frame;
mod member;
#[allow(dead_code)]
#[path = "../load/meter.rs"]
mod meter;
mod moves;
mod node;
mod polls;
mod probe;
mod restarts;
mod rolling;
mod rooms;
mod table;
mod tally;

use std::{fmt::Write, fs, io, path::Path};

use self::table::{Case, HEAD, Row};

/// Between them stands the table of the document.
const MARKS: [&str; 2] = ["<!-- measured by make bench-scale -->\n", "<!-- until here -->"];

fn main() -> io::Result<()> {
    meter::open_files();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| words.iter().any(|other| other == word);
    let parts: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let wanted = |case: &&Case| {
        parts.is_empty() || parts.iter().any(|part| case.name.contains(part.as_str()))
    };
    let all = [restarts::CASES, rooms::CASES, arrivals::CASES, departures::CASES];
    let cases: Vec<&Case> = all.into_iter().flatten().filter(wanted).collect();
    if has("--list") {
        cases.iter().for_each(|case| println!("{:16}{}", case.name, case.what));
        return Ok(());
    }
    if has("--record") && !parts.is_empty() {
        return Err(io::Error::other("--record writes all rows: name none"));
    }
    let mut table = format!("{HEAD}\n");
    let mut missed = Vec::new();
    for case in cases {
        let row = Row { case, figure: (case.measure)() };
        println!("{}: {row}", case.name);
        let _ = writeln!(table, "{row}");
        missed.extend((!row.is_met()).then_some(case.name));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(root.join("target/scale.md"), &table)?;
    println!("\n{table}\nmissed: {missed:?}");
    if has("--record") {
        record(&root.join("docs/scaling.md"), &table)?;
    }
    Ok(())
}

/// Puts the table into the document.
fn record(file: &Path, table: &str) -> io::Result<()> {
    let page = fs::read_to_string(file)?;
    let [begin, end] = MARKS.map(|mark| page.split_once(mark));
    let (Some((before, _)), Some((_, after))) = (begin, end) else {
        return Err(io::Error::other(format!("{} has no place for the table", file.display())));
    };
    fs::write(file, format!("{before}{}\n{table}\n{}{after}", MARKS[0], MARKS[1]))
}
