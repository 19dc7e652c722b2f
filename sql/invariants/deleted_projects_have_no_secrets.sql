-- No deleted project has a secret.
SELECT s.project_id::text AS id FROM secrets s JOIN projects p ON p.id = s.project_id WHERE p.status = 'deleted'
