-- No job has a number of pending dependencies that differs from its unsatisfied edges.
SELECT j.id::text AS id
FROM jobs j
LEFT JOIN (SELECT job_id, count(*) FILTER (WHERE NOT satisfies(policy, outcome)) AS n FROM job_dependencies GROUP BY job_id) AS e ON e.job_id = j.id
WHERE (j.has_dependencies OR j.pending_dependencies <> 0) AND j.pending_dependencies <> coalesce(e.n, 0)
