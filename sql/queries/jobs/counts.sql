-- Count jobs by state, from the counters.
SELECT state, sum(n)::bigint AS n FROM job_counts GROUP BY state
