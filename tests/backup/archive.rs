//! A base backup with an archive of the log, and recovery to a moment before a mistake.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use provost::store::{Connector, migrate};

use super::unfinished::Unfinished;
use super::{folder_of, run};
use crate::harness::{Database, eventually, start_cluster_with};

#[tokio::test]
async fn recovery_ends_before_the_mistake_and_work_goes_on() {
    let archive = tempfile::tempdir().unwrap();
    // As root, PostgreSQL runs as another user.
    std::fs::set_permissions(archive.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let archive = archive.path().display();
    let archiving = format!("cp %p {archive}/%f");
    let original = start_cluster_with("archived", &[("archive_mode", "on"), ("archive_command", &archiving)], None);
    let database = Database::at(original.url()).await;
    migrate(&Connector::parse(original.url()).unwrap()).await.unwrap();

    let (from, to) = (folder_of("archived"), folder_of("recovered"));
    std::fs::create_dir(&to).unwrap();
    let data = to.join("data");
    run("pg_basebackup", &["--dbname", original.url(), "--pgdata", data.to_str().unwrap(), "--checkpoint=fast"]);

    // What follows is in the archive alone.
    let work = Unfinished::make(&database).await;
    database.run("SELECT pg_create_restore_point('before_the_mistake')").await;
    database
        .run("SET session_replication_role = replica; DELETE FROM jobs; DELETE FROM projects; DELETE FROM schedules")
        .await;
    let last = database.text("SELECT pg_walfile_name(pg_switch_wal())").await;
    let archived = format!("SELECT count(*) FROM pg_stat_archiver WHERE last_archived_wal >= '{last}'");
    eventually("the log is archived", async || (database.number(&archived).await > 0).then_some(())).await;
    drop((database, original));

    std::fs::write(data.join("recovery.signal"), "").unwrap();
    std::fs::copy(from.join("password"), to.join("password")).unwrap();
    let owner = std::fs::metadata(from.join("data")).unwrap();
    let owner = format!("{}:{}", owner.uid(), owner.gid());
    assert!(Command::new("chown").args(["-R", &owner]).arg(&data).status().unwrap().success());
    let recovery = [
        ("restore_command", &*format!("cp {archive}/%f %p")),
        ("recovery_target_name", "before_the_mistake"),
        ("recovery_target_action", "promote"),
    ];
    let recovered = start_cluster_with("recovered", &recovery, None);
    work.goes_on(&Database::at(recovered.url()).await).await;
}
