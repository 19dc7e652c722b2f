-- Forget the workflows that ended so long ago, with their steps and the executions of those: the oldest, and no more than fit into one
-- statement. What waits outside for one of their steps keeps them.
-- $1 state  $2 age (s)  $3 how many steps at most, unless the first alone has more
WITH old AS (
    SELECT w.id, w.steps FROM workflows w
    WHERE w.state = $1::text AND w.finished_at <= (SELECT clock_timestamp()) - $2::float8 * interval '1 second'
      AND NOT EXISTS (SELECT FROM jobs s JOIN job_dependencies e ON e.depends_on = s.id JOIN jobs c ON c.id = e.job_id
                      WHERE s.workflow_id = w.id AND c.workflow_id IS DISTINCT FROM w.id
                        AND c.state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying'))
    ORDER BY w.finished_at LIMIT 100 FOR UPDATE SKIP LOCKED
), chosen AS MATERIALIZED (
    SELECT id FROM (SELECT id, sum(steps) OVER (ORDER BY id) - steps AS before FROM old) AS o WHERE before = 0 OR before < $3::bigint
), gone AS (
    DELETE FROM workflows WHERE id IN (SELECT id FROM chosen) RETURNING id
), with_it AS (
    DELETE FROM jobs WHERE workflow_id IN (SELECT id FROM chosen)
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM gone), pruned_at = clock_timestamp()
    WHERE class = 'workflows' AND EXISTS (SELECT FROM gone)
)
SELECT count(*) AS n FROM gone
