-- Delete old failed, superseded or canceled jobs with their attempts. Steps are deleted with their workflow; blocked dependents are canceled
-- by trigger. `state <> 'completed'` is redundant but lets the planner use the partial index.
-- $1 state  $2 age (s)  $3 max rows
WITH deleted AS (
    DELETE FROM jobs WHERE state IN ('failed', 'superseded', 'canceled') AND ctid = ANY (ARRAY(
        SELECT ctid FROM jobs
        WHERE state = $1::text AND state IN ('failed', 'superseded', 'canceled') AND state <> 'completed'
          AND finished_at <= (SELECT clock_timestamp()) - $2::float8 * interval '1 second'
          AND workflow_id IS NULL
        LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING id
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM deleted), pruned_at = clock_timestamp()
    WHERE class = $1 AND EXISTS (SELECT FROM deleted)
)
SELECT count(*) AS n FROM deleted
