-- No lease expired more than five seconds ago without its job being taken back while workers are online.
SELECT id::text AS id FROM jobs
WHERE state = 'active' AND lease_until < clock_timestamp() - interval '5 seconds'
  AND EXISTS (SELECT FROM workers WHERE seen_at > clock_timestamp() - interval '10 seconds' AND started_at < clock_timestamp() - interval '10 seconds')
