-- Create or replace a limit. An existing token bucket keeps its tokens up to the new burst; a rate of 0 has none.
-- $1 name  $2 scope  $3 value or null  $4 mode  $5 amount  $6 window (s) or null  $7 burst or null  $8 enabled?
-- $9 actor  $10 reason or null  $11 request id  $12 notify?
WITH locked AS MATERIALIZED (
    SELECT * FROM limits WHERE name = $1 FOR UPDATE
), put AS (
    INSERT INTO limits AS l (name, scope, value, mode, amount, window_s, burst, enabled, tokens, actor)
    -- The subquery forces the lock to run before the insert.
    SELECT $1, $2::text, $3::text, $4::text, $5::integer, $6::float8, $7::integer, $8::boolean,
           CASE $5 WHEN 0 THEN 0 ELSE coalesce($7, 0) END, $9::text
    FROM (SELECT count(*) FROM locked) AS existing
    ON CONFLICT (name) DO UPDATE
    SET scope = excluded.scope, value = excluded.value, mode = excluded.mode, amount = excluded.amount, window_s = excluded.window_s,
        burst = excluded.burst, enabled = excluded.enabled, actor = excluded.actor, updated_at = clock_timestamp(),
        refilled_at = clock_timestamp(), revision = l.revision + 1,
        tokens = CASE WHEN l.mode = 'rate' AND excluded.mode = 'rate' AND excluded.amount > 0
            THEN least(available_tokens(l.tokens, l.refilled_at, l.amount, l.window_s, l.burst, clock_timestamp()), excluded.burst)
            ELSE excluded.tokens END
    -- If another transaction created the limit after the snapshot, nothing changes and the caller repeats the statement.
    WHERE EXISTS (SELECT FROM locked)
    RETURNING *
), recorded AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id, detail)
    SELECT 'limit', put.name, CASE WHEN locked.name IS NULL THEN 'none' WHEN locked.enabled THEN 'enabled' ELSE 'disabled' END,
           CASE WHEN put.enabled THEN 'enabled' ELSE 'disabled' END, $10::text, $9, $11::text,
           json_build_object('before', CASE WHEN locked.name IS NOT NULL THEN json_build_object(
                                 'scope', locked.scope, 'value', locked.value, 'mode', locked.mode, 'limit', locked.amount, 'window_s', locked.window_s, 'burst', locked.burst) END,
                             'after', json_build_object(
                                 'scope', put.scope, 'value', put.value, 'mode', put.mode, 'limit', put.amount, 'window_s', put.window_s, 'burst', put.burst))
    FROM put LEFT JOIN locked ON true
), notified AS (
    SELECT pg_notify('provost', 'limits') FROM put WHERE $12::boolean
)
SELECT NOT EXISTS (SELECT FROM locked) AS is_new, (SELECT count(*) FROM notified) AS notified FROM put
