-- Delete lost workers, or one of them. Nothing else depends on their rows.
-- $1 worker, or null for all  $2 time without a heartbeat (s)  $3 actor  $4 reason or null  $5 request id
WITH deleted AS (
    DELETE FROM workers
    WHERE seen_at < clock_timestamp() - $2::float8 * interval '1 second' AND ($1::text IS NULL OR id = $1)
    RETURNING id
), recorded AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id)
    SELECT 'worker', id, 'lost', 'gone', $4::text, $3::text, $5::text FROM deleted
)
SELECT count(*) AS n FROM deleted
