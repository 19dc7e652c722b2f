-- No due time of an enabled schedule is unhandled for 30 seconds while workers are online.
SELECT name AS id FROM schedules
WHERE state = 'enabled' AND next_at < clock_timestamp() - interval '30 seconds'
  AND EXISTS (SELECT FROM workers WHERE seen_at > clock_timestamp() - interval '10 seconds' AND started_at < clock_timestamp() - interval '30 seconds')
