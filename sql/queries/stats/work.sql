-- Summarize jobs enqueued, started and ended in the last $1 seconds, by queue, kind, event and duration bucket.
-- $2 queue or null  $3 kind or null
SELECT queue, kind, event, bucket, sum(n)::bigint AS n, sum(total_ms)::bigint AS total_ms
FROM work_stats
WHERE minute > (SELECT clock_timestamp()) - $1::float8 * interval '1 second'
  AND ($2::text IS NULL OR queue = $2) AND ($3::text IS NULL OR kind = $3)
GROUP BY queue, kind, event, bucket
ORDER BY queue, kind, event, bucket
