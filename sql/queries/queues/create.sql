-- Let there be a queue, also before its first job.
-- $1 name  $2 actor  $3 reason or null  $4 request id
WITH born AS (
    INSERT INTO queues (name, actor, reason) VALUES ($1, $2::text, NULL) ON CONFLICT DO NOTHING RETURNING name, state
), told AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id)
    SELECT 'queue', name, 'none', state, $3::text, $2, $4::text FROM born
)
SELECT EXISTS (SELECT FROM born) AS is_new
