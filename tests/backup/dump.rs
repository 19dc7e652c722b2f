//! `pg_dump`, and a restore in another cluster.

use super::unfinished::Unfinished;
use super::{database_in, run, run_file};
use crate::harness::{Database, start_cluster_with};

#[tokio::test]
async fn dumped_work_goes_on_in_another_cluster() {
    let original = Database::new().await;
    let work = Unfinished::make(&original).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let dump = |options: &[&str], name: &str| {
        run("pg_dump", &[options, &["--file", file(name).to_str().unwrap(), &original.url]].concat());
    };
    dump(&["--format=custom"], "whole");
    dump(&["--schema-only"], "schema.sql");
    dump(&["--data-only", "--disable-triggers"], "data.sql");

    let cluster = start_cluster_with("restored", &[], None);
    let whole = database_in(cluster.url(), "whole").await;
    run("pg_restore", &["--exit-on-error", "--no-owner", "--dbname", &whole.url, file("whole").to_str().unwrap()]);
    let apart = database_in(cluster.url(), "apart").await;
    for name in ["schema.sql", "data.sql"] {
        run_file(&apart.url, &file(name));
    }
    for copy in [&whole, &apart] {
        let id = "SELECT id FROM installation";
        assert_eq!(copy.text(id).await, original.text(id).await, "a restored database is the same installation");
        work.goes_on(copy).await;
    }
}
