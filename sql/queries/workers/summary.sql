-- Count the online workers and their slots. $1 max age of a heartbeat (s)
SELECT count(*) AS online, coalesce(sum(slots), 0)::bigint AS slots, coalesce(sum(busy), 0)::bigint AS busy
FROM workers
WHERE state = 'online' AND NOT stopping AND seen_at > clock_timestamp() - $1::float8 * interval '1 second'
