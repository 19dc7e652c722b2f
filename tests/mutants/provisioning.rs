//! Guards of provisioning.

use serde_json::json;

use super::{catches_process, must};
use crate::projects::Setup;
use crate::projects::fences::takeover_ends_the_earlier_session;

#[tokio::test]
async fn m16_attempt_without_takeover_is_caught() {
    assert!(!takeover_ends_the_earlier_session(Some("m16")).await);
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
