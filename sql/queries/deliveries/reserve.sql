-- Store the ids of the attempts that a dequeue request may start. Returns a row only for the first such request.
-- $1 worker  $2 request  $3 new execution ids
INSERT INTO deliveries (worker_id, request_id, executions, created_at)
VALUES ($1::text, $2::text, $3::uuid[], clock_timestamp())
ON CONFLICT DO NOTHING
RETURNING true AS is_new
