-- List the attempts of a job, latest first.
SELECT id, job_id, attempt, worker_id, kind, queue, claimed_at, ended_at, outcome, error, progress_fraction, progress_text
FROM executions WHERE job_id = $1 ORDER BY attempt DESC LIMIT $2
