//! Work in every state at the moment of a copy, and what becomes of it.

use provost::domain::Outcome;
use provost::store::Store;
use provost::store::jobs::{ClaimedJob, Settled};
use serde_json::json;

use crate::harness::worker::{EXPIRED_LEASE, LONG_LEASE, claim, project_claimer, settle_as, settlement, store};
use crate::harness::{Database, Server};
use crate::invariants::doctor;
use crate::jobs::{act, enqueue, fast_server, job, outcomes, text, until};
use crate::schedules::{api_server, schedule, wait_for_ticks};
use crate::workflows::{self, start};

/// Work that is not finished. Only an API runs, so nothing changes until a copy is made.
pub struct Unfinished {
    queued: String,
    delayed: String,
    leased: ClaimedJob,
    workflow: String,
    project: String,
    provision: ClaimedJob,
}

impl Unfinished {
    pub async fn make(database: &Database) -> Self {
        let (server, store) = (api_server(database), store(database).await);
        enqueue(&server, json!({"kind": "noop"})).await;
        let leased = claim(&store, "gone", EXPIRED_LEASE).await;
        let steps = json!([{"name": "a", "kind": "noop"}, {"name": "b", "kind": "noop", "depends_on": ["a"]}]);
        let workflow = start(&server, steps).await;
        let first = claim(&store, "gone", LONG_LEASE).await;
        settle_as(&store, &first, Outcome::done(), "gone").await;
        let project = server.create_as("half", json!({"outcome": "ready", "duration_ms": 0})).await;
        let provision = store.claim_jobs(&project_claimer("gone", EXPIRED_LEASE), 1).await.unwrap().jobs.remove(0);
        let queued = enqueue(&server, json!({"kind": "noop"})).await;
        let delayed = enqueue(&server, json!({"kind": "noop", "delay": "1h"})).await;
        schedule(&server, "often", json!({"cron": "* * * * * *"})).await;
        assert_eq!(workflows::states(&server, &workflow).await, "a=completed b=queued");
        assert_eq!(server.get(&format!("/projects/{project}")).await.json()["status"], "provisioning");
        Self { queued, delayed, leased, workflow, project, provision }
    }

    /// Starts a server on a copy: all of the work goes on, once, and new work is accepted.
    pub async fn goes_on(&self, copy: &Database) {
        let server = fast_server(copy, &[]);
        let store = store(copy).await;
        until(&server, &self.queued, "completed").await;
        self.leases_are_over(&server, &store).await;
        assert_eq!(text(&job(&server, &self.delayed).await, "state"), "scheduled");
        act(&server, &self.delayed, "retry", json!({})).await.expect(200);
        until(&server, &self.delayed, "completed").await;
        workflows::until(&server, &self.workflow, "completed").await;
        let fired = wait_for_ticks(&server, "often", "fired", 2).await;
        for tick in fired {
            until(&server, &text(&tick, "job_id"), "completed").await;
        }
        let new = enqueue(&server, json!({"kind": "noop"})).await;
        until(&server, &new, "completed").await;
        server.ready("new").await;
        let (code, printed, _) = doctor(copy, &[]);
        assert_eq!(code, 0, "{printed}");
    }

    /// The attempts of the original are lost, and their workers can no longer settle them.
    async fn leases_are_over(&self, server: &Server, store: &Store) {
        let id = self.leased.lease.job_id.to_string();
        until(server, &id, "completed").await;
        assert_eq!(outcomes(server, &id).await, ["lease_expired", "completed"]);
        server.until(&self.project, "ready").await;
        for lost in [&self.leased, &self.provision] {
            let late = store.settle_job(&lost.lease, settlement(Outcome::done()), &[], "gone").await.unwrap();
            assert!(matches!(late, Settled::LeaseLost), "{late:?}");
        }
    }
}
