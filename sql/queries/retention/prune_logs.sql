-- Delete old log lines.
-- $1 age (s)  $2 max rows
WITH deleted AS (
    DELETE FROM execution_logs WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM execution_logs
        WHERE at <= (SELECT clock_timestamp()) - $1::float8 * interval '1 second'
        LIMIT $2 FOR UPDATE SKIP LOCKED))
    RETURNING 1
), counted AS (
    UPDATE retention SET removed = removed + (SELECT count(*) FROM deleted), pruned_at = clock_timestamp()
    WHERE class = 'logs' AND EXISTS (SELECT FROM deleted)
)
SELECT count(*) AS n FROM deleted
