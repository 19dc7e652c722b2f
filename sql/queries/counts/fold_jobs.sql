-- Fold the counters of jobs into one row for each queue, kind and state. The sum never changes.
WITH unfolded AS MATERIALIZED (
    SELECT queue, kind, state FROM job_counts GROUP BY queue, kind, state HAVING count(*) > 1
), taken AS (
    DELETE FROM job_counts t USING unfolded
    WHERE (t.queue, t.kind, t.state) = (unfolded.queue, unfolded.kind, unfolded.state)
    RETURNING t.*
)
INSERT INTO job_counts SELECT queue, kind, state, sum(n) FROM taken GROUP BY queue, kind, state HAVING sum(n) <> 0
