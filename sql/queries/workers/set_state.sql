-- Cordon, drain or uncordon a worker. The worker learns of the change with its next heartbeat; from this statement on,
-- its claims return nothing.
-- $1 worker  $2 new state  $3 actor  $4 reason or null  $5 request id  $6 notify?
WITH locked AS MATERIALIZED (
    SELECT id, state FROM workers WHERE id = $1 FOR UPDATE
), changed AS (
    UPDATE workers w
    SET state = $2::text, reason = $4::text, actor = $3::text, changed_at = clock_timestamp()
    FROM locked WHERE w.id = locked.id
    RETURNING w.id, w.state, w.changed_at
), recorded AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id, occurred_at)
    SELECT 'worker', m.id, f.state, m.state, $4, $3, $5::text, m.changed_at FROM changed m JOIN locked f USING (id)
), notified AS (
    SELECT pg_notify('provost', 'workers') FROM changed WHERE $6::boolean
)
SELECT locked.state AS previous_state, (SELECT count(*) FROM notified) AS notified FROM locked
