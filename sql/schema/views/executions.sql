-- All attempts: those that have ended, and the current ones.
CREATE VIEW executions AS
SELECT id, job_id, attempt, worker_id, kind, queue, due_at, claimed_at, ended_at, outcome, error,
       NULL::float8 AS progress_fraction, NULL::text AS progress_text
FROM past_executions
UNION ALL
SELECT execution_id, id, attempt, worker_id, kind, queue, run_at, claimed_at, NULL, NULL, NULL, progress_fraction, progress_text
FROM jobs_live WHERE worker_id IS NOT NULL;
