-- Count the attempts of each worker and queue in the last $1 seconds, with their outcomes.
-- $2 queue or null  $3 worker or null  $4 max rows
SELECT queue, worker_id, count(*) AS executions,
       count(*) FILTER (WHERE outcome = 'completed') AS completed, count(*) FILTER (WHERE outcome = 'failed') AS failed,
       count(*) FILTER (WHERE outcome IN ('timed_out', 'lease_expired')) AS timeouts, max(claimed_at) AS last_at
FROM executions
WHERE claimed_at > (SELECT clock_timestamp()) - $1::float8 * interval '1 second'
  -- Redundant, but this is the condition that the index supports.
  AND (ended_at IS NULL OR ended_at > (SELECT clock_timestamp()) - $1 * interval '1 second')
  AND ($2::text IS NULL OR queue = $2) AND ($3::text IS NULL OR worker_id = $3)
GROUP BY queue, worker_id
ORDER BY queue, executions DESC
LIMIT $4
