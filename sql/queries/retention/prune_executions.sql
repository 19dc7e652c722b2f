-- Delete old attempts.
-- $1 age (s)  $2 max rows
WITH deleted AS (
    DELETE FROM past_executions WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM past_executions
        WHERE ended_at <= (SELECT clock_timestamp()) - $1::float8 * interval '1 second'
        LIMIT $2 FOR UPDATE SKIP LOCKED))
    RETURNING 1
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM deleted), pruned_at = clock_timestamp()
    WHERE class = 'executions' AND EXISTS (SELECT FROM deleted)
)
SELECT count(*) AS n FROM deleted
