-- Delete a payload schema.
-- $1 kind  $2 version  $3 actor  $4 request id
WITH deleted AS (
    DELETE FROM schemas WHERE kind = $1 AND version = $2::integer RETURNING kind, version
), recorded AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, actor, request_id)
    SELECT 'schema', format('%s v%s', kind, version), 'enabled', 'gone', $3::text, $4::text FROM deleted
)
SELECT count(*) AS n FROM deleted
