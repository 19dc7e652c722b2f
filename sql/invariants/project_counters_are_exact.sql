-- No counter of projects differs from a full count.
SELECT status AS id
FROM (SELECT status, sum(n) AS n FROM project_counts GROUP BY status HAVING sum(n) <> 0) AS counted
FULL JOIN (SELECT status, count(*) AS n FROM projects GROUP BY status) AS scanned USING (status)
WHERE counted.n IS DISTINCT FROM scanned.n
