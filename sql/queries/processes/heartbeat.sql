-- Record that a process lives, and forget those that have been silent for a day. The first heartbeat registers the process.
-- $1 id  $2 host  $3 pid  $4 version  $5 roles
WITH forgotten AS (
    DELETE FROM processes WHERE seen_at < clock_timestamp() - interval '1 day' AND id <> $1::text
)
INSERT INTO processes (id, host, pid, version, roles, started_at, seen_at)
VALUES ($1, $2::text, $3::integer, $4::text, $5::text[], clock_timestamp(), clock_timestamp())
ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()
