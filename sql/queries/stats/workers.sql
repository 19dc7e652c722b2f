-- Who worked on which queue in the last $1 seconds, how often, and how many of those executions ran out of time?
-- $2 queue or null  $3 worker or null  $4 how many rows at most
SELECT queue, worker_id, count(*) AS executions,
       count(*) FILTER (WHERE outcome = 'completed') AS completed, count(*) FILTER (WHERE outcome = 'failed') AS failed,
       count(*) FILTER (WHERE outcome IN ('timed_out', 'lease_expired')) AS timeouts, max(claimed_at) AS last_at
FROM executions
-- Ids carry the time of their claim, so the primary key finds the window; an hour more for clocks that disagree.
WHERE id >= first_uuid_v7((SELECT clock_timestamp()) - $1::float8 * interval '1 second' - interval '1 hour')
  AND claimed_at > (SELECT clock_timestamp()) - $1 * interval '1 second'
  AND ($2::text IS NULL OR queue = $2) AND ($3::text IS NULL OR worker_id = $3)
GROUP BY queue, worker_id
ORDER BY queue, executions DESC
LIMIT $4
