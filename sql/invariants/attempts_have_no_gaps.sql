-- No job has attempts that are not numbered one by one up to its attempt counter. Retention may have removed the oldest.
SELECT j.id::text AS id
FROM jobs j JOIN (SELECT job_id, count(*) AS n, min(attempt) AS first, max(attempt) AS last FROM executions GROUP BY job_id) AS x
  ON x.job_id = j.id
WHERE x.last <> j.attempt OR x.n <> x.last - x.first + 1
   OR (x.first <> 1 AND NOT EXISTS (SELECT FROM retention WHERE class = 'executions' AND removed > 0))
UNION ALL
SELECT j.id::text
FROM jobs j
WHERE j.attempt > 0 AND NOT EXISTS (SELECT FROM executions x WHERE x.job_id = j.id)
  AND (j.state = 'active' OR NOT EXISTS (SELECT FROM retention WHERE class = 'executions' AND removed > 0))
