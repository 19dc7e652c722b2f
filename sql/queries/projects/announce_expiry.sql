-- Record that projects expire within 24 hours, once for each time of expiry.
-- $1 max rows  $2 actor  $3 notify?
WITH announced AS (
    UPDATE projects p SET expiry_announced = true, version = p.version + 1, updated_at = clock_timestamp()
    WHERE NOT p.expiry_announced AND p.id = ANY (ARRAY(
        SELECT e.id FROM projects e
        WHERE e.expires_at < clock_timestamp() + interval '24 hours' AND NOT e.expiry_announced
          AND provost.may_expire(e.status, e.is_protected, e.stop_request)
        ORDER BY e.id LIMIT $1 FOR UPDATE SKIP LOCKED))
    RETURNING p.id, p.status, p.queue, p.expires_at, p.updated_at
), recorded AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, occurred_at)
    SELECT 'project', id, status, status, format('the project expires at %s and is then deleted', to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), $2::text, updated_at
    FROM announced
), notified AS (
    SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM announced) AS q WHERE $3::boolean
)
SELECT id, (SELECT count(*) FROM notified) AS notified FROM announced
