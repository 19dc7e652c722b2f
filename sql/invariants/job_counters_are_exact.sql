-- No counter of jobs differs from a full count.
SELECT concat_ws('/', queue, kind, state) AS id
FROM (SELECT queue, kind, state, sum(n) AS n FROM job_counts GROUP BY queue, kind, state HAVING sum(n) <> 0) AS counted
FULL JOIN (SELECT queue, kind, state, count(*) AS n FROM jobs GROUP BY queue, kind, state) AS scanned USING (queue, kind, state)
WHERE counted.n IS DISTINCT FROM scanned.n
