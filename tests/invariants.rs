//! `provost doctor`: each invariant holds on a sound database and finds its corruption.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use provost::domain::schedule::{
    Cause, Misfire, MisfirePolicy, Overlap, ScheduleDefinition, ScheduleState, Target, Timing,
};
use provost::domain::{JobState, Outcome, WorkflowState};
use provost::store::Store;
use provost::store::invariants::INVARIANTS;
use provost::store::schedules::Firing;
use provost::wire::CreateJob;
use serde_json::Value;
use time::macros::datetime;

use crate::harness::worker::{EXPIRED_LEASE, LONG_LEASE, claim, claimer, enqueue, flow, reap, settle_as, store};
use crate::harness::{Database, Server};

/// Some rows of every kind: a completed job, a replayed dead letter, an active job, a reaped job, a waiting job, a ready project
/// and one in progress, workflows in several states, two limits and a worker.
async fn population(database: &Database) {
    let store = store(database).await;
    for (outcome, attempts) in [(Outcome::done(), ""), (Outcome::fatal("no"), ", max_attempts => 1")] {
        enqueue(database, attempts).await;
        let claimed = claim(&store, "w1", LONG_LEASE).await;
        settle_as(&store, &claimed, outcome, "w1").await;
    }
    let audit = provost::store::Audit { actor: "test".into(), request_id: None, reason: None };
    let dead = database.text("SELECT id FROM jobs WHERE state = 'failed'").await.parse().unwrap();
    store.retry_jobs(&[dead], &provost::store::jobs::Edit::default(), true, &audit).await.unwrap();
    let claimed = claim(&store, "w1", LONG_LEASE).await;
    settle_as(&store, &claimed, Outcome::fatal("still no"), "w1").await;

    enqueue(database, ", queue => 'lapsing'").await;
    claim(&store, "w1", EXPIRED_LEASE).await;
    reap(&store).await;
    let again = claim(&store, "w2", LONG_LEASE).await;
    settle_as(&store, &again, Outcome::done(), "w2").await;
    enqueue(database, ", queue => 'narrow', tenant => 'acme', idempotency_key => 'k1'").await;
    claim(&store, "w2", LONG_LEASE).await;
    enqueue(database, ", queue => 'waiting', delay => '1 hour'").await;

    database.run("SELECT create_project('ready'), create_project('on its way')").await;
    let mut me = claimer("w3", LONG_LEASE);
    me.kinds = vec!["project.provision".into()];
    let provision = store.claim_jobs(&me, 1).await.unwrap().jobs.remove(0);
    let done = crate::harness::worker::settlement(Outcome::done());
    store.settle_job(&provision.lease, done, &[], "w3").await.unwrap();
    fire_once(&store).await;
    flows(database, &store).await;
    database
        .run(
            "INSERT INTO limits (name, scope, value, mode, amount, tokens, actor, updated_at)
             VALUES ('narrow', 'queue', 'narrow', 'concurrency', 1, 0, 'test', clock_timestamp() - interval '1 hour');
             INSERT INTO limits (name, scope, value, mode, amount, window_s, burst, tokens, actor, updated_at)
             VALUES ('slow', 'tenant', 'acme', 'rate', 1, 60, 1, 1, 'test', clock_timestamp() - interval '1 hour');
             INSERT INTO events (entity, entity_name, previous_state, new_state, actor)
             SELECT 'limit', name, 'none', 'enabled', 'test' FROM limits;
             INSERT INTO workers (id, host, pid, version, state, queues, kinds, slots, busy, started_at, seen_at)
             VALUES ('w9', 'h', 1, '0', 'online', '{*}', '{noop}', 4, 0, clock_timestamp() - interval '1 hour', clock_timestamp());
             INSERT INTO events (entity, entity_name, previous_state, new_state, actor) VALUES ('worker', 'w9', 'none', 'online', 'w9')",
        )
        .await;
}

/// A completed workflow that a schedule started, a failed one with every policy, and a running one.
async fn flows(database: &Database, store: &Store) {
    let on: &[&str] = &["a"];
    let whole = flow(database, "whole", "schedule:hourly", &[("a", &[], ""), ("b", on, "block")]).await;
    let tick = "INSERT INTO ticks (schedule_id, due_at, since, cause, outcome, workflow_id, actor)
                SELECT id, created_at - interval '1 day', created_at - interval '1 day', 'backfill', 'fired', $1, 'schedule:hourly' FROM schedules";
    database.rows(tick, &[&whole]).await;
    let steps: &[(&str, &[&str], &str)] =
        &[("a", &[], ""), ("b", on, "block"), ("c", on, "cancel"), ("d", on, "allow_failed")];
    flow(database, "broken", "test", steps).await;
    flow(database, "running", "test", &[("a", &[], ""), ("b", on, "block")]).await;
    for (queue, outcome) in [
        ("whole", Some(Outcome::done())),
        ("whole", Some(Outcome::done())),
        ("broken", Some(Outcome::fatal("no"))),
        ("broken", Some(Outcome::done())),
        ("running", None),
    ] {
        let mut me = claimer("w1", LONG_LEASE);
        me.queues = vec![queue.into()];
        let claimed = store.claim_jobs(&me, 1).await.unwrap().jobs.remove(0);
        if let Some(outcome) = outcome {
            settle_as(store, &claimed, outcome, "w1").await;
        }
    }
    let states = database.text("SELECT string_agg(state, ' ' ORDER BY id) FROM workflows").await;
    assert_eq!(states, "completed failed running");
}

/// A schedule that has started one job and skipped earlier due times.
async fn fire_once(store: &Store) {
    let start = datetime!(2026-01-01 00:00 UTC);
    let job = CreateJob { kind: "noop".into(), queue: Some("by-schedule".into()), ..CreateJob::default() };
    let plan = ScheduleDefinition {
        name: "hourly".into(),
        state: ScheduleState::Enabled,
        timing: Timing::parse("0 * * * *", "UTC", start).unwrap(),
        misfire_policy: MisfirePolicy { misfire: Misfire::Latest, catch_up: 0, grace: Duration::ZERO },
        overlap: Overlap::Allow,
        jitter: Duration::ZERO,
        target: Target::Job(Box::new(job.checked(3).unwrap())),
    };
    let audit = provost::store::Audit { actor: "schedule:hourly".into(), request_id: None, reason: None };
    store.put_schedule(&plan, Some(start), None, &audit).await.unwrap();
    let found = store.due_schedules(1, &[]).await.unwrap();
    let due = &found.due[0];
    let verdict = plan.misfire_policy.evaluate(&plan.timing, due.next_at, found.at, plan.batch());
    let starts: Vec<_> = verdict.fire.iter().map(|at| plan.run_at(due.id, *at, Cause::Due)).collect();
    let firing = Firing {
        schedule: due.id,
        revision: due.revision,
        cause: Cause::Due,
        starts: &starts,
        missed: verdict.missed,
        missed_reason: "missed",
        next: verdict.next,
    };
    let operation_policy = provost::store::projects::OperationPolicy { deadline: LONG_LEASE, max_attempts: 3 };
    let fired = store.fire_schedule(&firing, operation_policy, &audit).await.unwrap().unwrap();
    assert_eq!((fired.started, fired.left_out), (1, 0));
    assert!(
        store.fire_schedule(&firing, operation_policy, &audit).await.unwrap().is_none(),
        "the revision has changed"
    );
}

/// Corruptions of each invariant. They run without triggers and constraints.
const CORRUPTIONS: &[(&str, &str)] = &[
    ("active_jobs_have_one_execution", "UPDATE jobs SET worker_id = NULL WHERE state = 'active'"),
    ("active_jobs_have_one_execution", "UPDATE jobs SET worker_id = 'else' WHERE state = 'queued'"),
    ("active_jobs_have_one_execution",
     "INSERT INTO past_executions SELECT * FROM (SELECT execution_id, id, attempt, worker_id, claimed_at, clock_timestamp(), 'failed', NULL, kind, queue, run_at FROM jobs WHERE state = 'active') AS x"),
    ("every_job_exists_once",
     "INSERT INTO jobs (id, state, kind, run_at, payload, max_attempts, created_at, updated_at)
      SELECT id, 'queued', kind, run_at, '{}', 3, created_at, updated_at FROM jobs WHERE state = 'completed'"),
    ("every_job_exists_once", "DELETE FROM jobs WHERE state = 'completed'"),
    ("waiting_jobs_have_a_lane", "DELETE FROM lanes"),
    ("waiting_jobs_have_a_lane", "UPDATE lanes SET since = since + interval '1 hour'"),
    ("attempts_have_no_gaps", "DELETE FROM past_executions WHERE outcome = 'lease_expired'"),
    ("attempts_have_no_gaps", "UPDATE jobs SET attempt = attempt + 1 WHERE state = 'completed'"),
    ("retry_budgets_are_kept", "UPDATE jobs SET failures = max_attempts, attempt = max_attempts WHERE state = 'active'"),
    ("retry_budgets_are_kept", "UPDATE jobs SET failures = attempt + 1 WHERE state = 'completed'"),
    ("concurrency_limits_are_kept", "UPDATE limits SET amount = 0 WHERE name = 'narrow'"),
    ("dead_letters_have_a_reason", "UPDATE jobs SET error = NULL WHERE state = 'failed'"),
    ("due_times_are_handled", "UPDATE schedules SET next_at = clock_timestamp() - interval '31 seconds'"),
    ("due_times_start_once",
     "INSERT INTO ticks (schedule_id, due_at, since, cause, outcome, job_id, actor)
      SELECT schedule_id, due_at, since, 'backfill', 'fired', gen_random_uuid(), 'x' FROM ticks WHERE job_id IS NOT NULL"),
    ("due_times_start_once", "UPDATE ticks SET workflow_id = NULL, job_id = (SELECT job_id FROM ticks WHERE job_id IS NOT NULL) WHERE outcome = 'fired'"),
    ("due_times_start_once", "UPDATE ticks SET workflow_id = gen_random_uuid(), job_id = NULL WHERE outcome = 'fired';
      UPDATE ticks SET workflow_id = (SELECT min(workflow_id::text)::uuid FROM ticks) WHERE outcome = 'fired'"),
    ("dependencies_match_job_flags", "UPDATE jobs SET has_dependencies = false WHERE state = 'blocked'"),
    ("dependencies_match_job_flags", "UPDATE jobs SET has_dependencies = true WHERE state = 'scheduled'"),
    ("dependencies_match_job_flags", "DELETE FROM jobs WHERE state = 'blocked'"),
    ("dependencies_match_outcomes", "UPDATE job_dependencies SET outcome = NULL WHERE outcome = 'failed'"),
    ("dependencies_match_outcomes", "UPDATE job_dependencies SET outcome = 'completed' WHERE outcome IS NULL"),
    ("dependencies_match_outcomes", "UPDATE job_dependencies SET outcome = NULL, depends_on = gen_random_uuid()"),
    ("executions_do_not_overlap", "UPDATE past_executions SET claimed_at = claimed_at - interval '1 minute' WHERE attempt = 2"),
    ("finished_jobs_hold_no_lease", "UPDATE jobs SET lease_until = clock_timestamp() WHERE state = 'completed'"),
    ("finished_jobs_hold_no_lease", "UPDATE jobs SET finished_at = NULL WHERE state = 'completed'"),
    ("generated_ids_are_new", "SELECT setval(pg_get_serial_sequence('provost.events', 'id'), 1)"),
    ("generated_ids_are_new", "ALTER TABLE lanes ALTER id RESTART"),
    ("idempotency_keys_have_one_job",
     "INSERT INTO jobs (id, state, kind, tenant, run_at, payload, max_attempts, idempotency_key, created_at, updated_at)
      SELECT gen_random_uuid(), 'queued', kind, tenant, clock_timestamp(), '{}', 3, key, clock_timestamp(), clock_timestamp() FROM job_keys"),
    ("idempotency_keys_have_one_job", "UPDATE job_keys SET job_id = (SELECT id FROM jobs WHERE state = 'failed' AND workflow_id IS NULL)"),
    ("job_counters_are_exact", "UPDATE jobs SET queue = 'elsewhere' WHERE state = 'completed'"),
    ("jobs_match_events", "UPDATE jobs SET state = 'canceled' WHERE state = 'failed'"),
    ("jobs_match_events", "DELETE FROM events WHERE entity = 'job'"),
    ("jobs_finish_once",
     "INSERT INTO events (entity, entity_id, previous_state, new_state, actor, execution_id)
      SELECT 'job', id, 'active', 'completed', 'x', execution_id FROM jobs WHERE state = 'completed'"),
    ("expired_leases_are_reclaimed_soon", "UPDATE past_executions SET claimed_at = claimed_at + interval '3 seconds' WHERE attempt = 2"),
    ("leases_are_not_overdue", "UPDATE jobs SET lease_until = clock_timestamp() - interval '6 seconds' WHERE state = 'active'"),
    ("active_projects_have_one_job", "UPDATE jobs SET project_id = NULL WHERE kind = 'project.provision' AND state = 'queued'"),
    ("active_projects_have_one_job", "UPDATE jobs SET state = 'queued' WHERE kind = 'project.provision' AND state = 'completed'"),
    ("due_jobs_are_claimed",
     "UPDATE jobs SET run_at = clock_timestamp() - interval '1 minute', updated_at = clock_timestamp() - interval '1 minute' WHERE queue = 'waiting';
      UPDATE queues SET changed_at = clock_timestamp() - interval '1 hour'"),
    ("dependents_run_after_dependencies", "UPDATE jobs SET state = 'queued' WHERE state = 'blocked'"),
    ("dependents_run_after_dependencies", "UPDATE job_dependencies SET outcome = NULL WHERE outcome = 'completed'"),
    ("dependents_run_after_dependencies", "UPDATE jobs SET finished_at = finished_at + interval '1 minute' WHERE id IN (SELECT depends_on FROM job_dependencies) AND state = 'completed'"),
    ("dependents_run_after_dependencies", "UPDATE jobs SET finished_at = finished_at + interval '1 minute' WHERE id IN (SELECT depends_on FROM job_dependencies) AND state = 'failed'"),
    ("blocked_jobs_can_be_unblocked", "UPDATE job_dependencies SET policy = 'cancel'"),
    ("blocked_jobs_can_be_unblocked", "UPDATE jobs SET state = 'canceled' WHERE id IN (SELECT depends_on FROM job_dependencies) AND state = 'failed'"),
    ("blocked_jobs_can_be_unblocked", "UPDATE jobs SET state = 'completed' WHERE id IN (SELECT depends_on FROM job_dependencies) AND state = 'active'"),
    ("blocked_jobs_can_be_unblocked", "DELETE FROM jobs WHERE id IN (SELECT depends_on FROM job_dependencies) AND state = 'active'"),
    ("blocked_jobs_can_be_unblocked", "DELETE FROM job_dependencies WHERE outcome IS NULL"),
    ("blocked_jobs_can_be_unblocked", "UPDATE jobs SET canceled_by = gen_random_uuid() WHERE canceled_by IS NOT NULL"),
    ("project_counters_are_exact", "DELETE FROM project_counts"),
    ("projects_are_not_overdue", "UPDATE projects SET deadline_at = clock_timestamp() - interval '11 seconds' WHERE status = 'creating'"),
    ("projects_match_events", "UPDATE projects SET status = 'deleted' WHERE status = 'ready'"),
    ("provision_stats_match_events", "UPDATE provision_stats SET n = 2"),
    ("steps_end_with_their_job", "INSERT INTO steps (job_id, position, project_id, name, state, execution_id, started_at) SELECT id, 0, project_id, 'a', 'running', execution_id, claimed_at FROM jobs WHERE state = 'completed' AND project_id IS NOT NULL"),
    ("completed_operations_have_done_steps", "INSERT INTO steps (job_id, position, project_id, name, state, execution_id, started_at, ended_at) SELECT id, 0, project_id, 'a', 'skipped', execution_id, claimed_at, claimed_at FROM jobs WHERE state = 'completed' AND project_id IS NOT NULL"),
    ("deleted_projects_have_no_secrets", "INSERT INTO secrets (id, project_id, name, key_id, wrapped_key, ciphertext) SELECT gen_random_uuid(), id, 'a', 'k', '', '' FROM projects; UPDATE projects SET status = 'deleted' WHERE status = 'ready'"),
    ("terraform_locks_have_a_holder", "INSERT INTO terraform_locks (project_id, lock_id, info, execution_id, actor) SELECT id, 'a', '{}', gen_random_uuid(), 'w' FROM projects WHERE status = 'ready'"),
    ("terraform_locks_have_a_holder", "INSERT INTO terraform_locks (project_id, lock_id, info, actor) VALUES (gen_random_uuid(), 'a', '{}', 'w')"),
    ("rate_limits_are_kept", "UPDATE limits SET amount = 0, burst = -1 WHERE name = 'slow'"),
    ("schedules_advance", "UPDATE schedules SET next_at = (SELECT due_at FROM ticks WHERE cause = 'due' AND outcome = 'fired')"),
    ("settlements_are_fenced", "UPDATE events SET execution_id = gen_random_uuid() WHERE new_state = 'completed'"),
    ("settlements_are_fenced", "UPDATE past_executions SET outcome = 'completed' WHERE outcome = 'lease_expired'"),
    ("events_are_continuous", "UPDATE events SET previous_state = 'queued' WHERE new_state = 'completed'"),
    ("events_are_continuous", "DELETE FROM events WHERE previous_state = 'none' AND entity = 'project'"),
    ("entities_match_events", "UPDATE queues SET state = 'paused' WHERE name = 'narrow'"),
    ("entities_match_events", "DELETE FROM events WHERE entity = 'worker'"),
    ("entities_match_events", "UPDATE schedules SET state = 'paused'"),
    ("ticks_have_their_jobs", "UPDATE ticks SET job_id = gen_random_uuid() WHERE outcome = 'fired'"),
    ("ticks_have_their_jobs", "UPDATE ticks SET workflow_id = gen_random_uuid() WHERE workflow_id IS NOT NULL"),
    ("ticks_have_their_jobs", "DELETE FROM ticks WHERE job_id IS NOT NULL"),
    ("ticks_have_their_jobs", "DELETE FROM ticks WHERE workflow_id IS NOT NULL"),
    ("times_are_in_order", "UPDATE past_executions SET ended_at = claimed_at - interval '1 second' WHERE outcome = 'completed'"),
    ("times_are_in_order", "UPDATE workflows SET finished_at = created_at - interval '1 second' WHERE state = 'completed'"),
    ("pending_dependencies_are_counted", "UPDATE jobs SET pending_dependencies = 2 WHERE state = 'blocked'"),
    ("pending_dependencies_are_counted", "UPDATE jobs SET pending_dependencies = 1 WHERE state = 'scheduled'"),
    ("pending_dependencies_are_counted", "UPDATE job_dependencies SET policy = 'allow_failed'"),
    ("workflows_match_steps", "UPDATE workflows SET blocked = blocked + 1"),
    ("workflows_match_steps", "UPDATE jobs SET state = 'completed' WHERE state = 'active' AND workflow_id IS NOT NULL"),
    ("workflows_match_steps", "UPDATE workflows SET state = 'canceled' WHERE state = 'failed'"),
    ("workflows_match_steps", "UPDATE workflows SET finished_at = NULL WHERE state = 'completed'"),
    ("workflows_match_steps", "DELETE FROM workflows WHERE state = 'running'"),
    ("workflows_match_events", "UPDATE workflows SET state = 'canceled' WHERE state = 'failed'"),
    ("workflows_match_events", "DELETE FROM events WHERE entity = 'workflow'"),
];

const DROP_CONSTRAINTS: &str = "SET session_replication_role = replica;
    DO $$ DECLARE c record; BEGIN
        FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
                 WHERE contype = 'c' AND connamespace = 'provost'::regnamespace AND conrelid <> 0 AND coninhcount = 0 LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname);
        END LOOP;
    END $$;
    DROP INDEX jobs_live_by_project, ticks_fired_once;
    -- Some invariants need an online worker, and the last copy is made long after the first.
    UPDATE workers SET seen_at = clock_timestamp()";

#[tokio::test]
async fn every_corruption_is_found_by_its_invariant() {
    let sound = Database::new().await;
    population(&sound).await;
    sound.check_invariants().await;
    let original = sound.text("SELECT current_database()").await;
    for (name, corruption) in CORRUPTIONS {
        let database = Database::copy_of(&original).await;
        database.run(DROP_CONSTRAINTS).await;
        database.run(corruption).await;
        let found = database.examined().await.into_iter().filter(|it| it.n > 0).collect::<Vec<_>>();
        let hit = found.iter().find(|it| it.name == *name);
        let hit = hit.unwrap_or_else(|| panic!("{name} did not find: {corruption}\nfindings: {found:#?}"));
        assert!(!hit.examples.is_empty() && hit.examples.len() <= 5);
        assert_eq!(hit.for_information, *name == "expired_leases_are_reclaimed_soon");
    }
    let (all, shown): (BTreeSet<_>, BTreeSet<_>) =
        (INVARIANTS.iter().map(|it| it.name).collect(), CORRUPTIONS.iter().map(|it| it.0).collect());
    assert_eq!(all, shown, "each invariant has a corruption");
}

#[tokio::test]
async fn retention_keeps_all_invariants() {
    let database = Database::new().await;
    population(&database).await;
    let store = store(&database).await;
    let none = Duration::ZERO;
    while store.prune_ticks(none, 1).await.unwrap() > 0 {
        database.check_invariants().await;
    }
    assert_eq!(database.number("SELECT count(*) FROM ticks").await, 0);
    while store.prune_events(none, 3).await.unwrap().1 == 3 {
        database.check_invariants().await;
    }
    while store.prune_executions(none, 1).await.unwrap() > 0 {
        database.check_invariants().await;
    }
    for state in [JobState::Completed, JobState::Failed] {
        assert!(store.prune_jobs(state, none, 100).await.unwrap() > 0);
        database.check_invariants().await;
    }
    for state in [WorkflowState::Completed, WorkflowState::Failed] {
        assert_eq!(store.prune_workflows(state, none, 100).await.unwrap(), 1);
        database.check_invariants().await;
    }
}

pub fn doctor(database: &Database, further: &[&str]) -> (i32, String, String) {
    let mut command: Command = Server::command();
    let output = command.env("DATABASE_URL", &database.url).args(["doctor", "--invariants"]).args(further).output();
    let output = output.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn doctor_reports_findings_as_text_and_json() {
    let database = Database::new().await;
    population(&database).await;
    let (code, printed, _) = doctor(&database, &[]);
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("invariants hold.") && printed.lines().count() > INVARIANTS.len(), "{printed}");

    database.run("DELETE FROM project_counts WHERE status = 'ready'").await;
    let (code, printed, _) = doctor(&database, &[]);
    assert_eq!(code, 1, "{printed}");
    let line = printed.lines().find(|line| line.starts_with("project_counters_are_exact")).unwrap();
    assert!(line.ends_with("1 row: ready") && printed.contains("1 of "), "{printed}");
    let (code, printed, _) = doctor(&database, &["--json"]);
    let lines: Vec<Value> = serde_json::from_str(&printed).unwrap();
    let broken: Vec<_> = lines.iter().filter(|it| it["ok"] == false).collect();
    assert_eq!((code, broken.len(), lines.len()), (1, 1, INVARIANTS.len()));
    assert_eq!((&broken[0]["rows"], &broken[0]["examples"][0]), (&1.into(), &"ready".into()));
}

#[tokio::test]
async fn doctor_refuses_an_empty_database() {
    let database = Database::bare().await;
    let (code, _, printed) = doctor(&database, &[]);
    assert_eq!(code, 6, "{printed}");
    assert!(printed.contains("provost migrate"), "{printed}");
    let folder = tempfile::tempdir().unwrap();
    let output = Server::command().env("PROVOST_DATA_DIR", folder.path()).arg("doctor").output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "doctor creates nothing");
}
