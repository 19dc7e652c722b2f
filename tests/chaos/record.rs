//! What the database recorded.

use std::collections::HashMap;

use tokio_postgres::Client;
use uuid::Uuid;

pub struct Job {
    pub state: String,
    pub execution_id: Option<Uuid>,
    pub result: Option<String>,
    pub error: Option<String>,
    pub origin_id: Option<Uuid>,
    /// The executions in its finishing events since the last retry.
    pub finishes: Vec<Option<Uuid>>,
    pub replays: i32,
    pub workflow_id: Option<Uuid>,
    pub step: Option<String>,
    /// The number of events that unblocked it.
    pub released: i64,
}

pub struct Execution {
    pub job: Uuid,
    pub outcome: Option<String>,
    pub ended_at: Option<f64>,
    /// The end of its lease, if it was reaped.
    pub lease_until: Option<f64>,
    /// The next claim of the job, if any.
    pub next_claim: Option<f64>,
}

pub struct Record {
    pub jobs: HashMap<Uuid, Job>,
    pub executions: HashMap<Uuid, Execution>,
    /// The completed executions of each job.
    pub completed: HashMap<Uuid, Vec<Uuid>>,
    /// The states of workflows.
    pub workflows: HashMap<Uuid, String>,
}

/// Without the operations on projects, which are compared with the cluster instead.
const JOBS: &str = "
    SELECT id, state, execution_id, result::text, error, origin_id, replays, workflow_id, step,
           ARRAY(SELECT e.execution_id FROM events e WHERE e.entity_id = jobs.id AND e.new_state IN ('completed', 'failed', 'canceled') AND e.id > coalesce(
               (SELECT max(r.id) FROM events r WHERE r.entity_id = jobs.id AND r.previous_state IN ('failed', 'canceled')), 0)) AS finishes,
           (SELECT count(*) FROM events e WHERE e.entity_id = jobs.id AND e.previous_state = 'blocked' AND e.new_state IN ('queued', 'scheduled')) AS released
    FROM jobs WHERE project_id IS NULL";

const EXECUTIONS: &str = "
    SELECT a.id, a.job_id, a.outcome, extract(epoch FROM a.ended_at)::float8 AS ended_at,
           extract(epoch FROM b.claimed_at)::float8 AS next_claim,
           (SELECT extract(epoch FROM (e.detail -> 'before' ->> 'lease_until')::timestamptz)::float8 FROM events e
            WHERE a.outcome = 'lease_expired' AND e.entity_id = a.job_id AND e.execution_id = a.id AND e.previous_state = 'active' LIMIT 1) AS lease_until
    FROM executions a JOIN jobs j ON j.id = a.job_id AND j.project_id IS NULL LEFT JOIN executions b ON b.job_id = a.job_id AND b.attempt = a.attempt + 1";

impl Record {
    pub async fn read(client: &Client) -> Result<Self, tokio_postgres::Error> {
        let (mut jobs, mut executions) = (HashMap::new(), HashMap::new());
        let mut completed = HashMap::<Uuid, Vec<Uuid>>::new();
        for row in client.query(JOBS, &[]).await? {
            let job = Job {
                state: row.get("state"),
                execution_id: row.get("execution_id"),
                result: row.get("result"),
                error: row.get("error"),
                origin_id: row.get("origin_id"),
                finishes: row.get("finishes"),
                replays: row.get("replays"),
                workflow_id: row.get("workflow_id"),
                step: row.get("step"),
                released: row.get("released"),
            };
            jobs.insert(row.get("id"), job);
        }
        for row in client.query(EXECUTIONS, &[]).await? {
            let execution = Execution {
                job: row.get("job_id"),
                outcome: row.get("outcome"),
                ended_at: row.get("ended_at"),
                lease_until: row.get("lease_until"),
                next_claim: row.get("next_claim"),
            };
            if execution.outcome.as_deref() == Some("completed") {
                completed.entry(execution.job).or_default().push(row.get("id"));
            }
            executions.insert(row.get("id"), execution);
        }
        let workflows = client.query("SELECT id, state FROM workflows", &[]).await?;
        let workflows = workflows.iter().map(|row| (row.get("id"), row.get("state"))).collect();
        Ok(Self { jobs, executions, completed, workflows })
    }

    /// Unfinished jobs, except blocked steps, which the workflow checks cover.
    pub fn unfinished(&self) -> impl Iterator<Item = &Uuid> {
        let finished = |job: &Job| matches!(job.state.as_str(), "completed" | "failed" | "canceled");
        let waits = |job: &Job| job.step.is_some() && job.state == "blocked";
        self.jobs.iter().filter(move |(_, job)| !finished(job) && !waits(job)).map(|(id, _)| id)
    }
}
