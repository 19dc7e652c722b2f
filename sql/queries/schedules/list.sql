-- List the schedules, or one of them.
-- $1 name, or null for all
SELECT s.id, s.name, s.state, s.expression, s.time_zone, s.anchor_at, s.misfire, s.catch_up, s.grace, s.overlap, s.jitter, s.target,
       s.spec::text AS spec, s.next_at, s.last_at, s.revision, s.version, s.reason, s.actor, s.created_at, s.updated_at, clock_timestamp() AS at
FROM schedules s
WHERE $1::text IS NULL OR s.name = $1
ORDER BY s.name
