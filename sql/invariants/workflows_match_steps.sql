-- No workflow has counts, a state or a finish time that differ from those of its steps.
SELECT coalesce(w.id, s.id)::text AS id
FROM workflows w
FULL JOIN (
    SELECT workflow_id AS id, count(*) AS steps, count(*) FILTER (WHERE state = 'completed') AS completed, count(*) FILTER (WHERE state = 'failed') AS failed,
           count(*) FILTER (WHERE state = 'canceled') AS canceled, count(*) FILTER (WHERE state = 'blocked') AS blocked
    FROM jobs WHERE workflow_id IS NOT NULL GROUP BY workflow_id
) AS s ON s.id = w.id
WHERE (w.steps, w.completed, w.failed, w.canceled, w.blocked) IS DISTINCT FROM (s.steps, s.completed, s.failed, s.canceled, s.blocked)
   OR w.state <> workflow_state(w.steps, w.completed, w.failed, w.canceled, w.blocked)
   OR (w.state = 'running') <> (w.finished_at IS NULL)
