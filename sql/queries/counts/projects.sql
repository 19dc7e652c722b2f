-- Count projects by status, from the counters.
SELECT status, sum(n)::bigint AS n FROM project_counts GROUP BY status
