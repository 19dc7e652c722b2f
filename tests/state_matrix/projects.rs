//! Projects: every operation from every status.

use super::*;

/// The operation to which a status belongs, for rows that a test puts into that status.
fn operation_at(status: ProjectStatus) -> OperationKind {
    let of = |it: &&OperationKind| [it.statuses().first, it.statuses().running].contains(&status);
    OperationKind::ALL.iter().find(of).copied().unwrap_or(OperationKind::Create)
}

/// Inserts a project at a status of this operation, with its active job.
async fn operating(database: &Database, operation: OperationKind, status: ProjectStatus) -> (Uuid, Lease) {
    let project = project_at(database, status, "1 h").await;
    database.run(&format!("UPDATE projects SET operation = '{operation}' WHERE id = '{project}'")).await;
    let kind = operation.job_kind();
    (project, job_at(database, JobState::Active, kind, Some(project), "0 s", "1 h").await)
}

#[tokio::test]
async fn table_of_operations_matches_the_domain() {
    let database = Database::new().await;
    let rows = database.rows("SELECT * FROM operation_kinds", &[]).await;
    assert_eq!(rows.len(), OperationKind::ALL.len());
    for row in rows {
        let operation = OperationKind::parse(row.get("operation")).unwrap();
        let statuses = operation.statuses();
        let words = |all: &[ProjectStatus]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(row.get::<_, &str>("job_kind"), operation.job_kind());
        assert_eq!(row.get::<_, Vec<String>>("allowed_from"), words(statuses.allowed_from), "{operation}");
        for (column, status) in [
            ("first_status", statuses.first),
            ("running_status", statuses.running),
            ("done_status", statuses.done),
            ("failed_status", statuses.failed),
        ] {
            assert_eq!(row.get::<_, &str>(column), status.as_str(), "{operation} {column}");
        }
        assert_eq!(
            row.get::<_, Option<&str>>("reverse"),
            operation.reverse().map(OperationKind::as_str),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn operations_start_only_from_their_statuses() {
    let database = Database::new().await;
    let store = store(&database).await;
    let verbs = ProjectVerb::ALL.iter().filter_map(|verb| Some((*verb, verb.operation()?)));
    for (verb, operation) in verbs.filter(|(verb, _)| *verb != ProjectVerb::Delete) {
        for from in ProjectStatus::ALL {
            let project = project_at(&database, *from, "1 h").await;
            let outcome =
                store.begin_operation(project, &Request::new(verb), operation_policy(), &audit()).await.unwrap();
            let is_allowed = operation.statuses().allowed_from.contains(from);
            match outcome {
                Transition::Applied(now) => assert_eq!((is_allowed, now.status), (true, operation.statuses().first)),
                Transition::Rejected { was } => assert_eq!((is_allowed, was), (false, *from), "{verb}"),
                other => panic!("{verb} from {from}: {other:?}"),
            }
            let version = database.number(&format!("SELECT version FROM projects WHERE id = '{project}'")).await;
            assert_eq!(version, 1 + i64::from(is_allowed), "{verb} from {from}");
            let expected = is_allowed.then(|| (*from, operation.statuses().first));
            assert_eq!(only_event(&database, project).await, expected, "{verb} from {from}");
        }
    }
}

#[tokio::test]
async fn claim_leads_from_the_first_status_to_the_running_one() {
    let database = Database::new().await;
    let store = store(&database).await;
    for operation in OperationKind::ALL {
        let statuses = operation.statuses();
        for status in ProjectStatus::ALL {
            let project = project_at(&database, *status, "1 h").await;
            let job = job_at(&database, JobState::Queued, operation.job_kind(), Some(project), "0 s", "1 h").await;
            let claimed =
                store.claim_jobs(&claim_request_for(&job.job_id.to_string(), *operation), 1).await.unwrap().jobs;
            let starts = *status == statuses.first && statuses.first != statuses.running;
            assert_eq!((claimed.len(), claimed[0].project_changed), (1, starts), "{operation} at {status}");
            let expected = if starts { statuses.running } else { *status };
            assert_eq!(status_of(&database, project).await, expected, "{operation} at {status}");
        }
    }
}

fn claim_request_for(queue: &str, operation: OperationKind) -> ClaimRequest {
    ClaimRequest { kinds: vec![operation.job_kind().to_owned()], ..claim_request(queue) }
}

#[tokio::test]
async fn settlement_ends_only_its_own_operation() {
    let database = Database::new().await;
    let store = store(&database).await;
    for operation in OperationKind::ALL {
        let statuses = operation.statuses();
        for status in ProjectStatus::ALL {
            for (outcome, ends_as, fails) in [
                (Outcome::done(), statuses.done, false),
                (Outcome::fatal("no quota"), statuses.failed, true),
                (Outcome::Canceled { reason: "canceled".into() }, statuses.failed, true),
            ] {
                let (project, lease) = operating(&database, *operation, *status).await;
                let settled = store.settle_job(&lease, settlement(outcome), &[], "test").await.unwrap();
                // Only what has been claimed can succeed.
                let ends = *status == statuses.running || fails && *status == statuses.first;
                let Settled::Recorded { project: change, .. } = settled else { panic!("{settled:?}") };
                assert_eq!(change, ends.then_some((*status, ends_as)), "{operation} at {status}");
                assert_eq!(status_of(&database, project).await, if ends { ends_as } else { *status });
                let failure =
                    format!("SELECT coalesce(failure->>'operation', '') FROM projects WHERE id = '{project}'");
                let expected = if ends && fails { operation.as_str() } else { "" };
                assert_eq!(database.text(&failure).await, expected, "{operation} at {status}");
            }
        }
    }
}

#[tokio::test]
async fn deadline_ends_every_transient_status() {
    let database = Database::new().await;
    let store = store(&database).await;
    for operation in OperationKind::ALL {
        for status in ProjectStatus::ALL {
            let (project, _) = operating(&database, *operation, *status).await;
            let statuses = operation.statuses();
            let ends = [statuses.first, statuses.running].contains(status);
            let deadline = async |at: &str| {
                let update = format!(
                    "UPDATE projects SET deadline_at = {at} WHERE id = '{project}' AND deadline_at IS NOT NULL"
                );
                database.run(&update).await;
            };
            deadline("clock_timestamp() - interval '1 s'").await;
            let expired = store.expire_projects(200, "test").await.unwrap();
            assert_eq!(expired.iter().any(|it| it.id == project), ends, "{operation} at {status}");
            assert_eq!(status_of(&database, project).await, if ends { statuses.failed } else { *status });
            deadline("'infinity'").await;
        }
    }
}

/// What blocks access and ends without being undone does not stay: its reverse follows.
#[tokio::test]
async fn operation_that_was_not_undone_is_reversed() {
    let database = Database::new().await;
    let store = store(&database).await;
    for operation in OperationKind::ALL {
        for state in ["running", "done", "undo_failed", "undone"] {
            let (project, lease) = operating(&database, *operation, operation.statuses().running).await;
            let step = format!(
                "INSERT INTO steps (job_id, position, project_id, name, state, execution_id, started_at, ended_at, error)
                 VALUES ('{}', 0, '{project}', 'step', '{state}', gen_random_uuid(), now(), CASE WHEN '{state}' <> 'running' THEN now() END, 'x')",
                lease.job_id
            );
            database.run(&step).await;
            database
                .run(&format!("UPDATE projects SET deadline_at = now() - interval '1 s' WHERE id = '{project}'"))
                .await;
            store.expire_projects(200, "test").await.unwrap();
            let reverse = operation.reverse().filter(|_| state != "undone");
            let expected = reverse.map_or(operation.statuses().failed, |it| it.statuses().first);
            assert_eq!(status_of(&database, project).await, expected, "{operation} with a step that is {state}");
            let jobs = "SELECT string_agg(kind, ',') FROM jobs WHERE state = 'queued' AND project_id = ";
            let queued = database.rows(&format!("{jobs} '{project}'"), &[]).await[0].get::<_, Option<String>>(0);
            assert_eq!(queued.as_deref(), reverse.map(OperationKind::job_kind), "{operation} {state}");
            database.run("UPDATE projects SET deadline_at = 'infinity' WHERE deadline_at IS NOT NULL").await;
        }
    }
}

/// From every status, whatever its job does, a deletion leads to `deleting`, and a cancel ends the operation.
#[tokio::test]
async fn every_status_can_be_left() {
    let database = Database::new().await;
    let store = store(&database).await;
    for verb in [ProjectVerb::Delete, ProjectVerb::Cancel] {
        for status in ProjectStatus::ALL {
            let states: &[Option<JobState>] = match status.is_transient() {
                true => &[Some(JobState::Queued), Some(JobState::Retrying), Some(JobState::Active)],
                false => &[None],
            };
            for state in states {
                leave(&database, &store, verb, *status, *state).await;
            }
        }
    }
}

async fn leave(database: &Database, store: &Store, verb: ProjectVerb, status: ProjectStatus, state: Option<JobState>) {
    let operation = operation_at(status);
    let project = project_at(database, status, "1 h").await;
    database.run(&format!("UPDATE projects SET operation = '{operation}' WHERE id = '{project}'")).await;
    let job = match state {
        Some(state) => Some(job_at(database, state, operation.job_kind(), Some(project), "0 s", "1 h").await),
        None => None,
    };
    let outcome = match verb {
        ProjectVerb::Cancel => store.cancel_operation(project, None, &audit()).await.unwrap(),
        _ => {
            let request = Request { grace: Some(Duration::ZERO), ..Request::new(verb) };
            store.begin_operation(project, &request, operation_policy(), &audit()).await.unwrap()
        }
    };
    let case = format!("{verb} at {status} with a job that is {state:?}");
    let is_rejected = verb == ProjectVerb::Cancel && !status.is_transient();
    assert_eq!(matches!(outcome, Transition::Rejected { .. }), is_rejected, "{case}: {outcome:?}");
    // A worker sees the request, and stops.
    if let Some(lease) = job.filter(|_| state == Some(JobState::Active)) {
        let canceled = Outcome::Canceled { reason: "canceled".into() };
        store.settle_job(&lease, settlement(canceled), &[], "test").await.unwrap();
    }
    let now = status_of(database, project).await;
    match verb {
        _ if is_rejected => assert_eq!(now, status, "{case}"),
        ProjectVerb::Cancel => assert_eq!(now, operation.statuses().failed, "{case}"),
        // A removal that is running is not started again; it goes on as it was.
        _ if status == ProjectStatus::Deleting => {}
        _ if status == ProjectStatus::Deleted => assert_eq!(now, ProjectStatus::Deleted, "{case}"),
        _ => {
            assert_eq!(now, ProjectStatus::Deleting, "{case}");
            let removal = "kind = 'project.deprovision' AND state = 'queued'";
            let jobs = format!("SELECT count(*) FROM jobs WHERE project_id = '{project}' AND {removal}");
            assert_eq!(database.number(&jobs).await, 1, "{case}");
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
    let transitions = provost::domain::project::transitions();
    let pairs = ProjectStatus::ALL.iter().flat_map(|from| ProjectStatus::ALL.iter().map(move |to| (*from, *to)));
    for (from, to) in pairs.filter(|(from, to)| from != to) {
        let project = project_at(&database, from, "1 h").await;
        let reason = if to == ProjectStatus::Failed { "'why'" } else { "NULL" };
        let deadline = if to.is_transient() { "'infinity'" } else { "NULL" };
        let update = format!(
            "UPDATE projects SET status = '{to}', error_reason = {reason}, deadline_at = {deadline}, delete_after = '9000-01-01' WHERE id = '{project}'"
        );
        let answer = client.batch_execute(&update).await;
        let legal = transitions.contains(&(from, to));
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
async fn last_lost_lease_fails_job_and_project() {
    let database = Database::new().await;
    let store = store(&database).await;
    for operation in OperationKind::ALL {
        for from in ProjectStatus::ALL {
            let (project, job) = operating(&database, *operation, *from).await;
            let lost = "failures = 2, lease_until = clock_timestamp() - interval '1 s'";
            database.run(&format!("UPDATE jobs SET {lost} WHERE id = '{}'", job.job_id)).await;
            store.reap_jobs(200, GRACES, "test").await.unwrap();
            assert_eq!(state_of(&database, job.job_id).await, JobState::Failed);
            let statuses = operation.statuses();
            let ends = [statuses.first, statuses.running].contains(from);
            let expected = if ends { statuses.failed } else { *from };
            assert_eq!(status_of(&database, project).await, expected, "{operation} at {from}");
        }
    }
}
