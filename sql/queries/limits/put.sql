-- From now on this limit holds. A bucket that was there keeps what it has, as far as the new burst allows; a rate of nothing
-- has nothing in its bucket either.
-- $1 name  $2 scope  $3 value or null  $4 mode  $5 most  $6 window (s) or null  $7 burst or null  $8 enabled?
-- $9 actor  $10 reason or null  $11 request id  $12 ring?
WITH found AS MATERIALIZED (
    SELECT * FROM limits WHERE name = $1 FOR UPDATE
), put AS (
    INSERT INTO limits AS l (name, scope, value, mode, most, span, burst, enabled, tokens, actor)
    -- The look comes first: a row that this statement has changed already would not be found any more.
    SELECT $1, $2::text, $3::text, $4::text, $5::integer, $6::float8, $7::integer, $8::boolean,
           CASE $5 WHEN 0 THEN 0 ELSE coalesce($7, 0) END, $9::text
    FROM (SELECT count(*) FROM found) AS looked
    ON CONFLICT (name) DO UPDATE
    SET scope = excluded.scope, value = excluded.value, mode = excluded.mode, most = excluded.most, span = excluded.span,
        burst = excluded.burst, enabled = excluded.enabled, actor = excluded.actor, updated_at = clock_timestamp(),
        refilled_at = clock_timestamp(), turn = l.turn + 1,
        tokens = CASE WHEN l.mode = 'rate' AND excluded.mode = 'rate' AND excluded.most > 0
            THEN least(tokens_now(l.tokens, l.refilled_at, l.most, l.span, l.burst, clock_timestamp()), excluded.burst)
            ELSE excluded.tokens END
    -- Somebody else made it after this statement's snapshot: nothing is changed, and asking again finds it.
    WHERE EXISTS (SELECT FROM found)
    RETURNING *
), told AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id, detail)
    SELECT 'limit', put.name, CASE WHEN found.name IS NULL THEN 'none' WHEN found.enabled THEN 'enabled' ELSE 'disabled' END,
           CASE WHEN put.enabled THEN 'enabled' ELSE 'disabled' END, $10::text, $9, $11::text,
           json_build_object('before', CASE WHEN found.name IS NOT NULL THEN json_build_object(
                                 'scope', found.scope, 'value', found.value, 'mode', found.mode, 'limit', found.most, 'window_s', found.span, 'burst', found.burst) END,
                             'after', json_build_object(
                                 'scope', put.scope, 'value', put.value, 'mode', put.mode, 'limit', put.most, 'window_s', put.span, 'burst', put.burst))
    FROM put LEFT JOIN found ON true
), rung AS (
    SELECT pg_notify('provost', 'limits') FROM put WHERE $12::boolean
)
SELECT NOT EXISTS (SELECT FROM found) AS is_new, (SELECT count(*) FROM rung) AS rung FROM put
