//! Random lives of projects: whatever has happened, a deletion leads to `deleted`, and a cancel ends what is in progress.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// How many lives, and the most that happens in each.
const LIVES: u64 = 16;
const LENGTH: usize = 12;
/// How many attempts a removal may need, once every attempt succeeds.
const ATTEMPTS: usize = 4;

/// A project, and the job that a worker holds.
struct Life<'a> {
    database: &'a Database,
    store: &'a Store,
    project: Uuid,
    held: Option<Lease>,
    rng: StdRng,
    /// For the message of a failure.
    story: Vec<String>,
}

impl Life<'_> {
    async fn status(&self) -> ProjectStatus {
        status_of(self.database, self.project).await
    }

    async fn ask(&mut self, verb: ProjectVerb) {
        self.story.push(format!("{verb} at {}", self.status().await));
        match verb {
            ProjectVerb::Cancel => _ = self.store.cancel_operation(self.project, None, &audit()).await.unwrap(),
            _ => {
                let request = Request::new(verb);
                _ = self.store.begin_operation(self.project, &request, operation_policy(), &audit()).await.unwrap();
            }
        }
    }

    /// Claims the job of the project, whenever it is due.
    async fn claim(&mut self) {
        let due = "UPDATE jobs SET run_at = clock_timestamp() WHERE state = 'retrying'";
        self.database.run(due).await;
        let claimed = self.store.claim_jobs(&claim_request("*"), 1).await.unwrap().jobs;
        if let Some(job) = claimed.into_iter().next() {
            self.story.push(format!("claimed {}", job.kind));
            if self.rng.random_bool(0.5) {
                let step = "INSERT INTO steps (job_id, position, project_id, name, state, execution_id, started_at)
                            VALUES ($1, 0, $2, 'step', 'running', $1, now()) ON CONFLICT DO NOTHING";
                self.database.rows(step, &[&job.lease.job_id, &self.project]).await;
            }
            self.held = Some(job.lease);
        }
    }

    async fn settle(&mut self, outcome: Outcome) {
        if let Some(lease) = self.held.take() {
            self.story.push(format!("{outcome:?}"));
            self.store.settle_job(&lease, settlement(outcome), &[], "test").await.unwrap();
        }
    }

    async fn lose_the_worker(&mut self) {
        self.story.push("the worker is lost".into());
        self.database
            .run("UPDATE jobs SET lease_until = clock_timestamp() - interval '1 s' WHERE state = 'active'")
            .await;
        self.store.reap_jobs(10, GRACES, "test").await.unwrap();
        // A worker that is lost may not know that.
        if self.rng.random_bool(0.5) {
            self.held = None;
        }
    }

    async fn pass_the_deadline(&mut self) {
        self.story.push("the deadline passes".into());
        self.database
            .run("UPDATE projects SET deadline_at = clock_timestamp() - interval '1 s' WHERE deadline_at IS NOT NULL")
            .await;
        self.store.expire_projects(10, "test").await.unwrap();
    }

    async fn something(&mut self) {
        match self.rng.random_range(0..10) {
            0..4 => {
                let verb = ProjectVerb::ALL[self.rng.random_range(0..ProjectVerb::ALL.len())];
                // Otherwise most lives would be short.
                if verb != ProjectVerb::Delete || self.rng.random_bool(0.3) {
                    self.ask(verb).await;
                }
            }
            4..6 => self.claim().await,
            6 | 7 => {
                let outcomes = [
                    Outcome::done(),
                    Outcome::done(),
                    Outcome::fatal("no quota"),
                    Outcome::failed("unreachable"),
                    Outcome::Canceled { reason: "canceled".into() },
                ];
                let outcome = outcomes[self.rng.random_range(0..outcomes.len())].clone();
                self.settle(outcome).await;
            }
            8 => self.lose_the_worker().await,
            _ => self.pass_the_deadline().await,
        }
    }

    /// A worker that does what it is asked: it stops at a request, and otherwise succeeds.
    async fn work(&mut self) {
        if self.held.is_none() {
            self.claim().await;
        }
        let requested = "SELECT count(*) FROM jobs WHERE state = 'active' AND cancel_requested_at IS NOT NULL";
        let is_stopped = self.database.number(requested).await > 0;
        let outcome = if is_stopped { Outcome::Canceled { reason: "canceled".into() } } else { Outcome::done() };
        self.settle(outcome).await;
    }
}

async fn lives(ends: impl AsyncFn(&mut Life<'_>)) {
    let database = Database::new().await;
    let store = store(&database).await;
    for seed in 0..LIVES {
        let mut rng = StdRng::seed_from_u64(seed);
        let from = [ProjectStatus::Ready, ProjectStatus::Failed, ProjectStatus::Paused][rng.random_range(0..3)];
        let project = project_at(&database, from, "1 h").await;
        let mut life =
            Life { database: &database, store: &store, project, held: None, rng, story: vec![from.to_string()] };
        for _ in 0..life.rng.random_range(0..LENGTH) {
            life.something().await;
        }
        ends(&mut life).await;
        // The next life has the database for itself.
        life.ask(ProjectVerb::Delete).await;
        for _ in 0..ATTEMPTS {
            life.work().await;
        }
    }
}

#[tokio::test]
async fn deletion_leads_to_deleted_whatever_has_happened() {
    lives(async |life| {
        life.ask(ProjectVerb::Delete).await;
        for _ in 0..ATTEMPTS {
            life.work().await;
        }
        assert_eq!(life.status().await, ProjectStatus::Deleted, "{:#?}", life.story);
    })
    .await;
}

#[tokio::test]
async fn cancel_ends_the_operation_whatever_has_happened() {
    lives(async |life| {
        life.ask(ProjectVerb::Cancel).await;
        let is_heard = life.rng.random_bool(0.5);
        // What was not undone is reversed, and that ends as well.
        for _ in 0..2 {
            if is_heard {
                life.work().await;
            } else {
                // No worker hears of it.
                life.pass_the_deadline().await;
            }
        }
        let status = life.status().await;
        let is_removal = status == ProjectStatus::Deleting;
        assert!(!status.is_transient() || is_removal, "{status}: {:#?}", life.story);
    })
    .await;
}
