-- Why did provisioning fail in the last $1 seconds? The $2 most frequent reasons.
SELECT reason, sum(n)::bigint AS n, max(last_at) AS last_at
FROM provision_tallies
WHERE minute > (SELECT clock_timestamp()) - $1::float8 * interval '1 second' AND outcome = 'failed'
GROUP BY reason
ORDER BY n DESC, last_at DESC
LIMIT $2
