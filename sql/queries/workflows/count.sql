-- Count workflows by state, each up to $3.
-- $1 tenant or null  $2 pattern of the name, or null  $3 max count
SELECT s.state, n.n
FROM unnest(ARRAY['running', 'completed', 'failed', 'canceled']) AS s (state) CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM (
        SELECT FROM workflows w
        WHERE w.state = s.state AND ($1::text IS NULL OR w.tenant = $1)
          AND ($2::text IS NULL OR w.name ~ $2)
        LIMIT $3) AS counted
) AS n
