-- This is how my execution ended. Moves the job and its project, if the execution is still the job's current one, and
-- enqueues what follows from it.
-- $1 job  $2 execution  $3 the job's new state  $4 outcome of the execution  $5 error or null
-- $6 wait before it may be claimed again (s)  $7 does it spend a failure?  $8 the project's status now, or null
-- $9 the project's new status, or null  $10 actor  $11 ring?  $12 result or null  $13 what follows, or null
WITH held AS MATERIALIZED (
    SELECT id, project_id, cancel_requested_at IS NOT NULL AND $3::text IN ('retrying', 'scheduled', 'queued') AS is_canceled
    FROM jobs WHERE id = $1 AND execution_id = $2 AND state = 'active' FOR UPDATE
), settled AS (
    -- Somebody asked to cancel it, so there is no other try.
    UPDATE jobs j
    SET state = CASE WHEN is_canceled THEN 'canceled' ELSE $3 END,
        error = CASE WHEN is_canceled THEN concat_ws(': ', 'canceled', j.cancel_reason) ELSE $5::text END,
        result = $12::text::json, lease_until = NULL, timeout_at = NULL, worker_id = NULL, cancel_requested_at = NULL, updated_at = at,
        failures = j.failures + $7::boolean::integer,
        run_at = CASE WHEN $6::float8 > 0 THEN at + $6 * interval '1 second' ELSE j.run_at END,
        finished_at = CASE WHEN is_canceled OR $3 IN ('completed', 'failed', 'canceled') THEN at END
    FROM held, clock_timestamp() AS at
    WHERE j.id = held.id AND j.state = 'active' AND j.execution_id = $2
    RETURNING j.id, j.project_id, j.queue, j.state, j.error, j.updated_at
), ended AS (
    UPDATE executions x
    SET ended_at = settled.updated_at, outcome = CASE settled.state WHEN 'canceled' THEN 'canceled' ELSE $4::text END, error = settled.error
    FROM settled
    WHERE x.id = $2
), moved AS (
    UPDATE projects p
    SET status = CASE settled.state WHEN 'canceled' THEN 'failed' ELSE $9::text END, deadline_at = NULL, version = p.version + 1,
        updated_at = settled.updated_at,
        error_reason = CASE WHEN settled.state = 'canceled' OR $9 = 'failed' THEN coalesce(settled.error, 'failed without saying why') END
    FROM settled
    WHERE p.id = settled.project_id AND p.status = $8::text AND ($9::text IS NOT NULL OR settled.state = 'canceled')
    RETURNING p.id, p.status, p.error_reason, p.updated_at
), followed AS (
    SELECT next.job_id FROM settled CROSS JOIN LATERAL enqueue_jobs($13::text::json, $10::text, NULL, false, settled.id) AS next
    WHERE $13 IS NOT NULL AND settled.state = $3 AND $3 IN ('completed', 'failed')
), told AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, occurred_at)
    SELECT 'job', id, 'active', state, error, $10, id, $2, updated_at FROM settled
    UNION ALL
    SELECT 'project', id, $8, status, error_reason, $10, $1, $2, updated_at FROM moved
), rung AS (
    SELECT pg_notify('provost', queue) FROM settled WHERE $11::boolean
)
SELECT EXISTS (SELECT FROM settled) AS settled, (SELECT state FROM settled) AS state, (SELECT status FROM moved) AS project_status,
       (SELECT outcome FROM executions WHERE id = $2) AS earlier_outcome, (SELECT count(*) FROM rung) AS rung,
       (SELECT count(*) FROM followed) AS followed
