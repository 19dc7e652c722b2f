-- I am about to claim for this request: keep the ids of the executions that may come of it. Says whether it is the first time.
-- $1 worker  $2 request  $3 fresh execution ids
INSERT INTO deliveries (worker_id, request_id, executions, created_at)
VALUES ($1::text, $2::text, $3::uuid[], clock_timestamp())
ON CONFLICT DO NOTHING
RETURNING true AS is_new
