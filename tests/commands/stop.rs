//! No process and no directory remains after an attempt, however the attempt ends.

use serde_json::json;

use super::{Place, alive, enqueue, lines, mark, run, zombies};
use crate::harness::{Database, Server, eventually};
use crate::jobs::{act, outcomes, text, until};

/// A script that ignores SIGTERM: a leader, a child, and an orphaned grandchild.
fn stubborn(mark: &str) -> String {
    let sleeper = format!("trap \"\" TERM INT HUP; while :; do sleep 1; done; : {mark}");
    format!(
        "trap '' TERM INT HUP; sh -c '{sleeper}' & (sh -c '{sleeper}' &) ; echo ready; while :; do sleep 1; done; : {mark}"
    )
}

async fn is_ready(server: &Server, id: &str) {
    let ready = || async { lines(server, id).await.contains(&"stdout ready".to_owned()).then_some(()) };
    eventually("the command is running", ready).await;
}

async fn is_gone(mark: &str) {
    eventually("no process of the group is left", || async { (alive(mark) == 0).then_some(()) }).await;
}

#[tokio::test]
async fn program_may_clean_up_after_sigterm() {
    let place =
        Place::script("trap 'echo tidied; exit 0' TERM; echo ready; while :; do sleep 0.1; done", "grace = \"20s\"");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let id = enqueue(&server, json!({}), json!({})).await;
    is_ready(&server, &id).await;
    act(&server, &id, "cancel", json!({"reason": "enough"})).await.expect(202);
    let job = until(&server, &id, "canceled").await;
    assert_eq!(text(&job, "error"), "canceled: enough", "canceled, whatever the exit code");
    let written = lines(&server, &id).await;
    assert!(written.contains(&"stdout tidied".to_owned()), "output after SIGTERM is kept: {written:?}");
    place.is_tidy().await;
}

#[tokio::test]
async fn whole_group_gets_the_grace_period() {
    let place = Place::script(
        "sh -c 'trap \"sleep 1; echo the child, too; exit\" TERM; echo ready; while :; do sleep 0.1; done' & wait",
        "grace = \"1m\"",
    );
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let id = enqueue(&server, json!({}), json!({})).await;
    is_ready(&server, &id).await;
    act(&server, &id, "cancel", json!({})).await.expect(202);
    until(&server, &id, "canceled").await;
    let written = lines(&server, &id).await;
    assert!(written.contains(&"stdout the child, too".to_owned()), "{written:?}");
    place.is_tidy().await;
}

#[tokio::test]
async fn cancel_kills_the_whole_group() {
    let mark = mark();
    let place = Place::script(&stubborn(&mark), "grace = \"300ms\"");
    let database = Database::new().await;
    let mut server = place.server(&database, &[]);
    let id = enqueue(&server, json!({}), json!({})).await;
    is_ready(&server, &id).await;
    assert!(alive(&mark) >= 3, "{}", alive(&mark));
    act(&server, &id, "cancel", json!({})).await.expect(202);
    until(&server, &id, "canceled").await;
    is_gone(&mark).await;
    assert_eq!((zombies(server.pid()), outcomes(&server, &id).await), (0, vec!["canceled".to_owned()]));
    place.is_tidy().await;
    assert_eq!(server.stop(), 0);
    database.check_invariants().await;
}

#[tokio::test]
async fn a_timeout_kills_the_whole_group() {
    let mark = mark();
    let place = Place::script(&stubborn(&mark), "grace = \"300ms\"");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let id = enqueue(&server, json!({}), json!({"timeout": "5s"})).await;
    is_ready(&server, &id).await;
    let job = until(&server, &id, "failed").await;
    assert_eq!(text(&job, "error"), "timed out after 5s");
    is_gone(&mark).await;
    assert_eq!(outcomes(&server, &id).await, ["timed_out"]);
    place.is_tidy().await;
}

#[tokio::test]
async fn leftover_processes_end_with_the_program() {
    let mark = mark();
    let place = Place::script(&format!("sh -c 'sleep 600; : {mark}' & echo 1 > result.json"), "");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let job = run(&server, json!({})).await;
    assert_eq!(job["result"], json!(1));
    is_gone(&mark).await;
}

#[tokio::test]
async fn process_outside_the_group_blocks_nothing() {
    let mark = mark();
    let place = Place::script(
        &format!("setsid sh -c 'for n in $(seq 600); do sleep 1; done; : {mark}' & echo 1 > result.json; sleep 0.3"),
        "",
    );
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    assert_eq!(run(&server, json!({})).await["result"], json!(1));
    assert!(alive(&mark) > 0, "documented: such a process survives");
    std::process::Command::new("pkill").args(["-KILL", "-f", &mark]).status().unwrap();
}

#[tokio::test]
async fn draining_worker_releases_after_the_group_ended() {
    let mark = mark();
    let place = Place::script(&stubborn(&mark), "grace = \"300ms\"");
    let database = Database::new().await;
    let mut server = place.server(&database, &[("PROVOST_SHUTDOWN_GRACE", "200ms")]);
    let id = enqueue(&server, json!({}), json!({})).await;
    is_ready(&server, &id).await;
    assert_eq!(server.stop(), 0);
    assert_eq!(alive(&mark), 0, "a worker outlives its programs");
    assert!(place.folders().is_empty());
    let state = database.text("SELECT state || ' ' || failures FROM jobs WHERE kind = 'command.it'").await;
    assert_eq!(state, "queued 0");
}

#[tokio::test]
async fn second_signal_kills_programs_at_once() {
    let mark = mark();
    let place = Place::script(&stubborn(&mark), "grace = \"1m\"");
    let database = Database::new().await;
    let mut server = place.server(&database, &[("PROVOST_SHUTDOWN_GRACE", "1m")]);
    let id = enqueue(&server, json!({}), json!({})).await;
    is_ready(&server, &id).await;
    server.signal("TERM");
    eventually("the worker is stopping", || async { server.raw_log().contains("a second signal").then_some(()) }).await;
    server.signal("TERM");
    assert_eq!(server.exit_code(), 130);
    is_gone(&mark).await;
}

#[tokio::test]
async fn program_ends_when_its_worker_is_killed() {
    let mark = mark();
    // The program uses no pipe, so no SIGPIPE ends it.
    let place = Place::script(&format!("trap '' TERM HUP; echo ready; sleep 60; : {mark}"), "");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let id = enqueue(&server, json!({}), json!({})).await;
    is_ready(&server, &id).await;
    server.kill();
    is_gone(&mark).await;
}

#[tokio::test]
async fn remote_worker_stops_when_its_lease_may_be_lost() {
    let mark = mark();
    let place = Place::script(&stubborn(&mark), "grace = \"1m\"");
    let database = Database::new().await;
    let server =
        crate::jobs::fast_server(&database, &[("PROVOST_ROLES", "api,scheduler"), ("PROVOST_LEASE_TTL", "2s")]);
    let mut worker = place.worker(&server);
    let id = enqueue(&server, json!({}), json!({"max_attempts": 3})).await;
    is_ready(&server, &id).await;
    server.signal("STOP");
    is_gone(&mark).await;
    place.is_tidy().await;
    server.signal("CONT");
    is_ready(&server, &id).await;
    let again = || async { (alive(&mark) >= 3).then_some(()) };
    eventually("the job runs again", again).await;
    act(&server, &id, "cancel", json!({})).await.expect(202);
    // A second signal skips the grace of a minute.
    worker.signal("TERM");
    worker.signal("TERM");
    worker.exit_code();
    is_gone(&mark).await;
}
