-- Get jobs as nodes of a graph, in order of their ids.
-- $1 jobs
SELECT j.id, j.state, j.step, j.kind, j.queue, j.workflow_id, j.pending_dependencies, j.canceled_by, j.error, j.attempt, j.max_attempts,
       j.created_at, j.claimed_at, j.finished_at, clock.at
FROM jobs j CROSS JOIN (SELECT clock_timestamp() AS at) AS clock WHERE j.id = ANY ($1::uuid[]) ORDER BY j.id
