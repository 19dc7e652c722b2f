-- It is never the case that a project is still on its way ten seconds after its deadline, while workers are there.
SELECT id::text AS id FROM projects
WHERE deadline_at < clock_timestamp() - interval '10 seconds'
  AND EXISTS (SELECT FROM workers WHERE seen_at > clock_timestamp() - interval '10 seconds' AND started_at < clock_timestamp() - interval '10 seconds')
