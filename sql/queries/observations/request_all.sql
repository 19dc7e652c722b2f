-- Ask for a look at every ready or paused project and for a search of every cluster, now. Returns the time.
WITH requested AS (
    UPDATE projects SET observe_after = clock_timestamp() WHERE status IN ('ready', 'paused')
), searches AS (
    UPDATE inventories SET due_at = clock_timestamp()
)
SELECT clock_timestamp() AS at
