-- It failed; try again. Only a failed project can be retried.
-- $1 project  $2 new job  $3 deadline (s)  $4 max attempts  $5 actor  $6 reason or null  $7 request id  $8 ring?
-- $9 the version the caller saw, or null for any
WITH found AS MATERIALIZED (
    SELECT id, status, version FROM projects WHERE id = $1 FOR UPDATE
), moved AS (
    UPDATE projects p
    SET status = 'creating', error_reason = NULL, version = p.version + 1,
        requested_at = at, updated_at = at, deadline_at = at + $3::float8 * interval '1 second'
    FROM found, clock_timestamp() AS at
    WHERE p.id = found.id AND found.status = 'failed' AND ($9::bigint IS NULL OR found.version = $9)
    RETURNING p.*
), enqueued AS (
    INSERT INTO jobs (id, state, kind, run_at, payload, project_id, max_attempts, created_at, updated_at)
    SELECT $2::uuid, 'queued', 'project.provision', updated_at,
           json_build_object('project_id', id, 'template', template, 'parameters', parameters),
           id, $4::integer, updated_at, updated_at
    FROM moved
    RETURNING id, queue, created_at
), told AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at)
    SELECT 'project', id, 'failed', status, $6::text, $5::text, $2, $7::text, updated_at FROM moved
    UNION ALL
    SELECT 'job', id, 'none', 'queued', NULL, $5, id, $7, created_at FROM enqueued
), rung AS (
    SELECT pg_notify('provost', queue) FROM enqueued WHERE $8::boolean
)
SELECT found.status AS was, found.version AS was_version,
       moved.id, moved.name, moved.status, moved.error_reason, moved.template,
       moved.parameters::text AS parameters, moved.labels::text AS labels, moved.version,
       moved.requested_at, moved.deadline_at, moved.created_at, moved.updated_at,
       (SELECT count(*) FROM rung) AS rung
FROM found LEFT JOIN moved ON true
