-- Delete a schedule. Work that it started continues.
-- $1 name  $2 expected versions, or null for any  $3 actor  $4 reason or null  $5 request id  $6 notify?
WITH locked AS MATERIALIZED (
    SELECT * FROM schedules WHERE name = $1 FOR UPDATE
), deleted AS (
    DELETE FROM schedules s USING locked WHERE s.id = locked.id AND ($2::bigint[] IS NULL OR locked.version = ANY ($2)) RETURNING s.id
), recorded AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id, detail)
    SELECT 'schedule', locked.name, locked.state, 'gone', $4::text, $3::text, $5::text,
           json_build_object('before', json_build_object('expression', locked.expression, 'time_zone', locked.time_zone, locked.target, locked.spec))
    FROM locked JOIN deleted USING (id)
), notified AS (
    SELECT pg_notify('provost', 'schedules') FROM deleted WHERE $6::boolean
)
SELECT locked.version AS previous_version, EXISTS (SELECT FROM deleted) AS deleted, (SELECT count(*) FROM notified) AS notified FROM locked
