-- Delete old ticks.
-- $1 age (s)  $2 max rows
WITH deleted AS (
    DELETE FROM ticks WHERE id IN (
        -- Ids increase with time.
        SELECT id FROM (SELECT id, occurred_at FROM ticks ORDER BY id LIMIT $2) AS oldest
        WHERE occurred_at <= (SELECT clock_timestamp()) - $1::float8 * interval '1 second')
    RETURNING 1
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM deleted), pruned_at = clock_timestamp()
    WHERE class = 'ticks' AND EXISTS (SELECT FROM deleted)
)
SELECT count(*) AS n FROM deleted
