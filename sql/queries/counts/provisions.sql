-- Summarize provisioning in the last $1 seconds: one row for each slice of $2 seconds, outcome and duration bucket.
SELECT to_timestamp(floor(extract(epoch FROM minute) / $2::float8) * $2) AS slice, outcome, bucket,
       sum(n)::bigint AS n, sum(total_ms)::bigint AS total_ms
FROM provision_stats
WHERE minute > (SELECT clock_timestamp()) - $1::float8 * interval '1 second'
GROUP BY slice, outcome, bucket
ORDER BY slice, outcome, bucket
