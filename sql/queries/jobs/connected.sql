-- Which jobs hang together with this one, through what they wait for? The nearest first, and no more than asked for.
-- $1 job  $2 how many at most
WITH RECURSIVE near (id) AS (
    SELECT $1::uuid
    UNION
    SELECT next.id FROM near CROSS JOIN LATERAL (
        SELECT e.depends_on FROM job_dependencies e WHERE e.job_id = near.id
        UNION ALL
        SELECT e.job_id FROM job_dependencies e WHERE e.depends_on = near.id
    ) AS next (id)
)
SELECT id FROM near LIMIT $2
