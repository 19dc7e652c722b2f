-- Create a queue before its first job.
-- $1 name  $2 actor  $3 reason or null  $4 request id
WITH inserted AS (
    INSERT INTO queues (name, actor, reason) VALUES ($1, $2::text, NULL) ON CONFLICT DO NOTHING RETURNING name, state
), recorded AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id)
    SELECT 'queue', name, 'none', state, $3::text, $2, $4::text FROM inserted
)
SELECT EXISTS (SELECT FROM inserted) AS is_new
