//! What the guides say about the source is so: settings, files, links.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The documents in a folder.
fn in_folder(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".md")).map(|name| format!("{folder}/{name}")).collect()
}

/// Every document, by its path from the root.
fn documents() -> Vec<String> {
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
        .map(str::to_owned);
    top.into_iter()
        .chain(["docs", "docs/adr", "findings"].into_iter().flat_map(in_folder))
        .collect()
}

/// What stands between `open` and `close`, each time.
fn all_between<'a>(text: &'a str, open: &'a str, close: char) -> impl Iterator<Item = &'a str> {
    text.split(open)
        .skip(1)
        .filter_map(move |rest| rest.split_once(close))
        .map(|(inside, _)| inside)
}

/// The anchor that a heading gets on GitHub.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_setting_is_in_the_readme_and_the_reverse() {
    let source = text("src/config.rs") + &text("src/config/budgets.rs");
    let settings: BTreeSet<&str> = all_between(&source, "env = \"", '"').collect();
    assert!(settings.len() > 30, "the settings were not found");
    let readme = text("README.md");
    let table = readme
        .split_once("| variable | default | meaning |")
        .unwrap()
        .1
        .split("\n\n")
        .next()
        .unwrap();
    let names = table.lines().filter_map(|row| row.strip_prefix("| `")?.split(" | ").next());
    let documented: BTreeSet<&str> =
        names.flat_map(|cell| cell.split([' ', '`'])).filter(|name| !name.is_empty()).collect();
    assert_eq!(settings, documented);
}

#[test]
fn files_that_guides_name_are_there() {
    let mut found = 0;
    for guide in ["CONTRIBUTING.md", "ARCHITECTURE.md"] {
        let text = text(guide);
        for name in text.split('`').skip(1).step_by(2) {
            let top = ["src/", "public/", "tests/", "docs/", "findings/"]
                .iter()
                .any(|top| name.starts_with(top));
            let stands_for_any =
                name.contains([' ', '*']) || name.contains("NAME") || name.contains("xx");
            if top && !stands_for_any {
                assert!(root().join(name).exists(), "{guide} names {name}");
                found += 1;
            }
        }
    }
    assert!(found > 40, "the files were not found");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut found = 0;
    for document in documents() {
        let here = root().join(&document);
        for link in all_between(&text(&document), "](", ')') {
            if link.contains("://") || link.contains(' ') {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if path.is_empty() { here.clone() } else { here.parent().unwrap().join(path) };
            assert!(target.exists(), "{document} leads to {link}");
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let headings = text
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .map(|line| line.trim_start_matches('#'));
                assert!(
                    headings.map(anchor).any(|anchor| anchor == heading),
                    "{document} leads to {link}"
                );
            }
            found += 1;
        }
    }
    assert!(found > 60, "the links were not found");
}

/// The integration tests in a folder of `tests/it`.
fn tests_in(folder: &str) -> String {
    let files = fs::read_dir(root().join("tests/it").join(folder)).unwrap();
    files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

/// What the last cell of each row names, of the table with this head.
fn last_cells<'a>(document: &'a str, head: &str) -> BTreeSet<&'a str> {
    let (_, table) = document.split_once(head).unwrap();
    table
        .lines()
        .filter_map(|row| row.strip_suffix("` |")?.rsplit_once('`'))
        .map(|(_, name)| name)
        .collect()
}

fn names_of_tests(source: &str) -> BTreeSet<&str> {
    source
        .split("#[tokio::test")
        .skip(1)
        .map(|rest| all_between(rest, "async fn ", '(').next().unwrap())
        .collect()
}

#[test]
fn tests_that_the_table_of_attacks_names_are_there() {
    let source = tests_in("hosts");
    let document = text("docs/hosts.md");
    let named = last_cells(&document, "| attack | what happens | test |");
    assert!(named.len() > 40, "the table was not found");
    let tests = names_of_tests(&source);
    let wrong: Vec<&&str> = named.difference(&tests).collect();
    assert!(wrong.is_empty(), "docs/hosts.md names {wrong:?}");
}

#[test]
fn tests_that_the_table_of_livekits_behaviours_names_are_there() {
    let source = tests_in("video") + &text("src/hub/call_watch.rs");
    let document = text("docs/video.md");
    let named = last_cells(&document, "| what Parlor does | test |");
    assert!(named.len() > 5, "the table was not found");
    let tests = names_of_tests(&source);
    let wrong: Vec<&&str> = named.difference(&tests).collect();
    assert!(wrong.is_empty(), "docs/video.md names {wrong:?}");
}

#[test]
fn every_target_of_the_makefile_has_one_rule() {
    let makefile = text("Makefile");
    let phony = makefile.lines().find_map(|line| line.strip_prefix(".PHONY: ")).unwrap();
    let rules =
        |name: &str| makefile.lines().filter(|line| line.starts_with(&format!("{name}:"))).count();
    let wrong: Vec<&str> = phony.split(' ').filter(|name| rules(name) != 1).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for target in all_between(&text("Makefile"), "test: ", '#').next().unwrap().split_whitespace() {
        assert!(
            phony.split(' ').any(|name| name == target),
            "`make test` needs {target}, which is no target"
        );
    }
}
