-- List projects, newest first. Deleted ones are included only if requested by status.
-- $1 status or null  $2 labels to contain or null  $3 pattern of the name or of the beginning of the id, or null  $4 ids below this one, or null  $5 max rows
SELECT id, name, status, error_reason, template, template_version, source_id, was_ready, parameters::text AS parameters, labels::text AS labels, version,
       operation, failure::text AS failure, is_protected, stop_request, tenant, queue, priority,
       operation_deadline, expires_at, delete_after, project_conditions(projects.id) AS conditions, observed_at, requested_at, deadline_at, created_at, updated_at
FROM projects
WHERE CASE WHEN $1::text IS NULL THEN status <> 'deleted' ELSE status = $1 END
  AND ($2::text IS NULL OR labels @> $2::text::jsonb)
  AND ($3::text IS NULL OR name ~ $3 OR id::text ~ ('^' || $3))
  AND ($4::uuid IS NULL OR id < $4)
ORDER BY id DESC
LIMIT $5
