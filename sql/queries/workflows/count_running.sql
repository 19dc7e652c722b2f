-- Count running workflows, up to $1.
SELECT count(*) AS n FROM (SELECT FROM workflows WHERE state = 'running' LIMIT $1) AS counted
