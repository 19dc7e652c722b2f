-- What do the dead letters die of? Grouped by kind and error, the most frequent first; looks at the latest $3 of them.
-- $1 queue  $2 kind, each null for any  $3 how many to look at  $4 how many groups
SELECT kind, error, count(*) AS n, min(finished_at) AS first_at, max(finished_at) AS last_at,
       (array_agg(id ORDER BY finished_at DESC))[1] AS example_id
FROM (
    SELECT id, kind, left(coalesce(error, ''), 200) AS error, finished_at FROM jobs
    WHERE state = 'failed' AND finished_at IS NOT NULL AND ($1::text IS NULL OR queue = $1) AND ($2::text IS NULL OR kind = $2)
    ORDER BY finished_at DESC, id DESC LIMIT $3
) AS latest
GROUP BY kind, error
ORDER BY n DESC, last_at DESC
LIMIT $4
