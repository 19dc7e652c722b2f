-- It is never the case that a lease ended more than five seconds ago and nobody took its job back, while workers are there.
SELECT id::text AS id FROM jobs
WHERE state = 'active' AND lease_until < clock_timestamp() - interval '5 seconds'
  AND EXISTS (SELECT FROM workers WHERE seen_at > clock_timestamp() - interval '10 seconds' AND started_at < clock_timestamp() - interval '10 seconds')
