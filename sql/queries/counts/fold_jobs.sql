-- Fold the counters of jobs: as many rows as there are queues, kinds and states in use.
WITH many AS MATERIALIZED (
    SELECT queue, kind, state FROM job_tallies GROUP BY queue, kind, state HAVING count(*) > 1
), taken AS (
    DELETE FROM job_tallies t USING many
    WHERE (t.queue, t.kind, t.state) = (many.queue, many.kind, many.state)
    RETURNING t.*
)
INSERT INTO job_tallies SELECT queue, kind, state, sum(n) FROM taken GROUP BY queue, kind, state HAVING sum(n) <> 0
