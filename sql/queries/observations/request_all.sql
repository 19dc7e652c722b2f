-- Ask for a look at every ready or paused project and for a search of every cluster, now. Returns the time at which they are due.
WITH start AS MATERIALIZED (
    SELECT clock_timestamp() AS at
), requested AS (
    UPDATE projects p SET observe_after = start.at FROM start WHERE p.status IN ('ready', 'paused')
), searches AS (
    UPDATE inventories i SET due_at = start.at FROM start
), notified AS (
    SELECT pg_notify('provost', 'observe') FROM start
)
SELECT start.at, (SELECT count(*) FROM notified) AS notified FROM start
