-- Delete old completed jobs with their attempts. They are the bulk of the history: a block range index finds them and their
-- ctid removes them, so a run without anything to delete costs almost nothing. Steps are deleted with their workflow, and
-- jobs with unfinished dependents are kept, because those need the results.
-- $1 age (s)  $2 max rows
WITH deleted AS (
    DELETE FROM jobs WHERE state = 'completed' AND ctid = ANY (ARRAY(
        SELECT ctid FROM jobs
        WHERE state = 'completed' AND finished_at <= (SELECT clock_timestamp()) - $1::float8 * interval '1 second'
          AND workflow_id IS NULL AND NOT EXISTS (
              SELECT FROM job_dependencies e JOIN jobs c ON c.id = e.job_id
              WHERE e.depends_on = jobs.id AND c.state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying'))
        LIMIT $2 FOR UPDATE SKIP LOCKED))
    RETURNING id
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM deleted), pruned_at = clock_timestamp()
    WHERE class = 'completed' AND EXISTS (SELECT FROM deleted)
)
SELECT count(*) AS n FROM deleted
