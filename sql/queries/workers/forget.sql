-- Forget the workers that have been silent for a day. Nothing else depends on their rows.
DELETE FROM workers WHERE seen_at < clock_timestamp() - interval '1 day'
