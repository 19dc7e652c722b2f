-- Whose time has come, and when does the next one's? Always answers with a row, if only to tell the time.
-- $1 how many at most  $2 not these, which whoever asks could not fire just now
WITH clock AS MATERIALIZED (
    SELECT clock_timestamp() AS at
)
SELECT clock.at,
       extract(epoch FROM (SELECT min(n.next_at) FROM schedules n WHERE n.state = 'enabled' AND n.next_at > clock.at) - clock.at)::float8 AS rest,
       s.id, s.name, s.state, s.expression, s.time_zone, s.anchor_at, s.misfire, s.catch_up, s.grace, s.overlap, s.jitter, s.target,
       s.spec::text AS spec, s.next_at, s.turn
FROM clock
LEFT JOIN LATERAL (
    SELECT * FROM schedules d WHERE d.state = 'enabled' AND d.next_at <= clock.at AND d.id <> ALL ($2::uuid[]) ORDER BY d.next_at LIMIT $1
) AS s ON true
