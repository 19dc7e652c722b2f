-- It is never the case that a job waits where no claim would look: each stands in a line that is known to have something since
-- then or earlier.
SELECT j.id::text AS id
FROM jobs j
WHERE j.state IN ('queued', 'scheduled', 'retrying')
  AND NOT EXISTS (SELECT FROM lines l WHERE (l.queue, l.priority, l.kind, l.tenant) = (j.queue, j.priority, j.kind, j.tenant) AND l.since <= j.run_at)
