-- Forget the jobs that have been finished in this state for so long, and their executions with them.
-- $1 state  $2 age (s)  $3 how many at most
WITH gone AS (
    DELETE FROM jobs WHERE id IN (
        SELECT id FROM jobs
        WHERE state = $1::text AND finished_at <= (SELECT clock_timestamp()) - $2::float8 * interval '1 second'
        LIMIT $3 FOR UPDATE SKIP LOCKED)
    RETURNING id
), with_them AS (
    DELETE FROM past_executions x USING gone WHERE x.job_id = gone.id
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM gone), pruned_at = clock_timestamp()
    WHERE class = $1 AND EXISTS (SELECT FROM gone)
)
SELECT count(*) AS n FROM gone
