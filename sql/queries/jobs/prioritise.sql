-- Serve this sooner, or later. Changes no state, so the record shows the same one twice, with what was before and after.
-- $1 job  $2 priority  $3 actor  $4 reason or null  $5 request id  $6 ring?
WITH found AS MATERIALIZED (
    SELECT id, state, priority FROM jobs WHERE id = $1 FOR UPDATE
), moved AS (
    UPDATE jobs j
    SET priority = $2::smallint, updated_at = at
    FROM found, clock_timestamp() AS at
    WHERE j.id = found.id AND found.state NOT IN ('completed', 'failed', 'canceled')
    RETURNING j.id, j.state, j.queue, j.updated_at
), told AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at, detail)
    SELECT 'job', m.id, m.state, m.state, concat_ws(': ', 'priority changed', $4::text), $3::text, m.id, $5::text, m.updated_at,
           json_build_object('before', json_build_object('priority', f.priority), 'after', json_build_object('priority', $2))
    FROM moved m JOIN found f USING (id)
), rung AS (
    SELECT pg_notify('provost', queue) FROM moved WHERE $6::boolean
)
SELECT found.state AS was, EXISTS (SELECT FROM moved) AS moved, (SELECT count(*) FROM rung) AS rung FROM found
