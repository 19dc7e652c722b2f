-- From now on this is the schedule of this name. Nothing happens when it is not at the turn that the caller saw, or is not
-- there any more: what comes next was computed from what it was.
-- $1 id, if it is new  $2 name  $3 state  $4 expression  $5 time zone  $6 anchor  $7 misfire  $8 catch up  $9 grace (s)
-- $10 overlap  $11 jitter (s)  $12 target  $13 spec  $14 next due time or null  $15 the turn that was seen, or null for none
-- $16 actor  $17 reason or null  $18 request id  $19 ring?
WITH found AS MATERIALIZED (
    SELECT * FROM schedules WHERE name = $2 FOR UPDATE
), put AS (
    INSERT INTO schedules AS s (id, name, state, expression, time_zone, anchor_at, misfire, catch_up, grace, overlap, jitter, target,
                                spec, next_at, actor, reason)
    -- The look comes first: a row that this statement has changed already would not be found any more.
    SELECT $1::uuid, $2, $3::text, $4::text, $5::text, $6::timestamptz, $7::text, $8::integer, $9::float8, $10::text, $11::float8,
           $12::text, $13::text::json, $14::timestamptz, $16::text, $17::text
    FROM (SELECT count(*) AS n FROM found) AS looked
    WHERE (looked.n = 0) = ($15::bigint IS NULL)
    ON CONFLICT (name) DO UPDATE
    SET state = excluded.state, expression = excluded.expression, time_zone = excluded.time_zone, anchor_at = excluded.anchor_at,
        misfire = excluded.misfire, catch_up = excluded.catch_up, grace = excluded.grace, overlap = excluded.overlap,
        jitter = excluded.jitter, target = excluded.target, spec = excluded.spec, next_at = excluded.next_at, actor = excluded.actor,
        reason = excluded.reason, turn = s.turn + 1, version = s.version + 1, updated_at = clock_timestamp()
    WHERE s.turn = $15
    RETURNING *
), told AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id, detail)
    SELECT 'schedule', put.name, coalesce(found.state, 'none'), put.state, $17, $16, $18::text,
           json_build_object('before', CASE WHEN found.name IS NOT NULL THEN json_build_object(
                                 'expression', found.expression, 'time_zone', found.time_zone, 'misfire', found.misfire, 'catch_up', found.catch_up,
                                 'grace_s', found.grace, 'overlap', found.overlap, 'jitter_s', found.jitter, found.target, found.spec) END,
                             'after', json_build_object(
                                 'expression', put.expression, 'time_zone', put.time_zone, 'misfire', put.misfire, 'catch_up', put.catch_up,
                                 'grace_s', put.grace, 'overlap', put.overlap, 'jitter_s', put.jitter, put.target, put.spec))
    FROM put LEFT JOIN found ON true
), rung AS (
    SELECT pg_notify('provost', 'schedules') FROM put WHERE $19::boolean
)
SELECT NOT EXISTS (SELECT FROM found) AS is_new, (SELECT count(*) FROM rung) AS rung FROM put
