-- Forget what became of due times so long ago.
-- $1 age (s)  $2 how many at most
WITH gone AS (
    DELETE FROM ticks WHERE id IN (
        -- Their ids grow with time, so the oldest are found first.
        SELECT id FROM (SELECT id, occurred_at FROM ticks ORDER BY id LIMIT $2) AS oldest
        WHERE occurred_at <= (SELECT clock_timestamp()) - $1::float8 * interval '1 second')
    RETURNING 1
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM gone), pruned_at = clock_timestamp()
    WHERE class = 'ticks' AND EXISTS (SELECT FROM gone)
)
SELECT count(*) AS n FROM gone
