-- How many projects are there, by status? Reads the folded counters, never the projects.
SELECT status, sum(n)::bigint AS n FROM project_tallies GROUP BY status
