-- Forget the executions that ended so long ago.
-- $1 age (s)  $2 how many at most
WITH gone AS (
    DELETE FROM executions WHERE id IN (
        SELECT id FROM executions
        WHERE id <= first_uuid_v7((SELECT clock_timestamp()) - $1::float8 * interval '1 second')
          AND ended_at <= (SELECT clock_timestamp()) - $1 * interval '1 second'
        ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING 1
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM gone), pruned_at = clock_timestamp()
    WHERE class = 'executions' AND EXISTS (SELECT FROM gone)
)
SELECT count(*) AS n FROM gone
