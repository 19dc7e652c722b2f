-- Add a payload schema. An existing version is never replaced; the caller compares it with `earlier`.
-- $1 kind  $2 version, or null for the next  $3 schema (JSON)  $4 actor  $5 request id
WITH put AS (
    INSERT INTO schemas (kind, version, schema, actor)
    SELECT $1, coalesce($2::integer, (SELECT coalesce(max(version), 0) + 1 FROM schemas WHERE kind = $1)), $3::text::json, $4::text
    ON CONFLICT DO NOTHING
    RETURNING kind, version
), recorded AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, actor, request_id)
    SELECT 'schema', format('%s v%s', kind, version), 'none', 'enabled', $4, $5::text FROM put
)
SELECT (SELECT version FROM put) AS version, (SELECT schema::text FROM schemas WHERE kind = $1 AND version = $2) AS earlier
