-- Count jobs by queue, kind and state, from the counters.
-- $1 queue or null  $2 kind or null
SELECT queue, kind, state, sum(n)::bigint AS n FROM job_counts
WHERE ($1::text IS NULL OR queue = $1) AND ($2::text IS NULL OR kind = $2)
GROUP BY queue, kind, state HAVING sum(n) <> 0
ORDER BY queue, kind, state
