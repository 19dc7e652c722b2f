-- Group the latest $3 dead letters by kind and error, most frequent first.
-- $1 queue or null  $2 kind or null  $3 rows to examine  $4 max groups
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
