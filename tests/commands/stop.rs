//! However a run ends, nothing of it remains.

use serde_json::json;

use super::{Place, alive, enqueue, lines, mark, run, zombies};
use crate::harness::{Database, Server, eventually};
use crate::jobs::{act, outcomes, text, until};

/// A family that does not want to go: the leader, a child and a grandchild whose parent is gone, and none heeds SIGTERM.
fn stubborn(mark: &str) -> String {
    let sleeper = format!("trap \"\" TERM INT HUP; while :; do sleep 1; done; : {mark}");
    format!(
        "trap '' TERM INT HUP; sh -c '{sleeper}' & (sh -c '{sleeper}' &) ; echo ready; while :; do sleep 1; done; : {mark}"
    )
}

async fn is_ready(server: &Server, id: &str) {
    let ready = || async { lines(server, id).await.contains(&"stdout ready".to_owned()).then_some(()) };
    eventually("the command is at work", ready).await;
}

async fn nobody_is_left(mark: &str) {
    eventually("nobody of the group is left", || async { (alive(mark) == 0).then_some(()) }).await;
}

#[tokio::test]
async fn whoever_heeds_sigterm_may_tidy_up() {
    let place =
        Place::script("trap 'echo tidied; exit 0' TERM; echo ready; while :; do sleep 0.1; done", "grace = \"20s\"");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let id = enqueue(&server, json!({}), json!({})).await;
    is_ready(&server, &id).await;
    act(&server, &id, "cancel", json!({"reason": "enough"})).await.expect(202);
    let job = until(&server, &id, "canceled").await;
    assert_eq!(text(&job, "error"), "canceled: enough", "it is canceled, whatever it answered");
    let written = lines(&server, &id).await;
    assert!(written.contains(&"stdout tidied".to_owned()), "what it says at last is kept: {written:?}");
    place.is_tidy().await;
}

#[tokio::test]
async fn the_whole_group_has_the_grace_and_not_its_leader_alone() {
    let place = Place::script(
        "sh -c 'trap \"sleep 1; echo the child, too; exit\" TERM; echo ready; while :; do sleep 0.1; done' & wait",
        "grace = \"10m\"",
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
    nobody_is_left(&mark).await;
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
    let id = enqueue(&server, json!({}), json!({"timeout": "1500ms"})).await;
    is_ready(&server, &id).await;
    let job = until(&server, &id, "failed").await;
    assert_eq!(text(&job, "error"), "timed out after 1.5s");
    nobody_is_left(&mark).await;
    assert_eq!(outcomes(&server, &id).await, ["timed_out"]);
    place.is_tidy().await;
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    let mark = mark();
    let place = Place::script(&format!("sh -c 'sleep 600; : {mark}' & echo 1 > result.json"), "");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let job = run(&server, json!({})).await;
    assert_eq!(job["result"], json!(1));
    nobody_is_left(&mark).await;
}

#[tokio::test]
async fn whoever_leaves_the_group_holds_nobody_up() {
    let mark = mark();
    let place = Place::script(
        &format!("setsid sh -c 'for n in $(seq 600); do sleep 1; done; : {mark}' & echo 1 > result.json; sleep 0.3"),
        "",
    );
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    assert_eq!(run(&server, json!({})).await["result"], json!(1));
    assert!(alive(&mark) > 0, "this is what remains possible, as the page says");
    std::process::Command::new("pkill").args(["-KILL", "-f", &mark]).status().unwrap();
}

#[tokio::test]
async fn a_worker_that_drains_hands_the_job_back_when_the_group_has_ended() {
    let mark = mark();
    let place = Place::script(&stubborn(&mark), "grace = \"300ms\"");
    let database = Database::new().await;
    let mut server = place.server(&database, &[("PROVOST_SHUTDOWN_GRACE", "200ms")]);
    let id = enqueue(&server, json!({}), json!({})).await;
    is_ready(&server, &id).await;
    assert_eq!(server.stop(), 0);
    assert_eq!(alive(&mark), 0, "a worker does not end before what it runs");
    assert!(place.folders().is_empty());
    let state = database.text("SELECT state || ' ' || failures FROM jobs WHERE kind = 'command.it'").await;
    assert_eq!(state, "queued 0");
}

#[tokio::test]
async fn a_second_signal_ends_them_at_once() {
    let mark = mark();
    let place = Place::script(&stubborn(&mark), "grace = \"1m\"");
    let database = Database::new().await;
    let mut server = place.server(&database, &[("PROVOST_SHUTDOWN_GRACE", "1m")]);
    let id = enqueue(&server, json!({}), json!({})).await;
    is_ready(&server, &id).await;
    server.signal("TERM");
    eventually("it is stopping", || async { server.raw_log().contains("a second signal").then_some(()) }).await;
    server.signal("TERM");
    assert_eq!(server.exit_code(), 130);
    nobody_is_left(&mark).await;
}

#[tokio::test]
async fn a_worker_that_is_killed_takes_its_program_along() {
    let mark = mark();
    // It neither reads nor writes, so that no broken pipe ends it.
    let place = Place::script(&format!("trap '' TERM HUP; echo ready; sleep 60; : {mark}"), "");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let id = enqueue(&server, json!({}), json!({})).await;
    is_ready(&server, &id).await;
    server.kill();
    nobody_is_left(&mark).await;
}

#[tokio::test]
async fn a_worker_elsewhere_stops_what_it_runs_when_its_lease_may_be_lost() {
    let mark = mark();
    let place = Place::script(&stubborn(&mark), "grace = \"1m\"");
    let database = Database::new().await;
    let server = crate::jobs::brisk(&database, &[("PROVOST_ROLES", "api,scheduler"), ("PROVOST_LEASE_TTL", "2s")]);
    let mut worker = place.worker(&server);
    let id = enqueue(&server, json!({}), json!({"max_attempts": 3})).await;
    is_ready(&server, &id).await;
    server.signal("STOP");
    nobody_is_left(&mark).await;
    place.is_tidy().await;
    server.signal("CONT");
    is_ready(&server, &id).await;
    let again = || async { (alive(&mark) >= 3).then_some(()) };
    eventually("it runs again", again).await;
    act(&server, &id, "cancel", json!({})).await.expect(202);
    // There is a minute of grace; whoever cannot wait sends two signals.
    worker.signal("TERM");
    worker.signal("TERM");
    worker.exit_code();
    nobody_is_left(&mark).await;
}
