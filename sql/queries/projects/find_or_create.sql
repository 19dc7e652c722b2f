-- Find the project with a name, or create it.
-- The parameters are those of projects/create without the key.
SELECT s.matches, s.is_new,
       p.id, p.name, p.status, p.error_reason, p.template, p.template_version, p.source_id, p.was_ready, p.parameters::text AS parameters, p.labels::text AS labels,
       p.version, p.operation, p.failure::text AS failure, p.is_protected, p.stop_request, p.tenant, p.queue, p.priority,
       p.operation_deadline, p.expires_at, p.delete_after,
       project_conditions(p.id) AS conditions, p.observed_at, p.requested_at, p.deadline_at, p.created_at, p.updated_at
FROM find_or_submit_project($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) AS s,
     LATERAL (SELECT (s.project).*) AS p
