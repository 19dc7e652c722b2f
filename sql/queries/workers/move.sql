-- Cordon, drain or uncordon a worker. It hears of it at its next heartbeat; its claims give nothing from now on.
-- $1 worker  $2 new state  $3 actor  $4 reason or null  $5 request id  $6 ring?
WITH found AS MATERIALIZED (
    SELECT id, state FROM workers WHERE id = $1 FOR UPDATE
), moved AS (
    UPDATE workers w
    SET state = $2::text, reason = $4::text, actor = $3::text, changed_at = clock_timestamp()
    FROM found WHERE w.id = found.id
    RETURNING w.id, w.state, w.changed_at
), told AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id, occurred_at)
    SELECT 'worker', m.id, f.state, m.state, $4, $3, $5::text, m.changed_at FROM moved m JOIN found f USING (id)
), rung AS (
    SELECT pg_notify('provost', 'workers') FROM moved WHERE $6::boolean
)
SELECT found.state AS was, (SELECT count(*) FROM rung) AS rung FROM found
