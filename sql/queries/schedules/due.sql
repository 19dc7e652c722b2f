-- List due schedules, and the delay until the next one. Always returns a row, so that the caller learns the time.
-- $1 max rows  $2 schedules to exclude, which the caller could not fire
WITH clock AS MATERIALIZED (
    SELECT clock_timestamp() AS at
)
SELECT clock.at,
       extract(epoch FROM (SELECT min(n.next_at) FROM schedules n WHERE n.state = 'enabled' AND n.next_at > clock.at) - clock.at)::float8 AS next_in,
       s.id, s.name, s.state, s.expression, s.time_zone, s.anchor_at, s.misfire, s.catch_up, s.grace, s.overlap, s.jitter, s.target,
       s.spec::text AS spec, s.next_at, s.revision
FROM clock
LEFT JOIN LATERAL (
    SELECT * FROM schedules d WHERE d.state = 'enabled' AND d.next_at <= clock.at AND d.id <> ALL ($2::uuid[]) ORDER BY d.next_at LIMIT $1
) AS s ON true
