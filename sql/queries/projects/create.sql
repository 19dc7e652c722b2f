-- Create a project and enqueue its job. SQL applications use the same function, submit_project().
-- $1 project  $2 job  $3 name  $4 template  $5 parameters  $6 labels  $7 tenant  $8 queue  $9 priority
-- $10 own deadline of every operation (s), or null  $11 otherwise the deadline of this one (s)  $12 time of expiry, or null
-- $13 max attempts  $14 actor  $15 request id  $16 notify?  $17 idempotency key or null  $18 hash of the request
-- $19 the project of which this is a clone, or null
SELECT s.lock_acquired, s.key_project_id, s.key_hash, s.source_status,
       p.id, p.name, p.status, p.error_reason, p.template, p.template_version, p.source_id, p.was_ready, p.parameters::text AS parameters, p.labels::text AS labels,
       p.version, p.operation, p.failure::text AS failure, p.is_protected, p.stop_request, p.tenant, p.queue, p.priority,
       p.operation_deadline, p.expires_at, p.delete_after,
       project_conditions(p.id) AS conditions, p.observed_at, p.requested_at, p.deadline_at, p.created_at, p.updated_at
FROM submit_project($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) AS s,
     LATERAL (SELECT (s.project).*) AS p
