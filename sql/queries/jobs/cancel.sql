-- Cancel jobs. A waiting job is canceled at once, together with its project. An active job is marked; its worker learns of the
-- request with the wakeup, or with the next heartbeat. Finished jobs stay unchanged. Locks the jobs in order of their ids.
-- $1 jobs  $2 actor  $3 reason or null  $4 request id  $5 notify?
WITH locked AS MATERIALIZED (
    SELECT id, state, kind, project_id, execution_id, cancel_requested_at FROM jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
), canceled AS (
    UPDATE jobs j
    SET state = 'canceled', error = concat_ws(': ', 'canceled', $3::text), cancel_reason = $3, finished_at = at, updated_at = at
    FROM locked, clock_timestamp() AS at
    WHERE j.id = locked.id AND locked.state IN ('scheduled', 'queued', 'blocked', 'retrying')
    RETURNING j.id, locked.state AS previous_state, j.queue, j.kind, j.project_id, j.error, j.updated_at
), requested AS (
    UPDATE jobs j
    SET cancel_requested_at = at, cancel_reason = $3, updated_at = at
    FROM locked, clock_timestamp() AS at
    WHERE j.id = locked.id AND locked.state = 'active' AND locked.cancel_requested_at IS NULL
    RETURNING j.id, j.execution_id, j.queue, j.updated_at
), changed AS MATERIALIZED (
    SELECT finished.* FROM canceled CROSS JOIN LATERAL finish_operation(
        canceled.project_id, canceled.id, NULL, canceled.kind, 'canceled', 'canceled', canceled.error, $2::text, $4::text, canceled.updated_at) AS finished
    WHERE canceled.project_id IS NOT NULL
), recorded AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, request_id, occurred_at)
    SELECT 'job', id, previous_state, 'canceled', error, $2::text, id, NULL, $4::text, updated_at FROM canceled
    UNION ALL
    SELECT 'job', id, 'active', 'active', concat_ws(': ', 'cancel requested', $3), $2, id, execution_id, $4, updated_at FROM requested
), notified AS (
    SELECT pg_notify('provost', queue) FROM (SELECT queue FROM canceled UNION SELECT queue FROM requested) AS q WHERE $5::boolean
    UNION ALL
    -- Workers look for cancel requests only when they receive this.
    SELECT pg_notify('provost', 'cancel') WHERE EXISTS (SELECT FROM requested)
)
SELECT locked.id, locked.state AS previous_state, canceled.id IS NOT NULL AS canceled,
       requested.id IS NOT NULL OR locked.cancel_requested_at IS NOT NULL AS cancel_requested, (SELECT count(*) FROM notified) AS notified, (SELECT count(*) FROM changed) AS projects
FROM locked LEFT JOIN canceled USING (id) LEFT JOIN requested USING (id)
ORDER BY locked.id
