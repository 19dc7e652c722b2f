-- Delete these dead letters. The record keeps that they were, and who let them go. A project's is left alone, and so is a step of a
-- workflow, which goes with the workflow. What still waits for one is canceled with it.
-- $1 jobs  $2 actor  $3 reason or null  $4 request id
WITH found AS MATERIALIZED (
    SELECT id, state, project_id, workflow_id FROM jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
), gone AS (
    DELETE FROM jobs j USING found
    WHERE j.id = found.id AND found.state = 'failed' AND found.project_id IS NULL AND found.workflow_id IS NULL
    RETURNING j.id, j.kind, j.queue, j.tenant, j.error
), told AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, detail)
    SELECT 'job', id, 'failed', 'deleted', $3::text, $2::text, id, $4::text,
           json_build_object('kind', kind, 'queue', queue, 'tenant', tenant, 'error', error)
    FROM gone
)
SELECT found.id, found.state AS was, found.project_id IS NOT NULL AS of_project, found.workflow_id IS NOT NULL AS of_workflow, gone.id IS NOT NULL AS gone FROM found LEFT JOIN gone USING (id) ORDER BY found.id
