-- Delete dead letters. An event records each deletion. Jobs of projects and steps of workflows are not deleted: steps are deleted
-- with their workflow. Blocked dependents are canceled by trigger.
-- $1 jobs  $2 actor  $3 reason or null  $4 request id
WITH locked AS MATERIALIZED (
    SELECT id, state, project_id, workflow_id FROM jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
), deleted AS (
    DELETE FROM jobs j USING locked
    WHERE j.id = locked.id AND locked.state = 'failed' AND locked.project_id IS NULL AND locked.workflow_id IS NULL
    RETURNING j.id, j.kind, j.queue, j.tenant, j.error
), recorded AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, detail)
    SELECT 'job', id, 'failed', 'deleted', $3::text, $2::text, id, $4::text,
           json_build_object('kind', kind, 'queue', queue, 'tenant', tenant, 'error', error)
    FROM deleted
)
SELECT locked.id, locked.state AS previous_state, locked.project_id IS NOT NULL AS of_project, locked.workflow_id IS NOT NULL AS of_workflow, deleted.id IS NOT NULL AS deleted FROM locked LEFT JOIN deleted USING (id) ORDER BY locked.id
