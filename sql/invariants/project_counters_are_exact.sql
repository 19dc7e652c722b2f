-- It is never the case that the counters of projects differ from what a scan counts.
SELECT status AS id
FROM (SELECT status, sum(n) AS n FROM project_tallies GROUP BY status HAVING sum(n) <> 0) AS counted
FULL JOIN (SELECT status, count(*) AS n FROM projects GROUP BY status) AS scanned USING (status)
WHERE counted.n IS DISTINCT FROM scanned.n
