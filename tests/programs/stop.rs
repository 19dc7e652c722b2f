//! Programs that are stopped: by a cancellation, by a worker that stops, and by one that is killed.

use serde_json::json;

use super::{KEY, Setup};
use crate::commands::{alive, mark};
use crate::harness::eventually;

/// Waits for SIGINT, then ends in an orderly way.
const WAITS: &str = "cat >/dev/null; trap 'echo tidied >&2; echo x >>$R/tidied; exit 1' INT; echo x >>$R/started; \
                     while [ ! -e $R/go ]; do sleep 0.05; done; touch $R/thing";
const REMOVE: (&str, &str) = ("deprovision", "cat >/dev/null; echo x >>$R/removals; rm -f $R/thing");
const OBSERVE: (&str, &str) = ("observe", "cat >/dev/null; test -e $R/thing || exit 3");

#[tokio::test]
async fn cancel_stops_the_program_in_an_orderly_way() {
    let it = Setup::new(&[("provision", WAITS), REMOVE], "").await;
    let id = it.create("shop", json!({})).await;
    it.until_made("started").await;
    it.server.post(&format!("/projects/{id}/cancel"), json!({})).await.expect(202);
    let failed = it.server.until(&id, "failed").await;
    assert_eq!((it.made("tidied").as_deref(), it.made("removals").as_deref()), (Some("x\n"), Some("x\n")));
    assert_eq!(failed["failure"]["undone"], json!(["provision"]), "{failed}");
    assert_eq!(failed["failure"]["code"], "canceled");
    assert!(it.lines(&id).await.contains(&"stderr tidied".to_owned()));
    it.place.is_tidy().await;
    it.database.check_invariants().await;
}

#[tokio::test]
async fn deletion_stops_the_program_then_removes() {
    let it = Setup::new(&[("provision", WAITS), REMOVE, OBSERVE], "on_failure = \"keep\"").await;
    let id = it.create("shop", json!({})).await;
    it.until_made("started").await;
    it.server.delete(&format!("/projects/{id}")).await.expect(202);
    it.server.until(&id, "deleted").await;
    assert_eq!((it.made("tidied").as_deref(), it.made("removals").as_deref()), (Some("x\n"), Some("x\n")));
}

#[tokio::test]
async fn stopping_worker_interrupts_but_does_not_undo() {
    let settings = [("PROVOST_SHUTDOWN_GRACE", "100ms")];
    let mut it = Setup::with(&[("provision", WAITS), REMOVE, OBSERVE], "", &settings).await;
    let id = it.create("shop", json!({})).await;
    it.until_made("started").await;
    assert_eq!(it.server.stop(), 0);
    assert_eq!((it.made("tidied").as_deref(), it.made("removals")), (Some("x\n"), None));
    std::fs::write(it.place.path().join("made/go"), "").unwrap();
    it.server = it.place.server(&it.database, &[KEY]);
    let project = it.server.until(&id, "ready").await;
    assert_eq!((it.made("started").as_deref(), it.made("removals")), (Some("x\nx\n"), None), "{project}");
    it.database.check_invariants().await;
}

#[tokio::test]
async fn killed_worker_leaves_a_step_that_resumes() {
    let mark = mark();
    let makes = format!("{WAITS}; echo x >>$R/made; sleep 60; : {mark}");
    let mut it = Setup::new(&[("provision", &makes), REMOVE, OBSERVE], "").await;
    std::fs::write(it.place.path().join("made/go"), "").unwrap();
    let id = it.create("shop", json!({})).await;
    it.until_made("made").await;
    it.server.kill();
    eventually("the program ends with its worker", || async { (alive(&mark) == 0).then_some(()) }).await;
    it.server = it.place.server(&it.database, &[KEY]);
    it.server.until(&id, "ready").await;
    assert_eq!(it.made("started").as_deref(), Some("x\n"), "observe found the thing, so nothing ran again");
    assert_eq!(it.steps(&id).await, ["provision done"]);
    it.database.check_invariants().await;
}
