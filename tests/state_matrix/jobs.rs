//! Jobs: every statement in every state.

use super::*;

#[tokio::test]
async fn only_due_unfinished_jobs_can_be_claimed() {
    let database = Database::new().await;
    let store = store(&database).await;
    for state in JobState::ALL {
        for (run_at, due) in [("-1 s", true), ("1 h", false)] {
            let job = job_at(&database, *state, "project.provision", None, run_at, "1 h").await;
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
            let job = job_at(&database, *state, "project.provision", None, "0 s", "1 h").await;
            let stranger = Lease { job_id: job.job_id, execution_id: Uuid::now_v7() };
            let stale = store.settle_job(&stranger, settlement.clone(), &[], "test").await.unwrap();
            assert_eq!(stale, Settled::LeaseLost, "{state}");
            assert_eq!(state_of(&database, job.job_id).await, *state);
            let answer = store.settle_job(&job, settlement.clone(), &[], "test").await.unwrap();
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
        let job = job_at(&database, JobState::Active, "project.provision", None, "0 s", "1 h").await;
        store.settle_job(&job, settlement.clone(), &[], "test").await.unwrap();
        for again in settlements() {
            let answer = store.settle_job(&job, again.clone(), &[], "test").await.unwrap();
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
            let job = job_at(&database, *state, "project.provision", None, "0 s", lease).await;
            let reaped = store.reap_jobs(200, GRACES, "test").await.unwrap();
            let legal = *state == JobState::Active && expired;
            assert_eq!(reaped.iter().any(|it| it.job_id == job.job_id), legal, "{state} {lease}");
            let expected = if legal { JobState::Retrying } else { *state };
            assert_eq!(state_of(&database, job.job_id).await, expected, "{state} {lease}");
        }
    }
}

#[tokio::test]
async fn heartbeat_renews_only_the_current_execution() {
    let database = Database::new().await;
    let store = store(&database).await;
    for state in JobState::ALL {
        let job = job_at(&database, *state, "project.provision", None, "0 s", "1 s").await;
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
