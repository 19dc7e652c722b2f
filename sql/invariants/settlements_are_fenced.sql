-- No job was completed by an attempt other than its last, and no attempt is recorded as completed while its job is not.
SELECT j.id::text AS id
FROM jobs j JOIN events e ON e.entity_id = j.id AND e.entity = 'job'
WHERE e.new_state = 'completed' AND e.execution_id IS DISTINCT FROM j.execution_id
UNION
SELECT j.id::text
FROM jobs j JOIN executions x ON x.job_id = j.id
WHERE x.outcome = 'completed' AND (x.id IS DISTINCT FROM j.execution_id OR j.state <> 'completed')
