-- What went in, was started, and came out in the last $1 seconds, by queue, kind, what and duration bucket.
-- $2 queue  $3 kind, each null for any
SELECT queue, kind, what, bucket, sum(n)::bigint AS n, sum(total_ms)::bigint AS total_ms
FROM work_tallies
WHERE minute > (SELECT clock_timestamp()) - $1::float8 * interval '1 second'
  AND ($2::text IS NULL OR queue = $2) AND ($3::text IS NULL OR kind = $3)
GROUP BY queue, kind, what, bucket
ORDER BY queue, kind, what, bucket
