-- Get a workflow. Steps that its row does not count are waiting or active.
-- $1 workflow
SELECT w.id, w.state, w.name, w.tenant, w.steps, w.completed, w.failed, w.canceled, w.blocked,
       (SELECT count(*) FROM jobs j WHERE j.workflow_id = w.id AND j.state = 'active' AND j.worker_id IS NOT NULL) AS active,
       w.actor, w.created_at, w.updated_at, w.finished_at
FROM workflows w WHERE w.id = $1
