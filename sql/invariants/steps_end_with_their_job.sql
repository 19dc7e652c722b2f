-- No step is running although its job has ended.
SELECT s.project_id::text AS id
FROM steps s JOIN jobs j ON j.id = s.job_id
WHERE s.state IN ('running', 'undoing') AND j.state IN ('completed', 'failed', 'canceled', 'superseded')
