-- How many workers are there, and how many slots have they? $1 how old a heartbeat may be (s)
SELECT count(*) AS online, coalesce(sum(slots), 0)::bigint AS slots, coalesce(sum(busy), 0)::bigint AS busy
FROM workers
WHERE state = 'online' AND NOT stopping AND seen_at > clock_timestamp() - $1::float8 * interval '1 second'
