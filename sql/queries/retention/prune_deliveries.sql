-- Forget the requests of workers that nobody will send again.
-- $1 how many at most
WITH gone AS (
    DELETE FROM deliveries WHERE (worker_id, request_id) IN (
        SELECT worker_id, request_id FROM deliveries
        WHERE created_at < (SELECT clock_timestamp()) - interval '1 hour' ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING 1
)
SELECT count(*) AS n FROM gone
