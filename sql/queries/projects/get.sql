-- Get one project, even if it is deleted.
SELECT id, name, status, error_reason, template, template_version, source_id, was_ready, parameters::text AS parameters, labels::text AS labels, version,
       operation, failure::text AS failure, is_protected, stop_request, tenant, queue, priority,
       operation_deadline, expires_at, delete_after, project_conditions(projects.id) AS conditions, observed_at, requested_at, deadline_at, created_at, updated_at
FROM projects
WHERE id = $1
