-- Change what people call it. No state moves, so there is no event; the version tells readers that something changed.
-- $1 project  $2 new name or null  $3 new labels or null  $4 the version the caller saw, or null for any
WITH found AS MATERIALIZED (
    SELECT id, status, version FROM projects WHERE id = $1 FOR UPDATE
), patched AS (
    UPDATE projects p
    SET name = coalesce($2::text, p.name), labels = coalesce($3::text::jsonb, p.labels),
        version = p.version + 1, updated_at = clock_timestamp()
    FROM found
    WHERE p.id = found.id AND found.status NOT IN ('deleting', 'deleted') AND ($4::bigint IS NULL OR found.version = $4)
    RETURNING p.*
)
SELECT found.status AS was, found.version AS was_version,
       patched.id, patched.name, patched.status, patched.error_reason, patched.template,
       patched.parameters::text AS parameters, patched.labels::text AS labels, patched.version,
       patched.requested_at, patched.deadline_at, patched.created_at, patched.updated_at
FROM found LEFT JOIN patched ON true
