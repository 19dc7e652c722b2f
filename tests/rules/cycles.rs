//! No file imports a file that imports it back, directly or through others. Files of one small folder may: they are one module.

use std::collections::{BTreeMap, BTreeSet};

use super::sources;

/// The most files of a folder within which cycles are allowed.
const SMALL_MODULE: usize = 8;

type Graph = BTreeMap<String, BTreeSet<String>>;

#[test]
fn imports_have_no_cycles() {
    let graph = graph();
    let reachable: BTreeMap<&String, BTreeSet<String>> = graph.keys().map(|file| (file, reach(&graph, file))).collect();
    let mut findings = Vec::new();
    for (file, targets) in &reachable {
        let cycle: Vec<&String> = targets.iter().filter(|it| *it != *file && reachable[it].contains(*file)).collect();
        let folder = folder_of(file);
        let is_small = graph.keys().filter(|it| folder_of(it) == folder).count() <= SMALL_MODULE;
        let stays_inside = cycle.iter().all(|it| folder_of(it) == folder);
        if !(cycle.is_empty() || is_small && stays_inside) {
            findings.push(format!("{file} is in an import cycle with {cycle:?}"));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Each file, and the files whose items its `use` declarations name. `mod.rs` files that only declare and re-export count as the
/// public interface of the folder; importing an item through them counts as importing the file that defines the re-export.
fn graph() -> Graph {
    let all = sources("src", "rs");
    let modules: BTreeMap<Vec<String>, String> = all.iter().map(|it| (module_of(&it.path), it.path.clone())).collect();
    let mut graph = Graph::new();
    for source in &all {
        let here = module_of(&source.path);
        let targets = graph.entry(source.path.clone()).or_default();
        for path in imports(source.product(), &here) {
            // The longest prefix that is a file; the last segment may be an item of it.
            let file = (1..=path.len()).rev().find_map(|n| modules.get(&path[..n]));
            if let Some(file) = file.filter(|it| **it != source.path && !is_parent(it, &source.path)) {
                targets.insert(file.clone());
            }
        }
    }
    graph
}

/// A module may use items of its parent modules; a parent that declares the module does not import it.
fn is_parent(file: &str, child: &str) -> bool {
    file.ends_with("/mod.rs") && child.starts_with(file.trim_end_matches("mod.rs"))
}

fn reach(graph: &Graph, start: &str) -> BTreeSet<String> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![start.to_owned()]);
    while let Some(file) = next.pop() {
        for target in graph.get(&file).into_iter().flatten() {
            if seen.insert(target.clone()) {
                next.push(target.clone());
            }
        }
    }
    seen
}

fn module_of(path: &str) -> Vec<String> {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    inside.split('/').map(str::to_owned).collect()
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The paths of all private `use` declarations, from the root of the crate. Re-exports (`pub use`) are not counted as imports.
fn imports(text: &str, here: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("use ") {
        let starts_line = rest[..at].rsplit('\n').next().is_some_and(|before| before.trim().is_empty());
        rest = &rest[at + 4..];
        if !starts_line {
            continue;
        }
        let tree = rest.split(';').next().unwrap_or_default();
        for path in flatten("", tree) {
            let segments: Vec<&str> = path.split("::").map(str::trim).collect();
            let base = match segments.first() {
                Some(&"crate") => Vec::new(),
                Some(&"self") => here.to_vec(),
                Some(&"super") => here[..here.len().saturating_sub(1)].to_vec(),
                _ => continue,
            };
            let ups = segments.iter().skip(1).take_while(|it| **it == "super").count();
            let base = base[..base.len().saturating_sub(ups)].to_vec();
            let tail = segments
                .iter()
                .skip(1 + ups)
                .take_while(|it| **it != "self")
                .map(|it| it.split(' ').next().unwrap_or_default().to_owned());
            paths.push(base.into_iter().chain(tail).collect());
        }
    }
    paths
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn flatten(prefix: &str, tree: &str) -> Vec<String> {
    let Some((head, inner)) = tree.split_once('{') else { return vec![format!("{prefix}{}", tree.trim())] };
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let prefix = format!("{prefix}{}", head.trim());
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[from..]);
    parts.into_iter().filter(|it| !it.trim().is_empty()).flat_map(|part| flatten(&prefix, part)).collect()
}
