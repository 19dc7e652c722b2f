-- Show me these jobs as the nodes of a graph, in the order of their ids.
-- $1 jobs
SELECT j.id, j.state, j.step, j.kind, j.queue, j.workflow_id, j.waits_for, j.doomed_by, j.error, j.attempt, j.max_attempts,
       j.created_at, j.claimed_at, j.finished_at, clock.at
FROM jobs j CROSS JOIN (SELECT clock_timestamp() AS at) AS clock WHERE j.id = ANY ($1::uuid[]) ORDER BY j.id
