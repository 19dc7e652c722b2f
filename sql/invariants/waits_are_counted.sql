-- It is never the case that a job says that it waits for another number of its dependencies than do not let it go yet.
SELECT j.id::text AS id
FROM jobs j
LEFT JOIN (SELECT job_id, count(*) FILTER (WHERE NOT is_met(policy, outcome)) AS n FROM job_dependencies GROUP BY job_id) AS e ON e.job_id = j.id
WHERE (j.has_dependencies OR j.waits_for <> 0) AND j.waits_for <> coalesce(e.n, 0)
