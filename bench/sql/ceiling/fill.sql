-- Queued jobs to drain.
INSERT INTO ceiling.jobs_live (id, state, kind, queue, payload)
SELECT ceiling.next_id(), 'queued', 'bench', 'bench', '{"i":1}' FROM generate_series(1, $1::bigint)
