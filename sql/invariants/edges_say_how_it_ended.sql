-- It is never the case that a job which still waits was told something else of a dependency than how that one ended, or was not told. (Of
-- those that are noted in `tellings`, it is told in a moment.)
SELECT e.job_id::text AS id
FROM job_dependencies e
JOIN jobs j ON j.id = e.job_id
LEFT JOIN jobs p ON p.id = e.depends_on
WHERE NOT EXISTS (SELECT FROM tellings t WHERE t.job_id = e.depends_on) AND (
   e.outcome IS NULL AND p.id IS NULL
   -- Whoever has gone on is not told that what it depended on is tried again.
   OR (j.waits_for > 0 OR e.outcome IS NULL) AND p.id IS NOT NULL
      AND e.outcome IS DISTINCT FROM CASE WHEN p.state IN ('completed', 'failed', 'canceled') THEN p.state END)
