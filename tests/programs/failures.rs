//! Programs that fail, print nonsense, or are not configured.

use serde_json::json;

use super::{CANARY, Setup};
use crate::commands::Place;
use crate::harness::{Server, eventually};

const REMOVE: (&str, &str) = ("deprovision", "cat >$R/deprovision.json; echo x >>$R/removals");

#[tokio::test]
async fn failure_is_retried_then_undone() {
    let fails = "echo x >>$R/tries; echo first >&2; echo 'no quota' >&2; exit 7";
    let it = Setup::new(&[("provision", fails), REMOVE], "max_attempts = 2").await;
    let id = it.create("shop", json!({})).await;
    let failed = it.server.until(&id, "failed").await;
    let failure = &failed["failure"];
    assert_eq!((&failure["step"], &failure["code"]), (&json!("provision"), &json!("program_failed")));
    assert_eq!(
        (&failure["message"], &failure["undone"]),
        (&json!("provision: Exit code 7: no quota"), &json!(["provision"]))
    );
    assert_eq!((it.made("tries").unwrap(), it.made("removals").unwrap()), ("x\nx\n".into(), "x\n".into()));
    let input = it.input("deprovision.json");
    assert_eq!((&input["operation"], &input["undo"]), (&json!("create"), &json!(true)));
    assert_eq!(it.lines(&id).await.iter().filter(|it| *it == "stderr first").count(), 2);
    it.place.is_tidy().await;
    it.database.check_invariants().await;
}

#[tokio::test]
async fn refusal_is_not_retried() {
    let refuses = "echo x >>$R/tries; echo 'size is not sold here' >&2; exit 64";
    let it = Setup::new(&[("provision", refuses), REMOVE], "max_attempts = 5\non_failure = \"keep\"").await;
    let id = it.create("shop", json!({})).await;
    let failed = it.server.until(&id, "failed").await;
    assert_eq!(failed["failure"]["code"], "program_refused");
    assert_eq!(failed["failure"]["retryable"], false);
    assert_eq!((it.made("tries").unwrap(), it.made("removals")), ("x\n".into(), None));
}

#[tokio::test]
async fn undeclared_output_is_refused_unseen() {
    let prints = "echo x >>$R/tries; echo '{\"password\": \"'$(cat $R/canary)'\"}'";
    let it = Setup::new(&[("provision", prints), REMOVE], "max_attempts = 5").await;
    let id = it.create("shop", json!({})).await;
    let failed = it.server.until(&id, "failed").await;
    assert_eq!(failed["failure"]["code"], "invalid_outputs");
    let message = failed["failure"]["message"].as_str().unwrap();
    assert!(message.contains("\"password\" is not declared") && !message.contains(CANARY), "{message}");
    assert_eq!(it.made("tries").unwrap(), "x\n");
    assert!(!it.lines(&id).await.concat().contains(CANARY), "stdout is not logged");
}

#[tokio::test]
async fn operation_without_a_program_is_refused() {
    let it = Setup::new(&[("provision", "true"), REMOVE], "").await;
    let id = it.ready("shop", json!({})).await;
    for verb in ["rotate", "pause"] {
        let refused = it.server.post(&format!("/projects/{id}/{verb}"), json!({})).await.expect(409);
        assert_eq!(refused.code(), "not_supported");
        assert!(refused.text.contains(&format!("does not support the operation {verb}")), "{}", refused.text);
    }
    let refused = it.server.patch(&format!("/projects/{id}"), json!({"parameters": {}})).await.expect(409);
    assert_eq!(refused.code(), "not_supported");
    let template = it.server.get("/templates/it").await.json();
    assert_eq!(template["unsupported"], json!(["clone", "update", "rotate", "pause", "resume", "retire", "restore"]));
    assert_eq!(it.server.get(&format!("/projects/{id}")).await.json()["status"], "ready");
}

#[tokio::test]
async fn every_mistake_in_the_settings_ends_the_start() {
    let place = Place::with(
        "[templates.it]\nprovisioner = \"command\"\n[templates.it.settings]\nprovision = []\nupdate = [\"no-such\"]\n\
         deprovision = [\"true\"]\ngrace = \"soon\"\nenv = [\"DATABASE_URL\"]\n",
    );
    for words in [&["serve"][..], &["worker", "--server", "http://127.0.0.1:1"]] {
        let ended = Server::command().args(words).current_dir(place.path()).output().unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{stderr}");
        for key in ["provision", "update", "grace", "env"] {
            assert!(stderr.contains(&format!("templates.it.settings.{key} (provost.toml)")), "{key}: {stderr}");
        }
    }
}

/// An undo that fails can be continued, or skipped where a person has done its work.
#[tokio::test]
async fn failed_undo_is_continued_or_skipped() {
    let scripts = [("provision", "touch $R/thing; exit 64"), ("deprovision", "test -e $R/repaired && rm -f $R/thing")];
    let it = Setup::with(&scripts, "", &[("PROVOST_MAX_ATTEMPTS", "1")]).await;
    let create = async || {
        let id = it.create("shop", json!({})).await;
        let failed = it.server.until(&id, "failed").await;
        assert_eq!(failed["failure"]["kept"], json!(["provision"]), "{failed}");
        assert_eq!(it.steps(&id).await, ["provision undo_failed"]);
        id
    };
    let id = create().await;
    let path = format!("/projects/{id}");
    let explained = it.server.get(&format!("{path}/explain")).await.expect(200).json();
    assert_eq!(explained["possible"], json!(["retry", "undo", "skip", "delete"]), "{explained}");
    assert_eq!(explained["steps"][0]["state"], "undo_failed");
    // Still stuck, so it fails again.
    it.server.post(&format!("{path}/undo"), json!({})).await.expect(202);
    it.server.until(&id, "failed").await;
    assert_eq!(it.steps(&id).await, ["provision undo_failed"]);
    std::fs::write(it.place.path().join("made/repaired"), "").unwrap();
    it.server.post(&format!("{path}/undo"), json!({"reason": "repaired"})).await.expect(202);
    let failed = it.server.until(&id, "failed").await;
    assert_eq!((&failed["failure"]["kept"], &failed["failure"]["undone"]), (&json!([]), &json!(["provision"])));
    assert!(it.made("thing").is_none());
    it.server.post(&format!("{path}/undo"), json!({})).await.expect(409);
    it.server.post(&format!("{path}/skip"), json!({})).await.expect(409);

    std::fs::remove_file(it.place.path().join("made/repaired")).unwrap();
    let id = create().await;
    it.server.post(&format!("/projects/{id}/skip"), json!({"reason": "removed by hand"})).await.expect(202);
    let failed = it.server.until(&id, "failed").await;
    assert_eq!(failed["failure"]["kept"], json!(["provision"]), "it says what may be left");
    assert_eq!(it.steps(&id).await, ["provision undo_skipped"]);
    it.database.check_invariants().await;
}

/// A clone is told about its source.
#[tokio::test]
async fn program_clones_a_project() {
    let scripts =
        [("provision", "echo '{\"at\": \"here\"}'"), ("clone", "cat > $R/input; echo '{\"at\": \"there\"}'"), REMOVE];
    let it = Setup::new(&scripts, "settings.outputs.at = {}").await;
    let source = it.ready("shop", json!({})).await;
    let clone = it.server.post(&format!("/projects/{source}/clone"), json!({"name": "copy"})).await.expect(201).json();
    it.server.until(clone["id"].as_str().unwrap(), "ready").await;
    let input = it.input("input");
    assert_eq!(input["source"], json!({"id": source, "outputs": {"at": "here"}}));
    assert_eq!((&input["operation"], &clone["labels"]), (&json!("clone"), &json!({"team": "x"})));
}

/// An operation that is canceled while it waits for its next attempt is undone like one that is canceled during an attempt.
#[tokio::test]
async fn canceled_wait_for_an_attempt_is_undone() {
    let scripts = [("provision", "touch $R/thing; exit 1"), ("deprovision", "rm -f $R/thing")];
    let it = Setup::with(&scripts, "", &[("PROVOST_MAX_ATTEMPTS", "50")]).await;
    let id = it.create("shop", json!({})).await;
    let path = format!("/projects/{id}");
    eventually("it waits for another attempt", async || {
        let operations = it.server.get(&format!("{path}/operations")).await.json();
        (operations[0]["state"] == "retrying").then_some(())
    })
    .await;
    it.server.post(&format!("{path}/cancel"), json!({})).await.expect(202);
    let failed = it.server.until(&id, "failed").await;
    assert_eq!(failed["failure"]["undone"], json!(["provision"]), "{failed}");
    assert!(it.made("thing").is_none());
}
