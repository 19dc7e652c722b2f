//! The rules of the house, kept by tests: who may import whom, where SQL stands, how long a file may be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use provost::store::invariants::INVARIANTS;
use provost::store::sql::{ALL, Statement};

use crate::harness::Database;

/// Each room, and the rooms that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("signal", &[]),
    ("config", &["domain"]),
    ("log", &["config", "domain"]),
    ("telemetry", &[]),
    ("mutant", &["domain"]),
    ("embedded", &[]),
    ("store", &["domain", "signal", "log", "mutant"]),
    ("wire", &["domain"]),
    ("provision", &["domain", "log", "signal"]),
    ("handlers", &["domain", "log", "signal", "provision"]),
    ("engine", &["domain", "signal", "config", "log", "telemetry", "mutant", "store", "provision", "handlers", "wire"]),
    ("web", &["domain", "signal", "config", "log", "telemetry", "mutant", "store", "wire"]),
    // It measures the others from outside and from within, so it may know everyone; only `cli` knows it.
    (
        "bench",
        &[
            "domain",
            "signal",
            "config",
            "log",
            "telemetry",
            "embedded",
            "store",
            "provision",
            "handlers",
            "wire",
            "engine",
            "cli",
        ],
    ),
];

#[test]
fn imports_point_inward_only() {
    for (path, text) in sources("src") {
        let Some((room, allowed)) = MAY_USE.iter().find(|(room, _)| room_of(&path) == *room) else { continue };
        for used in text.split("crate::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let known = MAY_USE.iter().any(|(room, _)| *room == used) || used == "cli";
            assert!(
                !known || used == *room || allowed.contains(&used.as_str()),
                "{}: {room} may not use {used}",
                path.display()
            );
        }
    }
}

#[test]
fn only_the_engine_spawns() {
    for (path, text) in sources("src") {
        let spawns = ["tokio::spawn(", "spawn_local(", ".tasks.spawn(", "spawn_blocking("]
            .iter()
            .any(|it| code(&text).contains(it));
        // The bench is a load from outside: its producers are tasks that end with the measurement.
        assert!(!spawns || ["engine", "bench"].contains(&room_of(&path).as_str()), "{} spawns", path.display());
    }
}

#[test]
fn no_sql_stands_outside_sql() {
    for (path, text) in sources("src") {
        for word in ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "pg_notify", "LISTEN "] {
            let quoted = code(&text).lines().any(|line| line.contains(&format!("\"{word}")));
            assert!(!quoted, "{} holds SQL: {word}", path.display());
        }
    }
}

#[test]
fn every_statement_has_its_file_and_every_file_its_statement() {
    for (folder, statements) in [("sql/queries", ALL), ("sql/invariants", INVARIANTS)] {
        let files: BTreeSet<String> = walk(folder)
            .into_iter()
            .map(|path| path.strip_prefix(root(folder)).unwrap().with_extension("").display().to_string())
            .collect();
        let named: BTreeSet<String> = statements.iter().map(|statement| statement.name.to_owned()).collect();
        assert_eq!(files, named);
    }
    // Those of the bench are named without their folder; beside them are scripts.
    for statement in provost::bench::sql::ALL {
        assert!(root(&format!("sql/bench/{}.sql", statement.name)).is_file(), "{}", statement.name);
    }
}

fn every_statement() -> impl Iterator<Item = &'static Statement> {
    ALL.iter().chain(INVARIANTS).chain(provost::bench::sql::ALL)
}

#[tokio::test]
async fn every_statement_prepares_against_a_fresh_schema() {
    let database = Database::new().await;
    let client = database.connection().await;
    for statement in every_statement() {
        if let Err(error) = client.prepare(statement.text).await {
            panic!("{}: {error:?}", statement.name);
        }
    }
}

#[test]
fn every_statement_says_what_it_does_and_is_one_statement() {
    for statement in every_statement() {
        assert!(statement.text.starts_with("-- "), "{} begins without a comment", statement.name);
        let is_code = |line: &&str| !line.trim_start().starts_with("--");
        let body: String = statement.text.lines().filter(is_code).collect();
        assert!(!body.trim_end().trim_end_matches(';').contains(';'), "{} is more than one statement", statement.name);
        assert!(!body.contains("now()"), "{} asks now(), which is the start of the transaction", statement.name);
    }
}

#[test]
fn the_example_environment_is_the_table_of_settings() {
    let file = fs::read_to_string(root(".env.example")).unwrap_or_default();
    assert!(file == provost::config::example(), "write it anew: cargo run -- config --example > .env.example");
}

#[test]
fn the_build_leaves_nothing_in_the_environment_that_would_be_an_unknown_setting() {
    // `cargo run` passes on what the build script sets, and an unknown PROVOST_ key keeps the program from starting.
    let build = fs::read_to_string(root("build.rs")).unwrap();
    assert!(!build.contains("rustc-env=PROVOST_") && !build.contains("rustc-env=DATABASE_URL"));
}

#[test]
fn files_stay_short() {
    for folder in ["src", "tests", "templates", "sql"] {
        for path in walk(folder) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= 400, "{} has {lines} lines: is it still one room?", path.display());
        }
    }
}

#[test]
fn nothing_on_a_path_from_outside_may_panic() {
    for (path, text) in sources("src") {
        for word in [".unwrap()", ".expect(", "unimplemented!", "todo!("] {
            assert!(!code(&text).contains(word), "{} has {word}", path.display());
        }
    }
}

#[test]
fn templates_never_switch_escaping_off_and_carry_no_inline_code() {
    for path in walk("templates") {
        let text = fs::read_to_string(&path).unwrap();
        for word in ["|safe", "| safe", " style=\"", " onclick=", " onload=", "javascript:"] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}

/// The text before its unit tests; nothing of a file that is all tests.
fn code(text: &str) -> &str {
    text.split("[cfg(test)]").next().unwrap_or(text)
}

fn room_of(path: &Path) -> String {
    let inside = path.strip_prefix(root("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let files = walk(folder).into_iter().filter(|path| path.extension().is_some_and(|it| it == "rs"));
    files.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn walk(folder: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
