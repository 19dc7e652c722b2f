-- Leave a claimed look to other processes, after a time.
-- $1 project  $2 delay (s)
UPDATE projects SET observe_after = clock_timestamp() + $2::float8 * interval '1 second'
WHERE id = $1 AND status IN ('ready', 'paused')
