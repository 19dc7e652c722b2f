-- Counts jobs that changed their state, and opens lanes for jobs that wait again. Heartbeats add no rows.
CREATE OR REPLACE FUNCTION track_updated_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH counted AS (
        INSERT INTO provost.job_counts
        SELECT queue, kind, state, sum(change)
        FROM (SELECT queue, kind, state, -1 AS change FROM old_rows UNION ALL SELECT queue, kind, state, 1 FROM new_rows) AS changes
        GROUP BY queue, kind, state HAVING sum(change) <> 0
    )
    INSERT INTO provost.lanes (queue, priority, kind, tenant, since)
    SELECT queue, priority, kind, tenant, since
    FROM (SELECT queue, priority, kind, tenant, min(run_at) AS since FROM new_rows
          WHERE state IN ('queued', 'scheduled', 'retrying') GROUP BY queue, priority, kind, tenant) AS waiting
    WHERE NOT provost.has_open_lane(queue, priority, kind, tenant, since);
    RETURN NULL;
END $$;
