-- Heartbeats update jobs too, but move none: they leave no row here.
CREATE OR REPLACE FUNCTION tally_moved_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH counted AS (
        INSERT INTO provost.job_tallies
        SELECT queue, kind, state, sum(d)
        FROM (SELECT queue, kind, state, -1 AS d FROM stale UNION ALL SELECT queue, kind, state, 1 FROM fresh) AS moves
        GROUP BY queue, kind, state HAVING sum(d) <> 0
    )
    INSERT INTO provost.lines (queue, priority, kind, tenant, since)
    SELECT queue, priority, kind, tenant, since
    FROM (SELECT queue, priority, kind, tenant, min(run_at) AS since FROM fresh
          WHERE state IN ('queued', 'scheduled', 'retrying') GROUP BY queue, priority, kind, tenant) AS returned
    WHERE NOT provost.has_line(queue, priority, kind, tenant, since);
    RETURN NULL;
END $$;
