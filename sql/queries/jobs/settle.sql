-- Settle attempts: record how each ended, change its job and its project (`finish_operation`), and enqueue follow-ups. An attempt that is no longer
-- the current one of its job is refused without affecting the others.
-- $1 jobs  $2 executions  $3 new states of the jobs  $4 outcomes of the attempts  $5 errors, or null
-- $6 delays before the next attempt (s)  $7 counts as a failure?  $8 workers  $9 notify?  $10 results, or null
-- $11 follow-ups (JSON), or null
--
-- The arrays have one element for each attempt, in order of the job ids: two settlements lock in the same order, so they cannot
-- deadlock. Locks jobs, then projects, then (by trigger) dependents and workflows.
-- Output: one row for each element, with `settled` false and the recorded outcome where it was refused.
-- Plan: each job by its primary key (tests/plans.rs).
WITH requested AS MATERIALIZED (
    SELECT *, state IN ('queued', 'scheduled', 'retrying') AS is_retried
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::boolean[], $8::text[],
                $10::text[], $11::text[]) WITH ORDINALITY
        AS a (job_id, execution_id, state, outcome, error, delay, counts_as_failure, actor, result, next, ordinal)
    -- Always true, but it makes the planner expect few rows and look up each job by its id, whatever the statistics say.
    WHERE ordinal BETWEEN 1 AND cardinality($1)
), settled AS (
    -- A cancel request turns a retry into a cancellation.
    UPDATE jobs j
    SET state = CASE WHEN j.cancel_requested_at IS NOT NULL AND requested.is_retried THEN 'canceled' ELSE requested.state END,
        error = CASE WHEN j.cancel_requested_at IS NOT NULL AND (requested.is_retried OR requested.state = 'canceled')
                THEN concat_ws(': ', 'canceled', j.cancel_reason) ELSE requested.error END,
        finished_at = CASE WHEN j.cancel_requested_at IS NOT NULL OR NOT requested.is_retried THEN at END,
        result = requested.result::json, lease_until = NULL, timeout_at = NULL, worker_id = NULL, cancel_requested_at = NULL, updated_at = at,
        failures = j.failures + requested.counts_as_failure::integer,
        run_at = CASE WHEN requested.delay > 0 THEN at + requested.delay * interval '1 second' ELSE j.run_at END
    FROM requested, clock_timestamp() AS at
    WHERE j.id = requested.job_id AND j.state = 'active' AND j.execution_id = requested.execution_id
    RETURNING j.id, j.project_id, j.kind, j.queue, j.tenant, j.state, j.attempt, j.error, j.run_at, j.claimed_at, j.updated_at, j.execution_id,
              j.workflow_id IS NOT NULL AS is_step,
              requested.ordinal, requested.state AS requested_state, requested.outcome, requested.delay, requested.actor, requested.next
), ended AS (
    INSERT INTO past_executions (id, job_id, attempt, worker_id, kind, queue, due_at, claimed_at, ended_at, outcome, error)
    -- The due time of this attempt: a delayed retry has a new one, but the snapshot still has the old row.
    SELECT execution_id, id, attempt, actor, kind, queue, CASE WHEN delay > 0 THEN (SELECT before.run_at FROM jobs before WHERE before.id = settled.id) ELSE run_at END,
           claimed_at, updated_at, CASE state WHEN 'canceled' THEN 'canceled' ELSE outcome END, error
    FROM settled
), changed AS MATERIALIZED (
    SELECT settled.id AS job_id, finished.*
    FROM settled CROSS JOIN LATERAL finish_operation(settled.project_id, settled.id, settled.execution_id, settled.kind, settled.state,
        CASE settled.state WHEN 'canceled' THEN 'canceled' ELSE settled.outcome END, settled.error, settled.actor, NULL, settled.updated_at) AS finished
    WHERE settled.project_id IS NOT NULL AND settled.state IN ('completed', 'failed', 'canceled')
), followed AS (
    SELECT next.job_id FROM settled CROSS JOIN LATERAL enqueue_jobs(settled.next::json, settled.actor, NULL, false, settled.id) AS next
    WHERE settled.next IS NOT NULL AND settled.state = settled.requested_state AND settled.requested_state IN ('completed', 'failed')
), recorded AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, occurred_at)
    SELECT 'job', id, 'active', state, error, actor, id, execution_id, updated_at FROM settled
    UNION ALL
    -- A failed attempt stands in the record of the project as well.
    SELECT 'project', p.id, p.status, p.status, format('attempt %s failed and will be retried: %s', s.attempt, s.error), s.actor, s.id, s.execution_id, s.updated_at
    FROM settled s JOIN projects p ON p.id = s.project_id WHERE s.state = 'retrying' AND s.outcome IN ('failed', 'timed_out')
), wakeup AS MATERIALIZED (
    -- A completed job needs no wakeup unless a limit counted it or other jobs depend on it.
    SELECT EXISTS (SELECT FROM settled WHERE state IN ('queued', 'scheduled', 'retrying') OR is_step) OR
           EXISTS (SELECT FROM job_dependencies e WHERE e.depends_on = ANY (ARRAY(SELECT id FROM settled))) OR EXISTS (SELECT FROM changed)
           OR EXISTS (SELECT FROM followed) OR EXISTS (SELECT FROM settled JOIN limits l ON l.enabled AND l.mode = 'concurrency' AND limit_applies(l.scope, l.value, settled.queue, settled.kind, settled.tenant)) AS is_needed
), notified AS (
    SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM settled) AS q WHERE $9::boolean AND (SELECT is_needed FROM wakeup)
)
SELECT ordinal, true AS settled, state, changed.previous_status AS previous_project_status, changed.status AS project_status, NULL AS recorded_outcome,
       (SELECT count(*) FROM notified) AS notified, (SELECT count(*) FROM followed) AS followed, (SELECT is_needed FROM wakeup) AS needs_wakeup
FROM settled LEFT JOIN changed ON changed.job_id = settled.id
UNION ALL
SELECT ordinal, false, NULL, NULL, NULL, (SELECT x.outcome FROM past_executions x WHERE x.job_id = requested.job_id AND x.id = requested.execution_id), NULL, NULL, false
FROM requested WHERE ordinal NOT IN (SELECT ordinal FROM settled)
