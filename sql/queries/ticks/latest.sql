-- List the latest ticks of every schedule, newest first.
-- $1 ticks per schedule
SELECT s.id AS schedule_id, t.id, t.due_at, t.since, t.n, t.cause, t.outcome, t.reason, t.job_id, t.workflow_id, t.project_id, t.actor, t.occurred_at,
       j.state AS job_state, j.created_at AS job_created_at, j.finished_at AS job_finished_at,
       w.state AS workflow_state, w.created_at AS workflow_created_at, w.finished_at AS workflow_finished_at
FROM schedules s
CROSS JOIN LATERAL (SELECT * FROM ticks t WHERE t.schedule_id = s.id ORDER BY t.id DESC LIMIT $1) AS t
LEFT JOIN jobs j ON j.id = t.job_id
LEFT JOIN workflows w ON w.id = t.workflow_id
ORDER BY s.name, t.id DESC
