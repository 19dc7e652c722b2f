-- Change the name, the labels, the protection or the expiry of a project. No state changes, so there is no event; the version increases.
-- $1 project  $2 new name or null  $3 new labels or null  $4 expected versions, or null for any  $5 new protection or null
-- $6 new time of expiry, or null  $7 never expires?  $8 expires later by this (s), or null
WITH locked AS MATERIALIZED (
    SELECT id, status, version, stop_request, expires_at FROM projects WHERE id = $1 FOR UPDATE
), patched AS (
    UPDATE projects p
    SET name = coalesce($2::text, p.name), labels = coalesce($3::text::jsonb, p.labels),
        is_protected = coalesce($5::boolean, p.is_protected),
        expires_at = CASE WHEN NOT $7::boolean THEN coalesce($6::timestamptz, greatest(p.expires_at, clock_timestamp()) + $8::float8 * interval '1 second', p.expires_at) END,
        expiry_announced = p.expiry_announced AND $6 IS NULL AND $8 IS NULL AND NOT $7,
        version = p.version + 1, updated_at = clock_timestamp()
    FROM locked
    WHERE p.id = locked.id AND locked.status NOT IN ('deleting', 'pending_deletion', 'restoring', 'deleted') AND locked.stop_request IS DISTINCT FROM 'delete'
      AND ($8::float8 IS NULL OR locked.expires_at IS NOT NULL) AND ($4::bigint[] IS NULL OR locked.version = ANY ($4))
    RETURNING p.*
)
SELECT locked.status AS previous_status, locked.version AS previous_version,
       patched.id, patched.name, patched.status, patched.error_reason, patched.template, patched.template_version, patched.source_id, patched.was_ready,
       patched.parameters::text AS parameters, patched.labels::text AS labels, patched.version, patched.operation,
       patched.failure::text AS failure, patched.is_protected, patched.stop_request, patched.tenant,
       patched.queue, patched.priority, patched.operation_deadline, patched.expires_at, patched.delete_after,
       project_conditions(patched.id) AS conditions, patched.observed_at, patched.requested_at, patched.deadline_at, patched.created_at, patched.updated_at
FROM locked LEFT JOIN patched ON true
