-- Marks the dead letters of a project as superseded: a later operation on it has taken their place. Called with the project locked.
CREATE OR REPLACE FUNCTION supersede_jobs(project uuid, reason text, actor text, request_id text, at timestamptz) RETURNS void
LANGUAGE sql SET search_path = provost, pg_temp AS $$
WITH superseded AS (
    UPDATE jobs j SET state = 'superseded', updated_at = at WHERE j.project_id = project AND j.state = 'failed' RETURNING j.id
)
INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at)
SELECT 'job', id, 'failed', 'superseded', reason, actor, id, request_id, at FROM superseded
$$;
