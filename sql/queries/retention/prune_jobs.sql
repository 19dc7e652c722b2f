-- Delete old failed, superseded or canceled jobs with their attempts. Steps are deleted with their workflow; blocked dependents are canceled
-- by trigger. `state <> 'completed'` is redundant but lets the planner use the partial index.
-- $1 state  $2 age (s)  $3 max rows
WITH deleted AS (
    DELETE FROM jobs WHERE state IN ('failed', 'superseded', 'canceled') AND ctid = ANY (ARRAY(
        SELECT ctid FROM jobs
        WHERE state = $1::text AND state IN ('failed', 'superseded', 'canceled') AND state <> 'completed'
          AND finished_at <= (SELECT clock_timestamp()) - $2::float8 * interval '1 second'
          AND workflow_id IS NULL
          -- What a project that never worked has made is known only from the steps of its jobs.
          AND (project_id IS NULL OR NOT EXISTS (SELECT FROM projects p WHERE p.id = project_id AND p.status = 'failed' AND NOT p.was_ready))
        LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING id
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM deleted), pruned_at = clock_timestamp()
    WHERE class = $1 AND EXISTS (SELECT FROM deleted)
)
SELECT count(*) AS n FROM deleted
