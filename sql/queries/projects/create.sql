-- I want a project. One statement: the row, its first job, both births in the record, and the bell.
-- $1 project  $2 job  $3 name  $4 template  $5 parameters  $6 labels  $7 deadline (s)  $8 max attempts
-- $9 actor  $10 request id  $11 ring?  $12 idempotency key or null  $13 hash of the request
--
-- With a key: whoever holds the advisory lock is creating under this key right now (`door` is shut: in flight).
-- A key that is already noted is answered with its project (`seen`). When another request noted the key between this
-- statement's snapshot and its lock, neither comes back, and asking again tells.
WITH door AS MATERIALIZED (
    SELECT $12::text IS NULL OR pg_try_advisory_xact_lock(hashtextextended('provost idempotency ' || $12, 0)) AS is_open
), seen AS MATERIALIZED (
    SELECT project_id, request_hash FROM idempotency_keys WHERE key = $12
), noted AS (
    INSERT INTO idempotency_keys (key, request_hash, project_id)
    SELECT $12, $13::text, $1::uuid FROM door
    WHERE is_open AND $12 IS NOT NULL AND NOT EXISTS (SELECT FROM seen)
    ON CONFLICT DO NOTHING
    RETURNING key
), created AS (
    INSERT INTO projects (id, status, name, template, parameters, labels, requested_at, deadline_at, created_at, updated_at)
    SELECT $1, 'creating', $3, $4, $5::text::json, $6::text::jsonb, at, at + $7::float8 * interval '1 second', at, at
    FROM clock_timestamp() AS at
    WHERE $12 IS NULL OR EXISTS (SELECT FROM noted)
    RETURNING *
), enqueued AS (
    INSERT INTO jobs (id, state, kind, run_at, payload, project_id, max_attempts, created_at, updated_at)
    SELECT $2::uuid, 'queued', 'project.provision', created_at,
           json_build_object('project_id', id, 'template', template, 'parameters', parameters),
           id, $8::integer, created_at, created_at
    FROM created
    RETURNING id, queue, created_at
), told AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at)
    SELECT 'project', id, 'none', status, $9::text, $2, $10::text, created_at FROM created
    UNION ALL
    SELECT 'job', id, 'none', 'queued', $9, id, $10, created_at FROM enqueued
), rung AS (
    SELECT pg_notify('provost', queue) FROM enqueued WHERE $11::boolean
)
SELECT door.is_open, seen.project_id AS seen_project_id, seen.request_hash AS seen_hash,
       created.id, created.name, created.status, created.error_reason, created.template,
       created.parameters::text AS parameters, created.labels::text AS labels, created.version,
       created.requested_at, created.deadline_at, created.created_at, created.updated_at,
       (SELECT count(*) FROM rung) AS rung
FROM door LEFT JOIN seen ON true LEFT JOIN created ON true
