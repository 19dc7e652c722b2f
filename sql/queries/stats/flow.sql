-- What went in and came out of a queue, in slices of $2 seconds, over the last $1 seconds.
-- $3 queue, or null for all
SELECT to_timestamp(floor(extract(epoch FROM minute) / $2::float8) * $2) AS slice, what, sum(n)::bigint AS n
FROM work_tallies
WHERE minute > (SELECT clock_timestamp()) - $1::float8 * interval '1 second' AND ($3::text IS NULL OR queue = $3)
GROUP BY slice, what
ORDER BY slice, what
