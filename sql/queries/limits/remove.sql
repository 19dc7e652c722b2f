-- Delete a limit.
-- $1 name  $2 actor  $3 reason or null  $4 request id  $5 notify?
WITH deleted AS (
    DELETE FROM limits WHERE name = $1 RETURNING name, enabled, scope, value, mode, amount, window_s, burst
), recorded AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id, detail)
    SELECT 'limit', name, CASE WHEN enabled THEN 'enabled' ELSE 'disabled' END, 'gone', $3::text, $2::text, $4::text,
           json_build_object('before', json_build_object('scope', scope, 'value', value, 'mode', mode, 'limit', amount, 'window_s', window_s, 'burst', burst))
    FROM deleted
), notified AS (
    SELECT pg_notify('provost', 'limits') FROM deleted WHERE $5::boolean
)
SELECT count(*) AS n, (SELECT count(*) FROM notified) AS notified FROM deleted
