-- List the ticks of a schedule, newest first, with the work that they started.
-- $1 schedule  $2 outcome, or null for any  $3 before this tick, or null  $4 max rows  $5 only of this job or workflow, or null
SELECT t.id, t.due_at, t.since, t.n, t.cause, t.outcome, t.reason, t.job_id, t.workflow_id, t.project_id, t.actor, t.occurred_at,
       j.state AS job_state, j.created_at AS job_created_at, j.finished_at AS job_finished_at,
       w.state AS workflow_state, w.created_at AS workflow_created_at, w.finished_at AS workflow_finished_at
FROM ticks t
LEFT JOIN jobs j ON j.id = t.job_id
LEFT JOIN workflows w ON w.id = t.workflow_id
WHERE t.schedule_id = $1 AND ($2::text IS NULL OR t.outcome = $2) AND ($3::bigint IS NULL OR t.id < $3) AND ($5::uuid IS NULL OR t.job_id = $5 OR t.workflow_id = $5)
ORDER BY t.id DESC
LIMIT $4
