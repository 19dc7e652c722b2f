-- Every waiting job has a row in `lanes` that starts at or before its due time.
SELECT j.id::text AS id
FROM jobs j
WHERE j.state IN ('queued', 'scheduled', 'retrying')
  AND NOT EXISTS (SELECT FROM lanes l WHERE (l.queue, l.priority, l.kind, l.tenant) = (j.queue, j.priority, j.kind, j.tenant) AND l.since <= j.run_at)
