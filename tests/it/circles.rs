//! No file uses another that uses it in turn, be it by way of others or of what a parent re-exports. A parent and its
//! own children may: `mod.rs` names them all.

use std::collections::{BTreeMap, BTreeSet};

use crate::house::{code, files, is_word, root};

/// A module by its path within the crate; the root is empty.
type Module = Vec<String>;

/// What uses what.
type Edges<T> = BTreeMap<T, BTreeSet<T>>;

/// The edges from which one can come back.
fn circles<T: Ord + Clone>(edges: &Edges<T>) -> Edges<T> {
    let comes_back = |start: &T, from: &T| {
        let (mut seen, mut next) = (BTreeSet::from([from]), vec![from]);
        while let Some(at) = next.pop().filter(|at| *at != start) {
            next.extend(edges.get(at).into_iter().flatten().filter(|used| seen.insert(*used)));
        }
        seen.contains(start)
    };
    let within = |(from, used): (&T, &BTreeSet<T>)| {
        let used: BTreeSet<T> =
            used.iter().filter(|used| comes_back(from, used)).cloned().collect();
        (!used.is_empty()).then(|| (from.clone(), used))
    };
    edges.iter().filter_map(within).collect()
}

/// The single paths of a tree as `use` takes it.
fn leaves(tree: &str) -> Vec<String> {
    let Some((before, group)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap().split_whitespace().collect()];
    };
    let (mut depth, mut items) = (0, vec![String::new()]);
    for c in group[..group.rfind('}').unwrap()].chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match c {
            ',' if depth == 0 => items.push(String::new()),
            c => items.last_mut().unwrap().push(c),
        }
    }
    items
        .iter()
        .filter(|item| !item.trim().is_empty())
        .flat_map(|item| leaves(&format!("{before}{}", item.trim())))
        .collect()
}

/// What the `use` lines of a file name.
fn imports(code: &str) -> Vec<String> {
    let uses = code.match_indices("use ").filter(|(at, _)| !code[..*at].ends_with(is_word));
    uses.filter_map(|(at, word)| code[at + word.len()..].split_once(';'))
        .flat_map(|(tree, _)| leaves(tree))
        .collect()
}

/// Every path from the crate, the parent or the module itself, also in the midst of code.
fn mentions(code: &str) -> Vec<String> {
    let starts =
        ["crate::", "super::", "self::"].into_iter().flat_map(|start| code.match_indices(start));
    let apart =
        starts.filter(|(at, _)| !code[..*at].ends_with(|c| is_word(c) || c == ':' || c == '$'));
    apart
        .map(|(at, _)| code[at..].chars().take_while(|c| is_word(*c) || *c == ':').collect())
        .collect()
}

/// The code of a crate, without what only its unit tests see, by module.
fn modules(folder: &str) -> BTreeMap<Module, String> {
    let module = |file: &str| {
        let mut parts: Module =
            file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if ["mod", "lib", "main"].contains(&parts.last().unwrap().as_str()) {
            parts.pop();
        }
        parts
    };
    let mut modules = BTreeMap::<Module, String>::new();
    for (file, text) in files(folder, &["rs"]) {
        let seen = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let seen: Vec<&str> = seen.lines().filter(|line| !line.contains("cfg_attr(test")).collect();
        *modules.entry(module(&file)).or_default() += &code(&seen.join("\n"));
    }
    modules
}

/// A path as the crate's root would write it; none if it leads out of the crate.
fn absolute(module: &[String], path: &str, modules: &BTreeMap<Module, String>) -> Option<Module> {
    let mut parts = path.split("::").filter(|part| !part.is_empty()).peekable();
    let mut at = module.to_vec();
    match *parts.peek()? {
        "crate" => at.clear(),
        "self" | "super" => {}
        child if modules.contains_key(&[module, &[child.to_owned()]].concat()) => {}
        _ => return None,
    }
    for part in parts {
        match part {
            "crate" | "self" => {}
            "super" => drop(at.pop()),
            part => at.push(part.to_owned()),
        }
    }
    Some(at)
}

/// The module that a path leads into, past what others re-export.
fn home(
    path: &[String],
    modules: &BTreeMap<Module, String>,
    names: &BTreeMap<Module, Module>,
) -> Module {
    let mut path = path.to_vec();
    for _ in 0..8 {
        let known = (0..=path.len())
            .rev()
            .find(|at| modules.contains_key(&path[..*at]))
            .unwrap_or_default();
        let Some(other) = path
            .get(..=known)
            .and_then(|name| names.get(name))
            .filter(|other| other[..] != path[..=known])
        else {
            return path[..known].to_vec();
        };
        path = [other, &path[known + 1..]].concat();
    }
    path
}

/// Which module uses which, but for parents and their children.
fn edges(folder: &str) -> Edges<Module> {
    let modules = modules(folder);
    let mut names = BTreeMap::new();
    for (module, code) in &modules {
        for path in imports(code).iter().filter_map(|path| absolute(module, path, &modules)) {
            names.extend(path.last().cloned().map(|name| ([&module[..], &[name]].concat(), path)));
        }
    }
    let mut edges = Edges::<Module>::new();
    for (module, code) in &modules {
        for path in imports(code)
            .iter()
            .chain(&mentions(code))
            .filter_map(|path| absolute(module, path, &modules))
        {
            let used = home(&path, &modules, &names);
            if !used.starts_with(module) && !module.starts_with(&used) {
                edges.entry(module.clone()).or_default().insert(used);
            }
        }
    }
    edges
}

/// The file that an import of the page names.
fn page_file(from: &str, import: &str, files: &BTreeMap<String, String>) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in import.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    ["", ".ts", ".svelte.ts", ".svelte"]
        .iter()
        .map(|ending| format!("{path}{ending}"))
        .find(|path| files.contains_key(path))
}

fn page_edges() -> Edges<String> {
    let files: BTreeMap<String, String> = files("public", &["ts", "svelte"]).into_iter().collect();
    let mut edges = Edges::<String>::new();
    for (file, text) in &files {
        for import in
            text.match_indices("\".").filter_map(|(at, _)| text[at + 1..].split('"').next())
        {
            edges.entry(file.clone()).or_default().extend(page_file(file, import, &files));
        }
    }
    edges
}

#[test]
fn no_module_uses_one_that_uses_it() {
    let mut found = 0;
    for folder in
        ["src", "benches/load", "benches/scale", "tests/it", "tests/support", "tests/faults"]
    {
        assert!(root().join(folder).is_dir(), "{folder}");
        let edges = edges(folder);
        found += edges.values().map(BTreeSet::len).sum::<usize>();
        assert_eq!(circles(&edges), Edges::new(), "{folder}");
    }
    assert!(found > 300, "the imports were not found: {found}");
}

#[test]
fn no_file_of_the_page_imports_one_that_imports_it() {
    let edges = page_edges();
    let found = edges.values().map(BTreeSet::len).sum::<usize>();
    assert!(found > 300, "the imports were not found: {found}");
    assert_eq!(circles(&edges), Edges::new());
}

#[test]
fn a_circle_is_found_through_others_and_through_a_parent() {
    let edge = |(from, to): &(&'static str, &'static str)| (*from, BTreeSet::from([*to]));
    let round = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "d")];
    let left: Vec<&str> = circles(&round.iter().map(edge).collect()).into_keys().collect();
    assert_eq!(left, ["a", "b", "c"]);
    assert!(circles(&round[1..].iter().map(edge).collect()).is_empty());
    assert_eq!(
        imports("pub(super) use super::{a::{X, y::Z}, b, self as c,\n d::E as F}; fn reuse() {}"),
        ["super::a::X", "super::a::y::Z", "super::b", "super::self", "super::d::E"]
    );
    assert_eq!(mentions("fn f() { crate::g::h(); $crate::k!(); other::self::l }"), ["crate::g::h"]);
    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
    let modules: BTreeMap<Module, String> =
        ["a", "a::b", "a::c"].iter().map(|path| (module(path), String::new())).collect();
    let named = absolute(&module("a::b"), "super::Thing::new", &modules).unwrap();
    let names = BTreeMap::from([(module("a::Thing"), module("a::c::Thing"))]);
    assert_eq!(
        (home(&named, &modules, &names), absolute(&module("a"), "std::fs", &modules)),
        (module("a::c"), None)
    );
    let page = ["views/App.svelte", "session/room-session.svelte.ts"]
        .map(|file| (file.to_owned(), String::new()))
        .into();
    assert_eq!(
        page_file("views/App.svelte", "../session/room-session", &page).as_deref(),
        Some("session/room-session.svelte.ts")
    );
}
