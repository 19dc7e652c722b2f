-- How many jobs are not finished. Each part is answered from a small partial index.
SELECT (SELECT count(*) FROM jobs WHERE state IN ('queued', 'scheduled', 'retrying'))
     + (SELECT count(*) FROM jobs WHERE state = 'active') AS n
