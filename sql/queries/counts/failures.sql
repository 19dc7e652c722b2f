-- List the $2 most frequent reasons for which provisioning failed in the last $1 seconds.
SELECT reason, sum(n)::bigint AS n, max(last_at) AS last_at
FROM provision_stats
WHERE minute > (SELECT clock_timestamp()) - $1::float8 * interval '1 second' AND outcome = 'failed'
GROUP BY reason
ORDER BY n DESC, last_at DESC
LIMIT $2
