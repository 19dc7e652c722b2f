-- I am here, and this is what I serve.
-- $1 id  $2 host  $3 pid  $4 version  $5 state  $6 queues  $7 kinds  $8 slots  $9 busy
INSERT INTO workers (id, host, pid, version, state, queues, kinds, slots, busy, started_at, seen_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp(), clock_timestamp())
ON CONFLICT (id) DO UPDATE
SET state = excluded.state, busy = excluded.busy, seen_at = clock_timestamp()
