-- How many workflows run? They are not counted further than asked for.
-- $1 how far to count
SELECT count(*) AS n FROM (SELECT FROM workflows WHERE state = 'running' LIMIT $1) AS counted
