-- Create a project and enqueue its job. SQL applications use the same function, submit_project().
-- $1 project  $2 job  $3 name  $4 template  $5 parameters  $6 labels  $7 timeout (s)  $8 max attempts
-- $9 actor  $10 request id  $11 notify?  $12 idempotency key or null  $13 hash of the request
SELECT p.lock_acquired, p.key_project_id, p.key_hash, p.id, $3::text AS name, p.status, NULL AS error_reason,
       $4::text AS template, p.template_version, $5::text AS parameters, $6::text AS labels, p.version, 'create' AS operation,
       NULL AS failure, false AS is_protected, NULL AS stop_request, p.requested_at, p.deadline_at, p.created_at, p.updated_at
FROM submit_project($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS p
