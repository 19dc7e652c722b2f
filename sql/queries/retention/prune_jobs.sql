-- Forget the jobs that were failed or canceled so long ago, and their executions with them. That none of them is completed
-- follows from the rest, but is what the planner needs to read to use the index of these states. A step goes with
-- its workflow; what still waits for a job that is gone is canceled with it.
-- $1 state  $2 age (s)  $3 how many at most
WITH gone AS (
    DELETE FROM jobs WHERE state IN ('failed', 'canceled') AND ctid = ANY (ARRAY(
        SELECT ctid FROM jobs
        WHERE state = $1::text AND state IN ('failed', 'canceled') AND state <> 'completed'
          AND finished_at <= (SELECT clock_timestamp()) - $2::float8 * interval '1 second'
          AND workflow_id IS NULL
        LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING id
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM gone), pruned_at = clock_timestamp()
    WHERE class = $1 AND EXISTS (SELECT FROM gone)
)
SELECT count(*) AS n FROM gone
