-- It is never the case that the executions of a job are not numbered one by one up to its attempt: each claim left one. (The
-- oldest may have been forgotten, if executions were ever forgotten.)
SELECT j.id::text AS id
FROM jobs j JOIN (SELECT job_id, count(*) AS n, min(attempt) AS least, max(attempt) AS most FROM executions GROUP BY job_id) AS x
  ON x.job_id = j.id
WHERE x.most <> j.attempt OR x.n <> x.most - x.least + 1
   OR (x.least <> 1 AND NOT EXISTS (SELECT FROM retention WHERE class = 'executions' AND removed > 0))
UNION ALL
SELECT j.id::text
FROM jobs j
WHERE j.attempt > 0 AND NOT EXISTS (SELECT FROM executions x WHERE x.job_id = j.id)
  AND (j.state = 'active' OR NOT EXISTS (SELECT FROM retention WHERE class = 'executions' AND removed > 0))
