//! What the database says happened.

use std::collections::HashMap;

use tokio_postgres::Client;
use uuid::Uuid;

pub struct Job {
    pub state: String,
    pub execution_id: Option<Uuid>,
    pub result: Option<String>,
    pub error: Option<String>,
    pub origin_id: Option<Uuid>,
    /// How many events say that it finished, and under which executions.
    pub finishes: Vec<Option<Uuid>>,
}

pub struct Execution {
    pub job: Uuid,
    pub outcome: Option<String>,
    pub claimed_at: f64,
    pub ended_at: Option<f64>,
    /// When its lease had ended, if it was taken back.
    pub lease_until: Option<f64>,
    /// When the job was claimed the next time, if it was.
    pub next_claim: Option<f64>,
}

pub struct Record {
    pub jobs: HashMap<Uuid, Job>,
    pub executions: HashMap<Uuid, Execution>,
    /// The executions of each job that were recorded as completed.
    pub completed: HashMap<Uuid, Vec<Uuid>>,
}

const JOBS: &str = "
    SELECT id, state, execution_id, result::text, error, origin_id,
           ARRAY(SELECT e.execution_id FROM events e WHERE e.entity_id = jobs.id AND e.new_state IN ('completed', 'failed', 'canceled')) AS finishes
    FROM jobs";

const EXECUTIONS: &str = "
    SELECT a.id, a.job_id, a.outcome, extract(epoch FROM a.claimed_at)::float8 AS claimed_at, extract(epoch FROM a.ended_at)::float8 AS ended_at,
           extract(epoch FROM b.claimed_at)::float8 AS next_claim,
           (SELECT extract(epoch FROM (e.detail -> 'before' ->> 'lease_until')::timestamptz)::float8 FROM events e
            WHERE a.outcome = 'lease_expired' AND e.entity_id = a.job_id AND e.execution_id = a.id AND e.previous_state = 'active' LIMIT 1) AS lease_until
    FROM executions a LEFT JOIN executions b ON b.job_id = a.job_id AND b.attempt = a.attempt + 1";

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
            };
            jobs.insert(row.get("id"), job);
        }
        for row in client.query(EXECUTIONS, &[]).await? {
            let execution = Execution {
                job: row.get("job_id"),
                outcome: row.get("outcome"),
                claimed_at: row.get("claimed_at"),
                ended_at: row.get("ended_at"),
                lease_until: row.get("lease_until"),
                next_claim: row.get("next_claim"),
            };
            if execution.outcome.as_deref() == Some("completed") {
                completed.entry(execution.job).or_default().push(row.get("id"));
            }
            executions.insert(row.get("id"), execution);
        }
        Ok(Self { jobs, executions, completed })
    }

    pub fn unfinished(&self) -> impl Iterator<Item = &Uuid> {
        let finished = |job: &Job| matches!(job.state.as_str(), "completed" | "failed" | "canceled");
        self.jobs.iter().filter(move |(_, job)| !finished(job)).map(|(id, _)| id)
    }
}
