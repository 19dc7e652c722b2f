//! Which module may import which, and what only one module may do.

use super::sources;

/// Each module, and the modules that it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("signal", &[]),
    ("telemetry", &[]),
    ("mutant", &["domain"]),
    ("embedded", &[]),
    ("secrets", &[]),
    ("lines", &[]),
    ("program", &["domain", "lines", "signal"]),
    ("schema", &[]),
    ("template", &["domain", "schema"]),
    ("config", &["domain"]),
    ("log", &["config", "domain"]),
    ("connection", &["domain", "log"]),
    ("store", &["domain", "signal", "log", "mutant", "connection", "secrets"]),
    ("wire", &["domain"]),
    ("provision", &["domain", "lines", "log", "program", "signal", "mutant", "connection", "secrets", "template"]),
    ("handlers", &["domain", "lines", "log", "program", "schema", "signal", "provision", "template"]),
    (
        "engine",
        &[
            "domain",
            "signal",
            "config",
            "log",
            "telemetry",
            "mutant",
            "store",
            "provision",
            "handlers",
            "wire",
            "secrets",
        ],
    ),
    (
        "web",
        &["domain", "schema", "signal", "config", "log", "telemetry", "mutant", "store", "wire", "secrets", "template"],
    ),
];

/// Folders inside a module, and the folders that they must not import.
const MUST_NOT_IMPORT: &[(&str, &str)] =
    &[("src/web/api/", "web::dashboard"), ("src/web/ui/", "web::dashboard"), ("src/cli/output/", "cli::client")];

#[test]
fn imports_point_inward() {
    for source in sources("src", "rs") {
        let Some((module, allowed)) = MAY_IMPORT.iter().find(|(module, _)| module_of(&source.path) == *module) else {
            continue;
        };
        for used in source.text.split("crate::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let is_module = used == "cli" || MAY_IMPORT.iter().any(|(module, _)| *module == used);
            let is_allowed = !is_module || used == *module || allowed.contains(&used.as_str());
            assert!(is_allowed, "{}: {module} must not import {used}", source.path);
        }
    }
}

#[test]
fn inner_folders_keep_their_direction() {
    for (folder, forbidden) in MUST_NOT_IMPORT {
        for source in sources(folder, "rs") {
            assert!(!source.product().contains(forbidden), "{} must not import {forbidden}", source.path);
        }
    }
}

#[test]
fn only_the_engine_spawns_tasks() {
    for source in sources("src", "rs") {
        let spawns = ["tokio::spawn(", "spawn_local(", ".tasks.spawn(", "spawn_blocking("]
            .iter()
            .any(|it| source.product().contains(it));
        // Each session of a pool has a task that drives its connection.
        let may = module_of(&source.path) == "engine" || source.path == "src/store/pool.rs";
        assert!(!spawns || may, "{} spawns a task", source.path);
    }
}

#[test]
fn product_code_does_not_panic() {
    for source in sources("src", "rs") {
        for word in [".unwrap()", ".expect(", "unimplemented!", "todo!("] {
            assert!(!source.product().contains(word), "{} has {word}", source.path);
        }
    }
}

#[test]
fn every_source_file_belongs_to_a_module() {
    let (product, bench) = (sources("src", "rs"), sources("bench/src", "rs"));
    let files: Vec<_> = product.iter().chain(&bench).collect();
    for file in &files {
        let module = file.path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        let (folder, name) = module.rsplit_once('/').unwrap();
        let parents = ["mod.rs", "lib.rs", "main.rs"].map(|it| format!("{folder}/{it}"));
        let is_root = ["lib", "main"].contains(&name);
        let declares = |it: &str| it.lines().any(|line| line.trim_end().ends_with(&format!("mod {name};")));
        let is_declared = files
            .iter()
            .any(|it| (parents.contains(&it.path) || it.path == format!("{folder}.rs")) && declares(&it.text));
        assert!(is_root || is_declared, "{}: no module declares this file, so it is not compiled", file.path);
    }
}

#[test]
fn templates_escape_and_have_no_inline_code() {
    for source in sources("templates", "html") {
        for word in ["|safe", "| safe", " style=\"", " onclick=", " onload=", "javascript:"] {
            assert!(!source.text.contains(word), "{} has {word}", source.path);
        }
    }
}

fn module_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}
