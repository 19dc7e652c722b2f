-- Delete old finished workflows with their steps and attempts, oldest first. A workflow is kept while an unfinished job outside
-- depends on one of its steps.
-- $1 state  $2 age (s)  $3 max steps, unless the first workflow alone has more
WITH expired AS (
    SELECT w.id, w.steps FROM workflows w
    WHERE w.state = $1::text AND w.finished_at <= (SELECT clock_timestamp()) - $2::float8 * interval '1 second'
      AND NOT EXISTS (SELECT FROM jobs s JOIN job_dependencies e ON e.depends_on = s.id JOIN jobs c ON c.id = e.job_id
                      WHERE s.workflow_id = w.id AND c.workflow_id IS DISTINCT FROM w.id
                        AND c.state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying'))
    ORDER BY w.finished_at LIMIT 100 FOR UPDATE SKIP LOCKED
), selected AS MATERIALIZED (
    SELECT id FROM (SELECT id, sum(steps) OVER (ORDER BY id) - steps AS before FROM expired) AS o WHERE before = 0 OR before < $3::bigint
), deleted AS (
    DELETE FROM workflows WHERE id IN (SELECT id FROM selected) RETURNING id
), deleted_steps AS (
    DELETE FROM jobs WHERE workflow_id IN (SELECT id FROM selected)
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM deleted), pruned_at = clock_timestamp()
    WHERE class = 'workflows' AND EXISTS (SELECT FROM deleted)
)
SELECT count(*) AS n FROM deleted
