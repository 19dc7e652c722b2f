-- Stop these. What waits is canceled at once, and a project with it; what is active is asked to stop, and its worker hears of
-- it at its next heartbeat. What is finished stays as it is.
-- $1 jobs  $2 actor  $3 reason or null  $4 request id  $5 ring?
WITH found AS MATERIALIZED (
    SELECT id, state, kind, project_id, execution_id, cancel_requested_at FROM jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
), canceled AS (
    UPDATE jobs j
    SET state = 'canceled', error = concat_ws(': ', 'canceled', $3::text), cancel_reason = $3, finished_at = at, updated_at = at
    FROM found, clock_timestamp() AS at
    WHERE j.id = found.id AND found.state IN ('scheduled', 'queued', 'blocked', 'retrying')
    RETURNING j.id, found.state AS previous_state, j.queue, j.kind, j.project_id, j.error, j.updated_at
), asked AS (
    UPDATE jobs j
    SET cancel_requested_at = at, cancel_reason = $3, updated_at = at
    FROM found, clock_timestamp() AS at
    WHERE j.id = found.id AND found.state = 'active' AND found.cancel_requested_at IS NULL
    RETURNING j.id, j.execution_id, j.queue, j.updated_at
), moved AS (
    UPDATE projects p
    SET status = 'failed', deadline_at = NULL, error_reason = canceled.error, version = p.version + 1, updated_at = canceled.updated_at
    FROM canceled, projects before
    WHERE p.id = canceled.project_id AND before.id = p.id AND p.status IN ('creating', 'provisioning', 'deleting')
    RETURNING p.id, before.status AS previous_state, p.error_reason, canceled.id AS job_id, p.updated_at
), told AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, request_id, occurred_at)
    SELECT 'job', id, previous_state, 'canceled', error, $2::text, id, NULL, $4::text, updated_at FROM canceled
    UNION ALL
    SELECT 'job', id, 'active', 'active', concat_ws(': ', 'cancel requested', $3), $2, id, execution_id, $4, updated_at FROM asked
    UNION ALL
    SELECT 'project', id, previous_state, 'failed', error_reason, $2, job_id, NULL, $4, updated_at FROM moved
), rung AS (
    SELECT pg_notify('provost', queue) FROM (SELECT queue FROM canceled UNION SELECT queue FROM asked) AS q WHERE $5::boolean
)
SELECT found.id, found.state AS was, canceled.id IS NOT NULL AS canceled,
       asked.id IS NOT NULL OR found.cancel_requested_at IS NOT NULL AS asked, (SELECT count(*) FROM rung) AS rung
FROM found LEFT JOIN canceled USING (id) LEFT JOIN asked USING (id)
ORDER BY found.id
