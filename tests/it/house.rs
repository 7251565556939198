//! The house rules: what stands where, and which module may use which. Read from the source itself.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Longer files hold more than one noun.
const LONGEST: usize = 400;

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every file of ours in a folder whose name ends so: its path within, and its text.
pub(super) fn files(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    fn walk(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("node_modules") {
                    walk(&path, endings, found);
                }
            } else if path
                .extension()
                .is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted))
            {
                found.push(path);
            }
        }
    }
    let (folder, mut found) = (root().join(folder), Vec::new());
    walk(&folder, endings, &mut found);
    found.sort();
    let name =
        |path: &Path| path.strip_prefix(&folder).unwrap().to_str().unwrap().replace('\\', "/");
    found.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// Every Rust file under `src`.
fn sources() -> Vec<(String, String)> {
    files("src", &["rs"])
}

/// The text without line comments: what they mention is not used.
pub(super) fn code(text: &str) -> String {
    text.lines()
        .map(|line| line.find("//").map_or(line, |at| &line[..at]))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The modules of `lib.rs` from the ground up, each with whether a line of its own stands above it.
fn floors() -> Vec<(String, bool)> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let lines: Vec<&str> = lib.lines().collect();
    let module = |line: &str| line.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned);
    let documented = |at: usize| at > 0 && lines[at - 1].starts_with("// ");
    lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((module(line)?, documented(at))))
        .collect()
}

/// Which module a file belongs to.
fn floor_of(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word(text: &str) -> &str {
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

/// Every place where `needle` stands as a path of its own, and what follows it.
fn paths<'a>(code: &'a str, needle: &'a str) -> impl Iterator<Item = &'a str> {
    let apart = |at: usize| !code[..at].ends_with(|c: char| is_word(c) || c == '$' || c == ':');
    code.match_indices(needle)
        .filter(move |(at, _)| apart(*at))
        .map(move |(at, _)| &code[at + needle.len()..])
}

/// The modules named by the `crate::` paths of a file, groups included.
fn used(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for rest in paths(code, "crate::") {
        let Some(group) = rest.strip_prefix('{') else {
            used.push(word(rest).to_owned());
            continue;
        };
        let (mut depth, mut item) = (0, String::new());
        for c in group.chars() {
            match c {
                '}' if depth == 0 => break,
                ',' if depth == 0 => used.push(std::mem::take(&mut item)),
                _ => {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    item.push(c);
                }
            }
        }
        used.push(item);
    }
    used.iter().map(|item| word(item.trim()).to_owned()).filter(|item| !item.is_empty()).collect()
}

#[test]
fn a_module_uses_only_those_above_it() {
    let floors: Vec<String> = floors().into_iter().map(|(name, _)| name).collect();
    let height = |name: &str| floors.iter().position(|floor| floor == name);
    let mut edges = 0;
    for (file, text) in sources() {
        if file == "main.rs" || file == "lib.rs" {
            continue;
        }
        let own = height(floor_of(&file))
            .unwrap_or_else(|| panic!("{file} belongs to no module of lib.rs"));
        for name in used(&code(&text)) {
            let other = height(&name)
                .unwrap_or_else(|| panic!("{file} uses crate::{name}, which is no module"));
            assert!(other <= own, "{file} uses crate::{name}, which stands below it");
            edges += 1;
        }
    }
    assert!(edges > 20, "the imports were not found");
}

#[test]
fn imports_are_read_as_they_are_written() {
    let code = code(
        "use crate::{a::{X, y::Z}, b, self as c,\n d::E};\nuse crate::f::G; // crate::g\nfn h() { crate::i::j(); $crate::k!() }",
    );
    assert_eq!(used(&code), ["a", "b", "self", "d", "f", "i"]);
}

#[test]
fn every_module_says_in_a_line_what_it_is() {
    let floors = floors();
    assert!(floors.len() >= 9, "the modules were not found");
    for (name, documented) in floors {
        assert!(documented, "{name}");
        let text =
            ["src/NAME.rs", "src/NAME/mod.rs"].map(|path| root().join(path.replace("NAME", &name)));
        let text = text.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap();
        assert!(
            name == "transport" || text.starts_with("//! "),
            "{name} does not begin with what it is for"
        );
    }
}

#[test]
fn an_outside_crate_has_one_door() {
    let doors: [(&str, &[&str]); 8] = [
        ("fred", &["store/redis"]),
        ("livekit_api", &["video"]),
        ("hyper_tungstenite", &["transport/ws", "http"]),
        ("tungstenite", &["transport/ws", "http"]),
        ("sqlx", &["account"]),
        ("rust_embed", &["http"]),
        ("clap", &["config", "main"]),
        ("ring", &["receipt"]),
    ];
    for (file, text) in sources() {
        let code = code(&text);
        let place = file.trim_end_matches(".rs");
        for (outside, allowed) in doors {
            let inside =
                allowed.iter().any(|door| place == *door || place.starts_with(&format!("{door}/")));
            let through =
                paths(&code, outside).any(|rest| rest.starts_with("::") || rest.starts_with(';'));
            assert!(inside || !through, "{file} uses {outside}, whose door is {allowed:?}");
        }
    }
}

#[test]
fn there_is_one_kind_of_lock() {
    for folder in ["src", "tests", "benches"] {
        for (file, text) in files(folder, &["rs"]) {
            let code = code(&text);
            for path in paths(&code, "std::")
                .filter(|rest| rest.starts_with('{') || rest.starts_with("sync::"))
            {
                let mut words = path.split(';').next().unwrap().split(|c| !is_word(c));
                let lock =
                    words.find(|word| ["Mutex", "RwLock", "Condvar", "PoisonError"].contains(word));
                assert!(
                    lock.is_none(),
                    "{folder}/{file}: {lock:?} of std; the others are parking_lot's"
                );
            }
        }
    }
}

#[test]
fn the_rules_of_a_room_know_no_clock_and_no_wire() {
    for (file, text) in sources().iter().filter(|(file, _)| floor_of(file) == "room") {
        let code = code(text);
        for outside in ["tokio", "hyper", "fred", "serde_json", "tracing"] {
            assert!(
                !paths(&code, outside).any(|rest| rest.starts_with("::")),
                "{file} uses {outside}"
            );
        }
        assert!(
            !code.contains("SystemTime") && !code.contains("Instant::"),
            "{file} looks at a clock"
        );
    }
}

#[test]
fn files_are_short_and_called_after_what_they_hold() {
    let mut found = 0;
    for (folder, endings) in [
        ("src", &["rs", "lua"][..]),
        ("tests", &["rs", "mjs", "py"]),
        ("benches", &["rs", "mjs", "py"]),
        ("public", &["ts", "svelte"]),
    ] {
        for (file, text) in files(folder, endings) {
            let (file, lines) = (format!("{folder}/{file}"), text.lines().count());
            // What is generated has one declaration for each frame, and is read by programs.
            let generated = file.starts_with("public/protocol/generated/");
            assert!(lines <= LONGEST || generated, "{file} has {lines} lines");
            found += 1;
        }
    }
    assert!(found > 400, "the files were not found");
    for (file, _) in sources() {
        for part in file.trim_end_matches(".rs").split('/') {
            assert!(
                !["util", "utils", "common", "helper", "helpers", "misc", "manager"]
                    .contains(&part),
                "{file}"
            );
        }
    }
}

#[test]
fn room_ids_stay_out_of_the_log() {
    for (file, text) in sources() {
        for call in paths(&code(&text), "tracing::") {
            let call = call.split(';').next().unwrap();
            assert!(
                !["room =", "%room", "?room"].iter().any(|field| call.contains(field)),
                "{file}: tracing::{call}"
            );
        }
    }
}
