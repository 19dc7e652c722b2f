//! Guards of provisioning.

use serde_json::json;

use super::{catches_process, must};
use crate::fences::{Finding, Selection};
use crate::projects::Setup;
use crate::projects::fences::takeover_ends_the_earlier_session;

#[tokio::test]
async fn m16_attempt_without_takeover_is_caught() {
    assert!(!takeover_ends_the_earlier_session(Some("m16")).await);
}

/// A `CREATE DATABASE` that arrives after the project was deleted.
#[tokio::test]
async fn m16_is_caught_by_the_fault_matrix() {
    let options = "--operation create --step database --fault kill --point during,inside --mutant m16";
    let selection = Selection::read(options.split(' ').map(str::to_owned));
    for _ in 0..super::ROUNDS {
        let report = crate::fences::run(&selection, false).await;
        let is_caught = |it: &Finding| it.wrong.iter().any(|wrong| wrong.contains("after what was late"));
        if report.findings.iter().all(is_caught) {
            return;
        }
        assert!(report.missed() > 0, "{:#?}", report.findings);
    }
    panic!("no fault ever hit its place");
}

#[tokio::test]
async fn m17_password_that_is_not_stored_is_caught() {
    catches_process("m17", "secret", |settings| async move {
        let setup = Setup::with(&settings).await;
        let id = setup.ready("a", json!({})).await;
        let answer = setup.server.post(&format!("/projects/{id}/reveal"), json!({})).await;
        must(answer.status == 200, format!("the secret cannot be revealed: {}", answer.text))
    })
    .await;
}
