//! Guards that stand in the schema: the processes of these scenarios make their database themselves.

use serde_json::json;

use super::{catches_process, sound};
use crate::diamonds::race;
use crate::harness::{Database, Server, eventually};

#[tokio::test]
async fn m4_whoever_looks_without_a_lock_whether_others_are_still_to_end_leaves_some_waiting_for_ever() {
    catches_process("m4", "stranded", |settings| async move { race(&settings).await }).await;
}

#[tokio::test]
async fn m9_a_due_time_that_two_saw_starts_twice_if_nobody_asks_and_nothing_forbids_it() {
    catches_process("m9", "due_times_start_once", |settings| async move {
        let database = Database::bare().await;
        let settings = [settings, vec![("PROVOST_ROLES", "api,scheduler")]].concat();
        let servers: Vec<Server> = (0..3).map(|_| Server::with(&database.url, &settings)).collect();
        for n in 0..4 {
            let wish = json!({"name": format!("s{n}"), "cron": "* * * * * *", "target": {"job": {"kind": "noop"}}});
            servers[0].post("/schedules", wish).await.expect(201);
        }
        let fired = "SELECT count(*) FROM ticks WHERE outcome = 'fired'";
        eventually("the schedules have fired", async || (database.number(fired).await >= 8).then_some(())).await;
        sound(&database).await
    })
    .await;
}
