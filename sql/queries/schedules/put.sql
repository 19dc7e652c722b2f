-- Create or replace a schedule. Changes nothing if its revision is not the expected one, because the next due time was
-- computed from that revision.
-- $1 id, if new  $2 name  $3 state  $4 expression  $5 time zone  $6 anchor  $7 misfire  $8 catch up  $9 grace (s)
-- $10 overlap  $11 jitter (s)  $12 target  $13 spec  $14 next due time or null  $15 expected revision, or null for none
-- $16 actor  $17 reason or null  $18 request id  $19 notify?
WITH locked AS MATERIALIZED (
    SELECT * FROM schedules WHERE name = $2 FOR UPDATE
), put AS (
    INSERT INTO schedules AS s (id, name, state, expression, time_zone, anchor_at, misfire, catch_up, grace, overlap, jitter, target,
                                spec, next_at, actor, reason)
    -- The subquery forces the lock to run before the insert.
    SELECT $1::uuid, $2, $3::text, $4::text, $5::text, $6::timestamptz, $7::text, $8::integer, $9::float8, $10::text, $11::float8,
           $12::text, $13::text::json, $14::timestamptz, $16::text, $17::text
    FROM (SELECT count(*) AS n FROM locked) AS existing
    WHERE (existing.n = 0) = ($15::bigint IS NULL)
    ON CONFLICT (name) DO UPDATE
    SET state = excluded.state, expression = excluded.expression, time_zone = excluded.time_zone, anchor_at = excluded.anchor_at,
        misfire = excluded.misfire, catch_up = excluded.catch_up, grace = excluded.grace, overlap = excluded.overlap,
        jitter = excluded.jitter, target = excluded.target, spec = excluded.spec, next_at = excluded.next_at, actor = excluded.actor,
        reason = excluded.reason, revision = s.revision + 1, version = s.version + 1, updated_at = clock_timestamp()
    WHERE s.revision = $15
    RETURNING *
), recorded AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id, detail)
    SELECT 'schedule', put.name, coalesce(locked.state, 'none'), put.state, $17, $16, $18::text,
           json_build_object('before', CASE WHEN locked.name IS NOT NULL THEN json_build_object(
                                 'expression', locked.expression, 'time_zone', locked.time_zone, 'misfire', locked.misfire, 'catch_up', locked.catch_up,
                                 'grace_s', locked.grace, 'overlap', locked.overlap, 'jitter_s', locked.jitter, locked.target, locked.spec) END,
                             'after', json_build_object(
                                 'expression', put.expression, 'time_zone', put.time_zone, 'misfire', put.misfire, 'catch_up', put.catch_up,
                                 'grace_s', put.grace, 'overlap', put.overlap, 'jitter_s', put.jitter, put.target, put.spec))
    FROM put LEFT JOIN locked ON true
), notified AS (
    SELECT pg_notify('provost', 'schedules') FROM put WHERE $19::boolean
)
SELECT NOT EXISTS (SELECT FROM locked) AS is_new, (SELECT count(*) FROM notified) AS notified FROM put
