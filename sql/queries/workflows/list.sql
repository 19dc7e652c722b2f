-- List workflows, newest first.
-- $1 state or null  $2 tenant or null  $3 pattern of the name, or null  $4 ids below this one, or null  $5 max rows
-- $6 start of the id, or null
SELECT w.id, w.state, w.name, w.tenant, w.steps, w.completed, w.failed, w.canceled, w.blocked,
       coalesce(running.active, 0) AS active,
       w.actor, w.created_at, w.updated_at, w.finished_at
FROM workflows w
-- Few jobs are active, so they are counted once for all workflows.
LEFT JOIN (SELECT j.workflow_id, count(*) AS active FROM jobs j
           WHERE j.state = 'active' AND j.worker_id IS NOT NULL AND j.workflow_id IS NOT NULL GROUP BY j.workflow_id) AS running ON running.workflow_id = w.id
WHERE ($1::text IS NULL OR w.state = $1) AND ($2::text IS NULL OR w.tenant = $2)
  AND ($3::text IS NULL OR w.name ~ $3) AND ($4::uuid IS NULL OR w.id < $4)
  AND ($6::text IS NULL OR starts_with(w.id::text, lower($6)))
ORDER BY w.id DESC LIMIT $5
