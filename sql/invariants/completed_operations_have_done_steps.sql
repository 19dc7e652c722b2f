-- No operation has completed with a step that is not done.
SELECT s.project_id::text AS id
FROM steps s JOIN jobs j ON j.id = s.job_id
WHERE s.state <> 'done' AND j.state = 'completed'
