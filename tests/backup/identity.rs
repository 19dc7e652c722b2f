//! Publications: PostgreSQL refuses updates and deletes of a published table that has no identity.

use provost::store::{Connector, migrate};
use serde_json::json;

use crate::harness::{Database, Server, eventually, start_cluster_with};
use crate::jobs::{act, enqueue, fast_server, simulated, text, until};
use crate::schedules::{schedule, wait_for_ticks};
use crate::workflows::{self, start, step};

/// Tables without a primary key or another replica identity.
const WITHOUT_IDENTITY: &str = "
    SELECT c.relname::text FROM pg_class c
    WHERE c.relnamespace = 'provost'::regnamespace AND c.relkind IN ('r', 'p') AND c.relreplident <> 'f'
      AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid
                      AND CASE c.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END)
    ORDER BY 1";

/// Updates and deletes no row of any table. PostgreSQL checks the identity of a published table even then.
const CHANGE_EVERY_TABLE: &str = "
    DO $$ DECLARE t record; BEGIN
        FOR t IN SELECT c.oid::regclass AS name, (SELECT min(attname) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND attidentity = '') AS any
                 FROM pg_class c WHERE c.relnamespace = 'provost'::regnamespace AND c.relkind IN ('r', 'p') LOOP
            EXECUTE format('UPDATE %s SET %2$I = %2$I WHERE false', t.name, t.any);
            EXECUTE format('DELETE FROM %s WHERE false', t.name);
        END LOOP;
    END $$";

/// Makes every record older than any retention.
const AGE: &str = "
    UPDATE jobs SET finished_at = finished_at - interval '900 days' WHERE finished_at IS NOT NULL;
    UPDATE past_executions SET ended_at = ended_at - interval '900 days';
    UPDATE execution_logs SET at = at - interval '900 days';
    UPDATE events SET occurred_at = occurred_at - interval '900 days';
    UPDATE ticks SET occurred_at = occurred_at - interval '900 days';
    UPDATE workflows SET finished_at = finished_at - interval '900 days' WHERE finished_at IS NOT NULL;
    UPDATE work_stats SET minute = minute - interval '900 days';
    UPDATE provision_stats SET minute = minute - interval '900 days';
    UPDATE job_keys SET expires_at = expires_at - interval '900 days';
    UPDATE idempotency_keys SET created_at = created_at - interval '900 days';
    UPDATE workers SET seen_at = seen_at - interval '900 days'";

#[tokio::test]
async fn every_table_has_a_replica_identity() {
    let database = Database::new().await;
    let found: Vec<String> = database.rows(WITHOUT_IDENTITY, &[]).await.iter().map(|row| row.get(0)).collect();
    assert!(found.is_empty(), "a publication would forbid updates and deletes of {found:?}");
    database.run("CREATE TABLE provost.bare (n integer)").await;
    assert_eq!(database.rows(WITHOUT_IDENTITY, &[]).await.len(), 1, "a table without identity is found");
}

/// Work of every kind, and its removal.
#[tokio::test]
async fn publication_of_all_tables_forbids_nothing() {
    let cluster = start_cluster_with("published", &[("wal_level", "logical")], None);
    let database = Database::at(cluster.url()).await;
    migrate(&Connector::parse(cluster.url()).unwrap()).await.unwrap();
    database.run("CREATE PUBLICATION everything FOR ALL TABLES").await;
    database.run(CHANGE_EVERY_TABLE).await;

    let server = fast_server(&database, &[]);
    work(&server).await;
    let open = "SELECT count(*) FROM jobs_live";
    eventually("all jobs have ended", async || (database.number(open).await == 0).then_some(())).await;
    assert_no_refusal(&server);
    drop(server);
    // Periodic tasks run at the start of a process, and then at intervals that a test should not wait for.
    let folding = fast_server(&database, &[("PROVOST_ROLES", "api,scheduler")]);
    let unfolded = "SELECT count(*) FROM job_counts c JOIN job_counts d USING (queue, kind, state) WHERE c.id < d.id";
    eventually("the counters are folded", async || (database.number(unfolded).await == 0).then_some(())).await;
    let lanes = "SELECT count(*) FROM lanes WHERE since < clock_timestamp()";
    eventually("the lanes are swept", async || (database.number(lanes).await == 0).then_some(())).await;
    database.check_invariants().await;
    assert_no_refusal(&folding);
    drop(folding);

    database.run(AGE).await;
    let classes = ["COMPLETED", "FAILED", "CANCELED", "EXECUTIONS", "EVENTS"].map(|it| format!("PROVOST_RETAIN_{it}"));
    let settings: Vec<_> = classes.iter().map(|it| (it.as_str(), "1h")).collect();
    let pruning = fast_server(&database, &settings);
    for (table, time) in [
        // Those of a project that never worked are kept: they say what it has made.
        ("jobs_finished WHERE (state = 'completed' OR project_id IS NULL)", "finished_at"),
        ("past_executions WHERE true", "ended_at"),
        ("workflows WHERE true", "finished_at"),
        ("ticks WHERE true", "occurred_at"),
        ("work_stats WHERE true", "minute"),
        ("provision_stats WHERE true", "minute"),
        ("idempotency_keys WHERE true", "created_at"),
    ] {
        let old = format!("SELECT count(*) FROM {table} AND {time} < clock_timestamp() - interval '9 days'");
        let what = format!("retention has removed every old row of {table}");
        eventually(&what, async || (database.number(&old).await == 0).then_some(())).await;
    }
    assert_no_refusal(&pruning);
}

/// Jobs that complete, fail and are canceled, a limit, a schedule, a workflow and a project with its operations.
async fn work(server: &Server) {
    let limit =
        json!({"name": "quick", "scope": "kind", "value": "noop", "mode": "rate", "limit": 100_000, "window": "1s"});
    server.post("/limits", limit).await.expect(201);
    let done = enqueue(server, json!({"kind": "noop", "idempotency_key": "once"})).await;
    let dead = simulated(server, json!({"outcome": "failed", "duration_ms": 0})).await;
    let delayed = enqueue(server, json!({"kind": "noop", "delay": "1h"})).await;
    act(server, &delayed, "cancel", json!({})).await.expect(200);
    until(server, &done, "completed").await;
    until(server, &dead, "failed").await;
    server.delete("/limits/quick").await.expect(204);

    schedule(server, "often", json!({"cron": "* * * * * *"})).await;
    let fired = wait_for_ticks(server, "often", "fired", 1).await;
    until(server, &text(&fired[0], "job_id"), "completed").await;
    server.delete("/schedules/often").await.expect(204);

    let steps = json!([step("a", &[], json!({})), step("b", &["a"], json!({}))]);
    let workflow = start(server, steps).await;
    workflows::until(server, &workflow, "completed").await;

    let project = server.ready("shop").await;
    server.failed("broken").await;
    server.delete(&format!("/projects/{project}")).await.expect(202);
    server.until(&project, "deleted").await;
}

fn assert_no_refusal(server: &Server) {
    let log = server.raw_log();
    assert!(!log.contains("replica identity"), "{log}");
}
