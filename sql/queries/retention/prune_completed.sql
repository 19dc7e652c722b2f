-- Forget the jobs that were completed so long ago, and their executions with them. They are most of what there is: found by
-- an index of ranges, removed by their places, so that looking costs next to nothing while there is nothing to forget.
-- A step goes with its workflow, and what others still wait for stays: they will want to know what it answered.
-- $1 age (s)  $2 how many at most
WITH gone AS (
    DELETE FROM jobs WHERE state = 'completed' AND ctid = ANY (ARRAY(
        SELECT ctid FROM jobs
        WHERE state = 'completed' AND finished_at <= (SELECT clock_timestamp()) - $1::float8 * interval '1 second'
          AND workflow_id IS NULL AND NOT EXISTS (
              SELECT FROM job_dependencies e JOIN jobs c ON c.id = e.job_id
              WHERE e.depends_on = jobs.id AND c.state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying'))
        LIMIT $2 FOR UPDATE SKIP LOCKED))
    RETURNING id
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM gone), pruned_at = clock_timestamp()
    WHERE class = 'completed' AND EXISTS (SELECT FROM gone)
)
SELECT count(*) AS n FROM gone
