-- Advance the rows of `lanes` to the jobs that wait now, and remove rows of empty lanes. A row takes three sweeps (see
-- sql/schema/tables/lanes.sql): the first closes it, so that no new transaction relies on it; the second stamps it with the
-- transactions that may still rely on it; the third, when those have ended, reads what is left and inserts an open row for it.
WITH lock AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtextextended('provost lanes', 0)) AS acquired
), removed AS (
    DELETE FROM lanes WHERE (SELECT acquired FROM lock) AND NOT is_open AND closed_by < pg_snapshot_xmin(pg_current_snapshot())
    RETURNING queue, priority, kind, tenant, since
), reopened AS (
    INSERT INTO lanes (queue, priority, kind, tenant, since)
    SELECT s.queue, s.priority, s.kind, s.tenant, head.run_at
    FROM (SELECT queue, priority, kind, tenant, min(since) AS since FROM removed GROUP BY queue, priority, kind, tenant) AS s
    CROSS JOIN LATERAL (
        SELECT j.run_at FROM jobs j
        WHERE j.queue = s.queue AND j.priority = s.priority AND j.kind = s.kind AND j.tenant = s.tenant
          AND j.state IN ('queued', 'scheduled', 'retrying') AND j.run_at >= s.since
        ORDER BY j.run_at LIMIT 1
    ) AS head
    RETURNING 1
), stamped AS (
    -- A stamp from the future comes from the server of which this database is a copy: this one may never count that far.
    UPDATE lanes SET closed_by = pg_current_xact_id()
    WHERE (SELECT acquired FROM lock) AND NOT is_open AND (closed_by IS NULL OR closed_by >= pg_snapshot_xmax(pg_current_snapshot())) RETURNING 1
), outdated AS MATERIALIZED (
    -- Open rows whose first job is gone.
    SELECT l.ctid AS location FROM lanes l CROSS JOIN lock
    WHERE lock.acquired AND l.is_open AND l.since < clock_timestamp()
      AND NOT EXISTS (
        SELECT FROM jobs j
        WHERE j.queue = l.queue AND j.priority = l.priority AND j.kind = l.kind AND j.tenant = l.tenant
          AND j.state IN ('queued', 'scheduled', 'retrying') AND j.run_at = l.since)
), closed AS (
    UPDATE lanes SET is_open = false WHERE ctid IN (SELECT location FROM outdated) AND is_open RETURNING 1
)
SELECT (SELECT count(*) FROM removed) AS removed, (SELECT count(*) FROM reopened) AS reopened,
       (SELECT count(*) FROM stamped) + (SELECT count(*) FROM closed) AS in_progress
