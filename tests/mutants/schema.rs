//! Guards in the schema: the processes of these scenarios migrate their database themselves.

use serde_json::json;

use super::{catches_process, sound};
use crate::diamonds::race;
use crate::harness::{Database, Server, eventually};

#[tokio::test]
async fn m4_unlocked_fan_in_is_caught() {
    catches_process("m4", "stuck", |settings| async move { race(&settings).await }).await;
}

#[tokio::test]
async fn m9_schedule_fired_twice_is_caught() {
    catches_process("m9", "due_times_start_once", |settings| async move {
        let database = Database::bare().await;
        let settings = [settings, vec![("PROVOST_ROLES", "api,scheduler")]].concat();
        let servers: Vec<Server> = (0..3).map(|_| Server::with(&database.url, &settings)).collect();
        for n in 0..4 {
            let schedule = json!({"name": format!("s{n}"), "cron": "* * * * * *", "target": {"job": {"kind": "noop"}}});
            servers[0].post("/schedules", schedule).await.expect(201);
        }
        let fired = "SELECT count(*) FROM ticks WHERE outcome = 'fired'";
        eventually("the schedules have fired", async || (database.number(fired).await >= 8).then_some(())).await;
        sound(&database).await
    })
    .await;
}
