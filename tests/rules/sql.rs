//! SQL is in `sql/`, every statement prepares, and generated files are up to date.

use std::collections::BTreeSet;
use std::fs;

use provost::provision::postgres::sql::ALL as PROVISIONER;
use provost::store::invariants::INVARIANTS;
use provost::store::sql::{ALL, Statement};

use super::{root, sources, walk};
use crate::harness::Database;

#[test]
fn sql_is_only_in_sql_files() {
    // The table of statements recognizes those that change rows.
    for source in sources("src", "rs").into_iter().filter(|it| it.path != "src/store/sql.rs") {
        for word in ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "pg_notify", "LISTEN "] {
            let quoted = source.product().lines().any(|line| line.contains(&format!("\"{word}")));
            assert!(!quoted, "{} contains SQL: {word}", source.path);
        }
    }
}

#[test]
fn statements_and_files_match() {
    for (folder, statements) in [("sql/queries", ALL), ("sql/invariants", INVARIANTS)] {
        let files: BTreeSet<String> = walk(folder)
            .into_iter()
            .map(|path| path.strip_prefix(root(folder)).unwrap().with_extension("").display().to_string())
            .collect();
        let named: BTreeSet<String> = statements.iter().map(|statement| statement.name.to_owned()).collect();
        assert_eq!(files, named);
    }
}

fn every_statement() -> impl Iterator<Item = &'static Statement> {
    ALL.iter().chain(INVARIANTS)
}

#[tokio::test]
async fn statements_prepare_on_a_fresh_schema() {
    let database = Database::new().await;
    let client = database.connection().await;
    for statement in every_statement() {
        if let Err(error) = client.prepare(statement.text).await {
            panic!("{}: {error:?}", statement.name);
        }
    }
}

/// Statements that are sent to the clusters of projects, which have no schema of ours.
#[tokio::test]
async fn provisioner_statements_prepare_anywhere_and_match_files() {
    let files: BTreeSet<String> = walk("sql/provision/postgres")
        .into_iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let named: BTreeSet<String> = PROVISIONER.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, named);
    let database = Database::bare().await;
    let client = crate::harness::connect(&database.url).await;
    for (name, text) in PROVISIONER {
        assert!(text.starts_with("-- "), "{name} has no head comment");
        // The session is a batch of settings.
        if *name != "session" {
            client.prepare(text).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
    }
}

#[test]
fn statements_have_a_head_comment_and_no_now() {
    for statement in every_statement() {
        assert!(statement.text.starts_with("-- "), "{} has no head comment", statement.name);
        let is_code = |line: &&str| !line.trim_start().starts_with("--");
        let body: String = statement.text.lines().filter(is_code).collect();
        assert!(!body.trim_end().trim_end_matches(';').contains(';'), "{} is more than one statement", statement.name);
        assert!(!body.contains("now()"), "{} uses now(), which is the start of the transaction", statement.name);
    }
}

#[test]
fn env_example_matches_the_settings() {
    let file = fs::read_to_string(root(".env.example")).unwrap_or_default();
    assert!(file == provost::config::example(), "regenerate it: cargo run -- config --example > .env.example");
}

#[test]
fn build_script_sets_no_provost_variables() {
    // `cargo run` passes on what the build script sets, and an unknown PROVOST_ key keeps the program from starting.
    let build = fs::read_to_string(root("build.rs")).unwrap();
    assert!(!build.contains("rustc-env=PROVOST_") && !build.contains("rustc-env=DATABASE_URL"));
}

/// Comments of the store name statements as `noun/verb`.
#[test]
fn comments_name_existing_statements() {
    let known: BTreeSet<&str> = every_statement().map(|it| it.name).collect();
    let nouns: BTreeSet<&str> = known.iter().filter_map(|it| it.split('/').next()).collect();
    let mut findings = Vec::new();
    for source in sources("src/store", "rs") {
        let comments = source.text.lines().filter(|line| line.trim_start().starts_with("//"));
        for name in comments.flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let is_statement =
                name.split_once('/').is_some_and(|(noun, verb)| nouns.contains(noun) && !verb.contains(['.', '*']));
            if is_statement && !known.contains(name) {
                findings.push(format!("{}: {name}", source.path));
            }
        }
    }
    assert!(findings.is_empty(), "no such statements: {}", findings.join(", "));
}
