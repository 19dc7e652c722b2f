-- This schedule starts nothing any more. What it started goes on.
-- $1 name  $2 the version that the caller saw, or null for any  $3 actor  $4 reason or null  $5 request id  $6 ring?
WITH found AS MATERIALIZED (
    SELECT * FROM schedules WHERE name = $1 FOR UPDATE
), gone AS (
    DELETE FROM schedules s USING found WHERE s.id = found.id AND ($2::bigint IS NULL OR found.version = $2) RETURNING s.id
), told AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id, detail)
    SELECT 'schedule', found.name, found.state, 'gone', $4::text, $3::text, $5::text,
           json_build_object('before', json_build_object('expression', found.expression, 'time_zone', found.time_zone, found.target, found.spec))
    FROM found JOIN gone USING (id)
), rung AS (
    SELECT pg_notify('provost', 'schedules') FROM gone WHERE $6::boolean
)
SELECT found.version AS was_version, EXISTS (SELECT FROM gone) AS gone, (SELECT count(*) FROM rung) AS rung FROM found
