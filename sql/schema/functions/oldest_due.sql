-- Since when the oldest due job of a queue has been due.
CREATE OR REPLACE FUNCTION oldest_due(queue text) RETURNS timestamptz STABLE LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT min(head.run_at)
FROM (SELECT l.priority, l.kind, l.tenant, min(l.since) AS since FROM lanes l WHERE l.queue = oldest_due.queue GROUP BY 1, 2, 3) AS lane
CROSS JOIN LATERAL (
    SELECT j.run_at FROM jobs j
    WHERE j.queue = oldest_due.queue AND (j.priority, j.kind, j.tenant) = (lane.priority, lane.kind, lane.tenant)
      AND j.state IN ('queued', 'scheduled', 'retrying') AND j.run_at BETWEEN lane.since AND clock_timestamp()
    ORDER BY j.run_at LIMIT 1
) AS head
$$;
