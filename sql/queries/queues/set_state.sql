-- Pause, drain or resume a queue. A request for the current state changes only the reason.
-- $1 queue  $2 new state  $3 actor  $4 reason or null  $5 request id  $6 notify?
WITH locked AS MATERIALIZED (
    SELECT name, state FROM queues WHERE name = $1 FOR UPDATE
), changed AS (
    UPDATE queues q
    SET state = $2::text, reason = $4::text, actor = $3::text, changed_at = clock_timestamp()
    FROM locked WHERE q.name = locked.name
    RETURNING q.name, q.state, q.changed_at
), recorded AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id, occurred_at)
    SELECT 'queue', m.name, f.state, m.state, $4, $3, $5::text, m.changed_at FROM changed m JOIN locked f USING (name)
), notified AS (
    SELECT pg_notify('provost', name) FROM changed WHERE $6::boolean
)
SELECT locked.state AS previous_state, (SELECT count(*) FROM notified) AS notified FROM locked
