-- This is how my executions ended. Moves each job and its project, if the execution is still the job's current one, and
-- enqueues what follows from it. One for each place in the arrays, which are in the order of the jobs' ids, so that two such
-- statements cannot wait for each other; what was refused does not hold up the others.
-- $1 jobs  $2 executions  $3 the jobs' new states  $4 outcomes of the executions  $5 errors, or null
-- $6 waits before they may be claimed again (s)  $7 does it spend a failure?  $8 the projects' statuses now, or null
-- $9 the projects' new statuses, or null  $10 the workers  $11 ring?  $12 results, or null  $13 what follows, or null
WITH asked AS MATERIALIZED (
    SELECT *, state IN ('queued', 'scheduled', 'retrying') AS goes_on
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::boolean[], $8::text[], $9::text[],
                $10::text[], $12::text[], $13::text[]) WITH ORDINALITY
        AS a (job_id, execution_id, state, outcome, error, delay, spends_failure, project_was, project_status, actor, result, next, place)
    -- Always so. But it makes the planner expect few, and so look each job up by its id, whatever statistics say of the rest.
    WHERE place BETWEEN 1 AND cardinality($1)
), settled AS (
    -- Somebody may have asked to cancel it: then there is no other try.
    UPDATE jobs j
    SET state = CASE WHEN j.cancel_requested_at IS NOT NULL AND asked.goes_on THEN 'canceled' ELSE asked.state END,
        error = CASE WHEN j.cancel_requested_at IS NOT NULL AND asked.goes_on THEN concat_ws(': ', 'canceled', j.cancel_reason) ELSE asked.error END,
        finished_at = CASE WHEN j.cancel_requested_at IS NOT NULL OR NOT asked.goes_on THEN at END,
        result = asked.result::json, lease_until = NULL, timeout_at = NULL, worker_id = NULL, cancel_requested_at = NULL, updated_at = at,
        failures = j.failures + asked.spends_failure::integer,
        run_at = CASE WHEN asked.delay > 0 THEN at + asked.delay * interval '1 second' ELSE j.run_at END
    FROM asked, clock_timestamp() AS at
    WHERE j.id = asked.job_id AND j.state = 'active' AND j.execution_id = asked.execution_id
    RETURNING j.id, j.project_id, j.kind, j.queue, j.state, j.attempt, j.error, j.run_at, j.claimed_at, j.updated_at, j.execution_id,
              j.workflow_id IS NOT NULL AS is_step,
              asked.place, asked.state AS wanted, asked.outcome, asked.delay, asked.project_was, asked.project_status, asked.actor, asked.next
), ended AS (
    INSERT INTO past_executions (id, job_id, attempt, worker_id, kind, queue, due_at, claimed_at, ended_at, outcome, error)
    -- When it was due: whoever is to come again is due later now, but this statement still sees it as it was.
    SELECT execution_id, id, attempt, actor, kind, queue, CASE WHEN delay > 0 THEN (SELECT was.run_at FROM jobs was WHERE was.id = settled.id) ELSE run_at END,
           claimed_at, updated_at, CASE state WHEN 'canceled' THEN 'canceled' ELSE outcome END, error
    FROM settled
), moved AS (
    UPDATE projects p
    SET status = CASE settled.state WHEN 'canceled' THEN 'failed' ELSE settled.project_status END, deadline_at = NULL, version = p.version + 1,
        updated_at = settled.updated_at,
        error_reason = CASE WHEN settled.state = 'canceled' OR settled.project_status = 'failed'
                       THEN coalesce(settled.error, 'failed without saying why') END
    FROM settled
    WHERE p.id = settled.project_id AND p.status = settled.project_was AND (settled.project_status IS NOT NULL OR settled.state = 'canceled')
    RETURNING p.id, p.status, p.error_reason, p.updated_at, settled.id AS job_id, settled.execution_id, settled.project_was, settled.actor
), followed AS (
    SELECT next.job_id FROM settled CROSS JOIN LATERAL enqueue_jobs(settled.next::json, settled.actor, NULL, false, settled.id) AS next
    WHERE settled.next IS NOT NULL AND settled.state = settled.wanted AND settled.wanted IN ('completed', 'failed')
), told AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, occurred_at)
    SELECT 'job', id, 'active', state, error, actor, id, execution_id, updated_at FROM settled
    UNION ALL
    SELECT 'project', id, project_was, status, error_reason, actor, job_id, execution_id, updated_at FROM moved
), news AS MATERIALIZED (
    -- Is there anything to look at? Work that is simply done leaves nothing behind, unless a limit counted it or others wait for it.
    SELECT EXISTS (SELECT FROM settled WHERE state IN ('queued', 'scheduled', 'retrying') OR is_step) OR
           EXISTS (SELECT FROM job_dependencies e WHERE e.depends_on = ANY (ARRAY(SELECT id FROM settled))) OR EXISTS (SELECT FROM moved)
           OR EXISTS (SELECT FROM followed) OR EXISTS (SELECT FROM limits WHERE enabled AND mode = 'concurrency') AS wakes
), rung AS (
    SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM settled) AS q WHERE $11::boolean AND (SELECT wakes FROM news)
)
SELECT place, true AS settled, state, (SELECT status FROM moved WHERE moved.job_id = settled.id) AS project_status, NULL AS earlier_outcome,
       (SELECT count(*) FROM rung) AS rung, (SELECT count(*) FROM followed) AS followed, (SELECT wakes FROM news)
FROM settled
UNION ALL
SELECT place, false, NULL, NULL, (SELECT x.outcome FROM past_executions x WHERE x.job_id = asked.job_id AND x.id = asked.execution_id), NULL, NULL, false
FROM asked WHERE place NOT IN (SELECT place FROM settled)
