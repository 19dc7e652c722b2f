-- It is never the case that a job is past waiting, or was ever claimed, although one of its dependencies does not let it go.
SELECT j.id::text AS id
FROM job_dependencies e JOIN jobs j ON j.id = e.job_id
WHERE NOT is_met(e.policy, e.outcome)
  AND (j.state IN ('scheduled', 'queued', 'active', 'retrying', 'completed') OR EXISTS (SELECT FROM executions x WHERE x.job_id = j.id))
UNION
-- Nor that it was claimed before what let it go had ended. When that was is known where it ended but once.
SELECT x.job_id::text
FROM job_dependencies e
JOIN jobs p ON p.id = e.depends_on AND p.state = e.outcome AND (p.state = 'completed' OR p.state = 'failed' AND p.replays = 0)
JOIN executions x ON x.job_id = e.job_id
WHERE x.claimed_at < p.finished_at
