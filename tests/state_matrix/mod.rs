//! Checks every transition statement against the state machines: from every state, each verb makes exactly its
//! transitions. Rows are put into a state by SQL, then the real statement runs.

mod jobs;
mod projects;
mod walks;

use std::time::Duration;

use provost::domain::{JobState, OperationKind, Outcome, ProjectStatus, ProjectVerb, Settlement};
use provost::store::jobs::{ClaimRequest, Lease, Settled};
use provost::store::projects::{OperationPolicy, Request, Transition};
use provost::store::{Audit, Store};
use uuid::Uuid;

use crate::harness::Database;
use crate::harness::worker::{GRACES, LONG_LEASE, project_claimer, settlement, store};

fn operation_policy() -> OperationPolicy {
    OperationPolicy { deadline: Duration::from_secs(60), max_attempts: 3 }
}

fn audit() -> Audit {
    Audit { actor: "test".into(), request_id: None, reason: None }
}

/// Claims from a queue of its own, so that cases do not take each other's jobs.
fn claim_request(queue: &str) -> ClaimRequest {
    ClaimRequest { queues: vec![queue.into()], ..project_claimer("w", LONG_LEASE) }
}

/// Inserts a project with this status, and a deadline if the status has one.
async fn project_at(database: &Database, status: ProjectStatus, deadline: &str) -> Uuid {
    let id = Uuid::now_v7();
    let reason = if status == ProjectStatus::Failed { "'no quota'" } else { "NULL" };
    let deadline = if status.is_transient() { format!("at + interval '{deadline}'") } else { "NULL".into() };
    let columns = "id, status, name, error_reason, template, parameters, labels, requested_at, deadline_at, delete_after, created_at, updated_at";
    let values =
        format!("'{id}', '{status}', 'a', {reason}, 'simulated', '{{}}', '{{}}', at, {deadline}, '9000-01-01', at, at");
    database.run(&format!("INSERT INTO projects ({columns}) SELECT {values} FROM clock_timestamp() AS at")).await;
    id
}

/// Inserts a job in this state. An active job has an open execution and a lease. `run_at` and `lease` are intervals
/// from now. The queue is named after the job's id.
async fn job_at(
    database: &Database,
    state: JobState,
    kind: &str,
    project: Option<Uuid>,
    run_at: &str,
    lease: &str,
) -> Lease {
    let held = Lease { job_id: Uuid::now_v7(), execution_id: Uuid::now_v7() };
    let Lease { job_id: id, execution_id: execution } = &held;
    let project = project.map_or("NULL".to_owned(), |id| format!("'{id}'"));
    let leased = match state {
        JobState::Active => format!("'w', at, at + interval '{lease}'"),
        _ => "NULL, NULL, NULL".to_owned(),
    };
    let finished = if state.is_finished() { "at" } else { "NULL" };
    let waits = i32::from(state == JobState::Blocked);
    let now = "clock_timestamp() AS at";
    database
        .run(&format!(
            "INSERT INTO jobs (id, state, kind, queue, run_at, payload, project_id, attempt, max_attempts, execution_id, worker_id, claimed_at, lease_until, created_at, updated_at, finished_at, pending_dependencies) \
             SELECT '{id}', '{state}', '{kind}', '{id}', at + interval '{run_at}', '{{}}', {project}, 1, 3, '{execution}', {leased}, at, at, {finished}, {waits} FROM {now}; \
             INSERT INTO past_executions (id, job_id, attempt, worker_id, kind, queue, due_at, claimed_at, ended_at, outcome) \
             SELECT '{execution}', '{id}', 1, 'w', '{kind}', '{id}', at, at, at, 'lease_expired' FROM {now} WHERE '{state}' <> 'active'"
        ))
        .await;
    held
}

async fn status_of(database: &Database, project: Uuid) -> ProjectStatus {
    let word = database.text(&format!("SELECT status FROM projects WHERE id = '{project}'")).await;
    ProjectStatus::parse(&word).unwrap()
}

async fn state_of(database: &Database, job: Uuid) -> JobState {
    JobState::parse(&database.text(&format!("SELECT state FROM jobs WHERE id = '{job}'")).await).unwrap()
}
