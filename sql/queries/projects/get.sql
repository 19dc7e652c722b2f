-- Get one project, even if it is deleted.
SELECT id, name, status, error_reason, template, parameters::text AS parameters, labels::text AS labels, version,
       requested_at, deadline_at, created_at, updated_at
FROM projects
WHERE id = $1
