-- Which lines have moved on? Moves the rows of `lines` up to where jobs are waiting now, and drops those of empty lines.
-- A row passes through three sweeps, see V4: the first closes it, so that nobody new trusts it; the second notes who may
-- still; the third, when they are all over, looks what is left in its line, for which it leaves an open row.
WITH turn AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtextextended('provost lines', 0)) AS mine
), settled AS (
    DELETE FROM lines WHERE (SELECT mine FROM turn) AND NOT is_open AND closed_by < pg_snapshot_xmin(pg_current_snapshot())
    RETURNING queue, priority, kind, tenant, since
), reopened AS (
    INSERT INTO lines (queue, priority, kind, tenant, since)
    SELECT s.queue, s.priority, s.kind, s.tenant, head.run_at
    FROM (SELECT queue, priority, kind, tenant, min(since) AS since FROM settled GROUP BY queue, priority, kind, tenant) AS s
    CROSS JOIN LATERAL (
        SELECT j.run_at FROM jobs j
        WHERE j.queue = s.queue AND j.priority = s.priority AND j.kind = s.kind AND j.tenant = s.tenant
          AND j.state IN ('queued', 'scheduled', 'retrying') AND j.run_at >= s.since
        ORDER BY j.run_at LIMIT 1
    ) AS head
    RETURNING 1
), noted AS (
    UPDATE lines SET closed_by = pg_current_xact_id() WHERE (SELECT mine FROM turn) AND NOT is_open AND closed_by IS NULL RETURNING 1
), passed AS MATERIALIZED (
    -- Open rows in front of which nothing waits any more.
    SELECT l.ctid AS place FROM lines l CROSS JOIN turn
    WHERE mine AND l.is_open AND l.since < clock_timestamp()
      AND NOT EXISTS (
        SELECT FROM jobs j
        WHERE j.queue = l.queue AND j.priority = l.priority AND j.kind = l.kind AND j.tenant = l.tenant
          AND j.state IN ('queued', 'scheduled', 'retrying') AND j.run_at = l.since)
), closed AS (
    UPDATE lines SET is_open = false WHERE ctid IN (SELECT place FROM passed) AND is_open RETURNING 1
)
SELECT (SELECT count(*) FROM settled) AS settled, (SELECT count(*) FROM reopened) AS reopened,
       (SELECT count(*) FROM noted) + (SELECT count(*) FROM closed) AS under_way
