-- No project is in progress ten seconds after its deadline while workers are online.
SELECT id::text AS id FROM projects
WHERE deadline_at < clock_timestamp() - interval '10 seconds'
  AND EXISTS (SELECT FROM workers WHERE seen_at > clock_timestamp() - interval '10 seconds' AND started_at < clock_timestamp() - interval '10 seconds')
