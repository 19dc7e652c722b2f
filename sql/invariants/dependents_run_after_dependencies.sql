-- No job left the state blocked, or was claimed, before all its dependencies were satisfied.
SELECT j.id::text AS id
FROM job_dependencies e JOIN jobs j ON j.id = e.job_id
WHERE NOT satisfies(e.policy, e.outcome)
  AND (j.state IN ('scheduled', 'queued', 'active', 'retrying', 'completed') OR EXISTS (SELECT FROM executions x WHERE x.job_id = j.id))
UNION
-- Claimed before the dependency had ended. Its finish time is reliable only if it ended once.
SELECT x.job_id::text
FROM job_dependencies e
JOIN jobs p ON p.id = e.depends_on AND p.state = e.outcome AND (p.state = 'completed' OR p.state = 'failed' AND p.replays = 0)
JOIN executions x ON x.job_id = e.job_id
WHERE x.claimed_at < p.finished_at
