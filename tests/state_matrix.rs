//! Checks every transition statement against the state machines: from every state, each verb makes exactly its
//! transitions. Rows are put into a state by SQL, then the real statement runs.

use std::time::Duration;

use provost::domain::{JobKind, JobState, Outcome, ProjectStatus, ProjectVerb, Settlement};
use provost::store::jobs::{ClaimRequest, Lease, Settled};
use provost::store::projects::{OperationPolicy, Transition};
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
    let columns = "id, status, name, error_reason, template, parameters, labels, requested_at, deadline_at, created_at, updated_at";
    let values = format!("'{id}', '{status}', 'a', {reason}, 'simulated', '{{}}', '{{}}', at, {deadline}, at, at");
    database.run(&format!("INSERT INTO projects ({columns}) SELECT {values} FROM clock_timestamp() AS at")).await;
    id
}

/// Inserts a job in this state. An active job has an open execution and a lease. `run_at` and `lease` are intervals
/// from now. The queue is named after the job's id.
async fn job_at(
    database: &Database,
    state: JobState,
    kind: JobKind,
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

/// Runs the statement of a verb against a project at `status`.
async fn act(database: &Database, store: &Store, verb: ProjectVerb, status: ProjectStatus) -> Uuid {
    let settled = |kind, outcome| settle_project(database, store, status, kind, outcome);
    let refused = || Outcome::fatal("no quota");
    match verb {
        ProjectVerb::Claim => {
            let project = project_at(database, status, "1 h").await;
            let job = job_at(database, JobState::Queued, JobKind::Provision, Some(project), "0 s", "1 h").await;
            let claimed = store.claim_jobs(&claim_request(&job.job_id.to_string()), 1).await.unwrap().jobs;
            assert_eq!(claimed.len(), 1, "{status}");
            assert_eq!(claimed[0].project_changed, verb.target(status).is_some(), "{status}");
            project
        }
        ProjectVerb::Provisioned => settled(JobKind::Provision, Outcome::done()).await,
        ProjectVerb::ProvisionFailed => settled(JobKind::Provision, refused()).await,
        ProjectVerb::Removed => settled(JobKind::Deprovision, Outcome::done()).await,
        ProjectVerb::RemovalFailed => settled(JobKind::Deprovision, refused()).await,
        ProjectVerb::Retry => {
            let project = project_at(database, status, "1 h").await;
            check(store.retry_project(project, operation_policy(), &audit()).await.unwrap(), verb, status);
            project
        }
        ProjectVerb::Delete => {
            let project = project_at(database, status, "1 h").await;
            check(store.delete_project(project, None, operation_policy(), &audit()).await.unwrap(), verb, status);
            project
        }
        ProjectVerb::Expire => {
            let project = project_at(database, status, "-1 s").await;
            let given_up = store.expire_projects(200, "test").await.unwrap();
            assert_eq!(given_up.iter().any(|it| it.id == project), verb.target(status).is_some(), "{status}");
            project
        }
    }
}

async fn settle_project(
    database: &Database,
    store: &Store,
    at: ProjectStatus,
    kind: JobKind,
    outcome: Outcome,
) -> Uuid {
    let project = project_at(database, at, "1 h").await;
    let lease = job_at(database, JobState::Active, kind, Some(project), "0 s", "1 h").await;
    let settlement = settlement(outcome);
    let settled = store.settle_job(&lease, Some(kind), settlement, &[], "test").await.unwrap();
    assert!(
        matches!(settled, Settled::Recorded { .. }),
        "the job is settled whatever the status of its project: {settled:?}"
    );
    project
}

/// Compares a transition with the state machine.
fn check(transition: Transition<provost::store::projects::Project>, verb: ProjectVerb, from: ProjectStatus) {
    match (transition, verb.target(from)) {
        (Transition::Applied(project), Some(target)) => assert_eq!(project.status, target, "{verb} from {from}"),
        (Transition::Rejected { was }, None) => assert_eq!(was, from, "{verb} from {from}"),
        (transition, target) => panic!("{verb} from {from}: {transition:?} instead of {target:?}"),
    }
}

#[tokio::test]
async fn verbs_follow_the_project_state_machine() {
    let database = Database::new().await;
    let store = store(&database).await;
    for verb in ProjectVerb::ALL {
        for from in ProjectStatus::ALL {
            let project = act(&database, &store, *verb, *from).await;
            let target = verb.target(*from);
            assert_eq!(status_of(&database, project).await, target.unwrap_or(*from), "{verb} from {from}");
            let version = database.number(&format!("SELECT version FROM projects WHERE id = '{project}'")).await;
            assert_eq!(version, 1 + i64::from(target.is_some()), "{verb} from {from}");
            assert_eq!(only_event(&database, project).await, target.map(|to| (*from, to)), "{verb} from {from}");
        }
    }
}

/// The only event of an entity, if there is one.
async fn only_event(database: &Database, entity: Uuid) -> Option<(ProjectStatus, ProjectStatus)> {
    let rows = database.rows("SELECT previous_state, new_state FROM events WHERE entity_id = $1", &[&entity]).await;
    assert!(rows.len() < 2);
    let word = |column| ProjectStatus::parse(rows.first()?.get(column));
    word("previous_state").zip(word("new_state"))
}

#[tokio::test]
async fn trigger_allows_exactly_the_state_machine() {
    let database = Database::new().await;
    let client = database.connection().await;
    let pairs = ProjectStatus::ALL.iter().flat_map(|from| ProjectStatus::ALL.iter().map(move |to| (*from, *to)));
    for (from, to) in pairs.filter(|(from, to)| from != to) {
        let project = project_at(&database, from, "1 h").await;
        let reason = if to == ProjectStatus::Failed { "'why'" } else { "NULL" };
        let deadline = if to.is_transient() { "'infinity'" } else { "NULL" };
        let update = format!(
            "UPDATE projects SET status = '{to}', error_reason = {reason}, deadline_at = {deadline} WHERE id = '{project}'"
        );
        let answer = client.batch_execute(&update).await;
        let legal = ProjectVerb::ALL.iter().any(|verb| verb.target(from) == Some(to));
        assert_eq!(answer.is_ok(), legal, "{from} to {to}: {answer:?}");
        if let Err(error) = answer {
            let refusal = error.as_db_error().unwrap();
            assert_eq!(
                (refusal.code().code(), refusal.message().contains("no transition from")),
                ("23514", true),
                "{refusal}"
            );
        }
        assert_eq!(status_of(&database, project).await, if legal { to } else { from });
    }
}

#[tokio::test]
async fn trigger_checks_deadline_and_reason() {
    let database = Database::new().await;
    let client = database.connection().await;
    for status in ProjectStatus::ALL {
        let project = project_at(&database, *status, "1 h").await;
        let deadline = if status.is_transient() { "NULL" } else { "'infinity'" };
        let reason = if *status == ProjectStatus::Failed { "NULL" } else { "'why'" };
        for change in [format!("deadline_at = {deadline}"), format!("error_reason = {reason}"), "name = ''".into()] {
            let answer = client.batch_execute(&format!("UPDATE projects SET {change} WHERE id = '{project}'")).await;
            assert!(answer.is_err(), "{status}: {change}");
        }
    }
}

#[tokio::test]
async fn only_due_unfinished_jobs_can_be_claimed() {
    let database = Database::new().await;
    let store = store(&database).await;
    for state in JobState::ALL {
        for (run_at, due) in [("-1 s", true), ("1 h", false)] {
            let job = job_at(&database, *state, JobKind::Provision, None, run_at, "1 h").await;
            let claimed = store.claim_jobs(&claim_request(&job.job_id.to_string()), 5).await.unwrap().jobs;
            let claimable = matches!(state, JobState::Queued | JobState::Scheduled | JobState::Retrying) && due;
            assert_eq!(claimed.len(), usize::from(claimable), "{state} {run_at}");
            let expected = if claimable { JobState::Active } else { *state };
            assert_eq!(state_of(&database, job.job_id).await, expected, "{state} {run_at}");
            if claimable {
                assert_eq!((claimed[0].previous_state, claimed[0].attempt), (*state, 2));
                assert_ne!(claimed[0].lease.execution_id, job.execution_id);
            }
        }
    }
}

/// Every outcome of an attempt.
fn settlements() -> [Settlement; 5] {
    let why = || "no route".to_owned();
    [
        settlement(Outcome::done()),
        settlement(Outcome::fatal(why())),
        settlement(Outcome::failed(why())),
        settlement(Outcome::Snooze { after: Duration::from_secs(9) }),
        settlement(Outcome::Released),
    ]
}

#[tokio::test]
async fn only_the_current_execution_settles_an_active_job() {
    let database = Database::new().await;
    let store = store(&database).await;
    for state in JobState::ALL {
        for settlement in settlements() {
            let job = job_at(&database, *state, JobKind::Provision, None, "0 s", "1 h").await;
            let stranger = Lease { job_id: job.job_id, execution_id: Uuid::now_v7() };
            let stale = store.settle_job(&stranger, None, settlement.clone(), &[], "test").await.unwrap();
            assert_eq!(stale, Settled::LeaseLost, "{state}");
            assert_eq!(state_of(&database, job.job_id).await, *state);
            let answer = store.settle_job(&job, None, settlement.clone(), &[], "test").await.unwrap();
            let active = *state == JobState::Active;
            let transition = Settled::Recorded { state: settlement.state, project: None };
            let expected = if active { transition } else { Settled::LeaseLost };
            assert_eq!(answer, expected, "{state} {settlement:?}");
            let after = if active { settlement.state } else { *state };
            assert_eq!(state_of(&database, job.job_id).await, after, "{state} {settlement:?}");
            let failures = database.number(&format!("SELECT failures FROM jobs WHERE id = '{}'", job.job_id)).await;
            assert_eq!(failures, i64::from(active && settlement.counts_as_failure), "{state} {settlement:?}");
        }
    }
}

#[tokio::test]
async fn repeated_settlement_must_have_the_same_outcome() {
    let database = Database::new().await;
    let store = store(&database).await;
    for settlement in settlements() {
        let job = job_at(&database, JobState::Active, JobKind::Provision, None, "0 s", "1 h").await;
        store.settle_job(&job, None, settlement.clone(), &[], "test").await.unwrap();
        for again in settlements() {
            let answer = store.settle_job(&job, None, again.clone(), &[], "test").await.unwrap();
            let same = again.outcome == settlement.outcome;
            assert_eq!(
                answer,
                if same { Settled::AlreadyRecorded } else { Settled::LeaseLost },
                "{settlement:?} {again:?}"
            );
        }
        assert_eq!(state_of(&database, job.job_id).await, settlement.state);
    }
}

#[tokio::test]
async fn only_active_jobs_with_expired_leases_are_reaped() {
    let database = Database::new().await;
    let store = store(&database).await;
    for state in JobState::ALL {
        for (lease, expired) in [("-1 s", true), ("1 h", false)] {
            let job = job_at(&database, *state, JobKind::Provision, None, "0 s", lease).await;
            let reaped = store.reap_jobs(200, GRACES, "test").await.unwrap();
            let legal = *state == JobState::Active && expired;
            assert_eq!(reaped.iter().any(|it| it.job_id == job.job_id), legal, "{state} {lease}");
            let expected = if legal { JobState::Retrying } else { *state };
            assert_eq!(state_of(&database, job.job_id).await, expected, "{state} {lease}");
        }
    }
}

#[tokio::test]
async fn last_lost_lease_fails_job_and_project() {
    let database = Database::new().await;
    let store = store(&database).await;
    let kinds = [(JobKind::Provision, ProjectStatus::Provisioning), (JobKind::Deprovision, ProjectStatus::Deleting)];
    for (kind, during) in kinds {
        for from in ProjectStatus::ALL {
            let project = project_at(&database, *from, "1 h").await;
            let job = job_at(&database, JobState::Active, kind, Some(project), "0 s", "-1 s").await;
            database.run(&format!("UPDATE jobs SET failures = 2 WHERE id = '{}'", job.job_id)).await;
            store.reap_jobs(200, GRACES, "test").await.unwrap();
            assert_eq!(state_of(&database, job.job_id).await, JobState::Failed);
            let expected = if *from == during { ProjectStatus::Failed } else { *from };
            assert_eq!(status_of(&database, project).await, expected, "{kind} at {from}");
        }
    }
}

#[tokio::test]
async fn heartbeat_renews_only_the_current_execution() {
    let database = Database::new().await;
    let store = store(&database).await;
    for state in JobState::ALL {
        let job = job_at(&database, *state, JobKind::Provision, None, "0 s", "1 s").await;
        let beat = async |execution| {
            store.heartbeat_jobs(&[(job.job_id, execution).into()], Duration::from_secs(600)).await.unwrap()
        };
        assert!(beat(Uuid::now_v7()).await.is_empty());
        let active = *state == JobState::Active;
        let kept: Vec<_> = beat(job.execution_id).await.into_iter().map(|it| it.execution_id).collect();
        assert_eq!(kept, if active { vec![job.execution_id] } else { vec![] }, "{state}");
        let longer = format!(
            "SELECT count(*) FROM jobs WHERE id = '{}' AND lease_until > clock_timestamp() + interval '9 min'",
            job.job_id
        );
        assert_eq!(database.number(&longer).await, i64::from(active), "{state}");
        assert_eq!(state_of(&database, job.job_id).await, *state);
    }
}
