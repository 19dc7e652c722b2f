-- Get one project, even if it is deleted.
SELECT id, name, status, error_reason, template, template_version, parameters::text AS parameters, labels::text AS labels, version,
       operation, failure::text AS failure, is_protected, stop_request, tenant, queue, priority,
       operation_deadline, expires_at, delete_after, (SELECT json_agg(json_build_object('type', c.type, 'status', c.status, 'reason', c.reason, 'message', c.message, 'since', to_char(c.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ORDER BY c.type)
        FROM conditions c WHERE c.project_id = projects.id)::text AS conditions, observed_at, requested_at, deadline_at, created_at, updated_at
FROM projects
WHERE id = $1
