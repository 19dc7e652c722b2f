-- How many jobs are there, by state? Reads the folded counters, never the jobs.
SELECT state, sum(n)::bigint AS n FROM job_tallies GROUP BY state
