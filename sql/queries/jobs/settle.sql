-- This is how my execution ended. Moves the job and its project, if the execution is still the job's current one.
-- $1 job  $2 execution  $3 the job's new state  $4 outcome of the execution  $5 error or null
-- $6 wait before it may be claimed again (s)  $7 does it spend a failure?  $8 the project's status now, or null
-- $9 the project's new status, or null  $10 actor  $11 ring?
WITH held AS MATERIALIZED (
    SELECT id, project_id FROM jobs WHERE id = $1 AND execution_id = $2 AND state = 'active' FOR UPDATE
), settled AS (
    UPDATE jobs j
    SET state = $3::text, error = $5::text, lease_until = NULL, worker_id = NULL, updated_at = at,
        failures = j.failures + $7::boolean::integer,
        run_at = CASE WHEN $6::float8 > 0 THEN at + $6 * interval '1 second' ELSE j.run_at END,
        finished_at = CASE WHEN $3 IN ('completed', 'failed', 'canceled') THEN at END
    FROM held, clock_timestamp() AS at
    WHERE j.id = held.id AND j.state = 'active' AND j.execution_id = $2
    RETURNING j.id, j.project_id, j.queue, j.state, j.updated_at
), ended AS (
    UPDATE executions x
    SET ended_at = settled.updated_at, outcome = $4::text, error = $5::text
    FROM settled
    WHERE x.id = $2
), moved AS (
    UPDATE projects p
    SET status = $9::text, deadline_at = NULL, version = p.version + 1, updated_at = settled.updated_at,
        error_reason = CASE WHEN $9::text = 'failed' THEN coalesce($5::text, 'failed without saying why') END
    FROM settled
    WHERE p.id = settled.project_id AND p.status = $8::text AND $9::text IS NOT NULL
    RETURNING p.id, p.status, p.error_reason, p.updated_at
), told AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, occurred_at)
    SELECT 'job', id, 'active', state, $5::text, $10::text, id, $2, updated_at FROM settled
    UNION ALL
    SELECT 'project', id, $8::text, status, error_reason, $10, $1, $2, updated_at FROM moved
), rung AS (
    SELECT pg_notify('provost', queue) FROM settled WHERE $11::boolean
)
SELECT EXISTS (SELECT FROM settled) AS settled, EXISTS (SELECT FROM moved) AS project_moved,
       (SELECT outcome FROM executions WHERE id = $2) AS earlier_outcome, (SELECT count(*) FROM rung) AS rung
