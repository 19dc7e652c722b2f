-- This limit holds no longer.
-- $1 name  $2 actor  $3 reason or null  $4 request id  $5 ring?
WITH gone AS (
    DELETE FROM limits WHERE name = $1 RETURNING name, enabled, scope, value, mode, most, span, burst
), told AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id, detail)
    SELECT 'limit', name, CASE WHEN enabled THEN 'enabled' ELSE 'disabled' END, 'gone', $3::text, $2::text, $4::text,
           json_build_object('before', json_build_object('scope', scope, 'value', value, 'mode', mode, 'limit', most, 'window_s', span, 'burst', burst))
    FROM gone
), rung AS (
    SELECT pg_notify('provost', 'limits') FROM gone WHERE $5::boolean
)
SELECT count(*) AS n, (SELECT count(*) FROM rung) AS rung FROM gone
