-- How many jobs are unfinished. Each part uses a small partial index.
SELECT (SELECT count(*) FROM jobs WHERE state IN ('queued', 'scheduled', 'retrying'))
     + (SELECT count(*) FROM jobs WHERE state = 'active') AS n
