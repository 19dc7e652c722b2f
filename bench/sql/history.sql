-- Jobs that finished some time ago, numbered from one number to another: a queue after a long time of work.
INSERT INTO jobs (id, state, kind, queue, attempt, max_attempts, run_at, created_at, updated_at, finished_at, payload)
SELECT lpad(to_hex(i), 32, '0')::uuid, 'completed', 'bench', 'bench', 1, 3, at, at, at, at, '{"i":0}'
FROM generate_series($1::bigint, $2::bigint) AS i
CROSS JOIN LATERAL (SELECT clock_timestamp() - interval '1 hour') AS past (at)
