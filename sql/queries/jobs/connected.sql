-- Find the jobs that are connected to this one by dependencies, nearest first.
-- $1 job  $2 max rows
WITH RECURSIVE reachable (id) AS (
    SELECT $1::uuid
    UNION
    SELECT next.id FROM reachable CROSS JOIN LATERAL (
        SELECT e.depends_on FROM job_dependencies e WHERE e.job_id = reachable.id
        UNION ALL
        SELECT e.job_id FROM job_dependencies e WHERE e.depends_on = reachable.id
    ) AS next (id)
)
SELECT id FROM reachable LIMIT $2
