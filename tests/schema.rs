//! The schema as a whole: what the files under `sql/schema` and `sql/migrations` produce.

use crate::harness::Database;

const CATALOG: &str = include_str!("schema/catalog.sql");

/// Compares the schema of a fresh database with `tests/schema/snapshot.txt`. The first version of that file described the
/// schema before its migrations were squashed. After an intended change, write it again:
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
    let changed = |one: &str, other: &str, sign: &str| -> Vec<String> {
        let known: Vec<&str> = other.lines().collect();
        one.lines().filter(|line| !known.contains(line)).map(|line| format!("{sign} {line}")).collect()
    };
    let difference = [changed(&expected, &actual, "-"), changed(&actual, &expected, "+")].concat();
    assert!(difference.is_empty(), "the schema differs from its snapshot:\n{}", difference.join("\n"));
}
