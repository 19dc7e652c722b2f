-- Count what entered and left a queue in the last $1 seconds, in slices of $2 seconds.
-- $3 queue, or null for all
SELECT to_timestamp(floor(extract(epoch FROM minute) / $2::float8) * $2) AS slice, event, sum(n)::bigint AS n
FROM work_stats
WHERE minute > (SELECT clock_timestamp()) - $1::float8 * interval '1 second' AND ($3::text IS NULL OR queue = $3)
GROUP BY slice, event
ORDER BY slice, event
