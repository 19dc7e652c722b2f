-- Pause, drain or resume a queue. Asking for the state that it has changes nothing but the reason.
-- $1 queue  $2 new state  $3 actor  $4 reason or null  $5 request id  $6 ring?
WITH found AS MATERIALIZED (
    SELECT name, state FROM queues WHERE name = $1 FOR UPDATE
), moved AS (
    UPDATE queues q
    SET state = $2::text, reason = $4::text, actor = $3::text, changed_at = clock_timestamp()
    FROM found WHERE q.name = found.name
    RETURNING q.name, q.state, q.changed_at
), told AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id, occurred_at)
    SELECT 'queue', m.name, f.state, m.state, $4, $3, $5::text, m.changed_at FROM moved m JOIN found f USING (name)
), rung AS (
    SELECT pg_notify('provost', name) FROM moved WHERE $6::boolean
)
SELECT found.state AS was, (SELECT count(*) FROM rung) AS rung FROM found
