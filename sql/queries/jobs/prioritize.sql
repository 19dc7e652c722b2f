-- Change the priority of a job. The state stays the same, so the event has it twice, with the priorities before and after.
-- $1 job  $2 priority  $3 actor  $4 reason or null  $5 request id  $6 notify?
WITH locked AS MATERIALIZED (
    SELECT id, state, priority FROM jobs WHERE id = $1 FOR UPDATE
), changed AS (
    UPDATE jobs j
    SET priority = $2::smallint, updated_at = at
    FROM locked, clock_timestamp() AS at
    WHERE j.id = locked.id AND locked.state NOT IN ('completed', 'failed', 'canceled', 'superseded')
    RETURNING j.id, j.state, j.queue, j.updated_at
), recorded AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at, detail)
    SELECT 'job', m.id, m.state, m.state, concat_ws(': ', 'priority changed', $4::text), $3::text, m.id, $5::text, m.updated_at,
           json_build_object('before', json_build_object('priority', f.priority), 'after', json_build_object('priority', $2))
    FROM changed m JOIN locked f USING (id)
), notified AS (
    SELECT pg_notify('provost', queue) FROM changed WHERE $6::boolean
)
SELECT locked.state AS previous_state, EXISTS (SELECT FROM changed) AS changed, (SELECT count(*) FROM notified) AS notified FROM locked
