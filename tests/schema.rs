//! The schema as a whole: what the files under `sql/schema` and `sql/migrations` produce, and how functions are replaced.

use std::collections::BTreeSet;

use provost::store::schema::parts;
use provost::store::{Connector, MigrateError, migrate, pending};

use crate::harness::Database;

const CATALOG: &str = include_str!("schema/catalog.sql");
const UUID_V7: &str = "SELECT prosrc FROM pg_proc WHERE oid = 'provost.uuid_v7'::regproc";

/// Compares the schema of a fresh database with `tests/schema/snapshot.txt`. The first version of that file described the
/// schema before its migrations were squashed. After an intended change, write it again with
/// `UPDATE_SNAPSHOT=1 cargo test --features chaos --test it -- fresh_schema`, and review the difference.
#[tokio::test]
async fn fresh_schema_matches_snapshot() {
    let database = Database::new().await;
    let actual: String = database.rows(CATALOG, &[]).await.iter().map(|row| row.get::<_, String>(0) + "\n").collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schema/snapshot.txt");
    if std::env::var_os("UPDATE_SNAPSHOT").is_some() {
        std::fs::write(path, &actual).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    let only_in = |one: &str, other: &str, sign: &str| -> Vec<String> {
        let known: BTreeSet<&str> = other.lines().collect();
        one.lines().filter(|line| !known.contains(line)).map(|line| format!("{sign} {line}")).collect()
    };
    let difference = [only_in(&expected, &actual, "-"), only_in(&actual, &expected, "+")].concat();
    assert!(difference.is_empty(), "the schema differs from its snapshot:\n{}", difference.join("\n"));
}

#[test]
fn manifest_lists_every_schema_file() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let (mut files, mut folders) = (BTreeSet::new(), vec![root.join("schema"), root.join("migrations")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "sql") {
                let name =
                    path.strip_prefix(root.join("schema")).or_else(|_| path.strip_prefix(root.join("migrations")));
                files.insert(name.unwrap().with_extension("").display().to_string());
            }
        }
    }
    assert_eq!(files, parts().map(|it| it.name.to_owned()).collect());
}

#[tokio::test]
async fn function_is_replaced_when_its_file_changed() {
    let (database, connector) = database_with_other_function().await;
    database.run("UPDATE schema_functions SET hash = '' WHERE name = 'functions/uuid_v7'").await;
    let names = |pending: Vec<(String, String)>| pending.into_iter().map(|it| it.0).collect::<Vec<_>>();
    assert_eq!(names(pending(&connector).await.unwrap()), ["functions/uuid_v7"]);
    assert_eq!(migrate(&connector).await.unwrap().applied, 0);
    assert!(database.text(UUID_V7).await.contains("gen_random_uuid"));
    assert!(pending(&connector).await.unwrap().is_empty());
}

#[tokio::test]
async fn function_is_kept_when_its_file_is_unchanged() {
    let (database, connector) = database_with_other_function().await;
    assert!(pending(&connector).await.unwrap().is_empty());
    migrate(&connector).await.unwrap();
    assert_eq!(database.text(UUID_V7).await, "SELECT NULL::uuid");
}

#[tokio::test]
async fn older_program_keeps_functions_of_newer_one() {
    let (database, connector) = database_with_other_function().await;
    database.run("UPDATE schema_functions SET hash = '', program_version = '{999,0,0}'").await;
    assert!(pending(&connector).await.unwrap().is_empty());
    migrate(&connector).await.unwrap();
    assert_eq!(database.text(UUID_V7).await, "SELECT NULL::uuid");
    assert_eq!(database.text("SELECT DISTINCT program_version FROM schema_functions").await, "{999,0,0}");
}

#[tokio::test]
async fn newer_program_marks_all_functions_as_its_own() {
    let (database, connector) = database_with_other_function().await;
    database.run("UPDATE schema_functions SET program_version = '{0,0,1}'").await;
    migrate(&connector).await.unwrap();
    assert_eq!(database.number("SELECT count(*) FROM schema_functions WHERE program_version = '{0,0,1}'").await, 0);
}

#[tokio::test]
async fn concurrent_starts_replace_functions_once() {
    let (database, connector) = database_with_other_function().await;
    database.run("UPDATE schema_functions SET hash = ''").await;
    let all = futures_util::future::join_all((0..8).map(|_| migrate(&connector))).await;
    assert!(all.into_iter().all(|done| done.is_ok()));
    assert!(database.text(UUID_V7).await.contains("gen_random_uuid"));
    assert_eq!(database.number("SELECT count(*) FROM schema_functions WHERE hash = ''").await, 0);
}

#[tokio::test]
async fn prerelease_schema_is_refused() {
    let database = Database::bare().await;
    database.run("CREATE SCHEMA provost; CREATE TABLE provost.refinery_schema_history (version integer)").await;
    let refused = migrate(&Connector::parse(&database.url).unwrap()).await;
    assert!(matches!(refused, Err(MigrateError::Prerelease)), "{refused:?}");
}

/// A migrated database in which one function has another body than its file.
async fn database_with_other_function() -> (Database, Connector) {
    let database = Database::new().await;
    database
        .run("CREATE OR REPLACE FUNCTION uuid_v7() RETURNS uuid LANGUAGE sql VOLATILE AS $$SELECT NULL::uuid$$")
        .await;
    let connector = Connector::parse(&database.url).unwrap();
    (database, connector)
}
