-- Delete dequeue requests that no worker will repeat.
-- $1 max rows
WITH deleted AS (
    DELETE FROM deliveries WHERE (worker_id, request_id) IN (
        SELECT worker_id, request_id FROM deliveries
        WHERE created_at < (SELECT clock_timestamp()) - interval '1 hour' ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING 1
)
SELECT count(*) AS n FROM deleted
