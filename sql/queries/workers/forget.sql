-- Forget the workers that have been silent for so long, or one of them. Nothing else depends on their rows.
-- $1 one worker, or null for all  $2 how long silent (s)  $3 actor  $4 reason or null  $5 request id
WITH gone AS (
    DELETE FROM workers
    WHERE seen_at < clock_timestamp() - $2::float8 * interval '1 second' AND ($1::text IS NULL OR id = $1)
    RETURNING id
), told AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id)
    SELECT 'worker', id, 'lost', 'gone', $4::text, $3::text, $5::text FROM gone
)
SELECT count(*) AS n FROM gone
