-- It is never the case that a job has more failures than it may have or than it has had attempts, or goes on although it has
-- none left.
SELECT id::text AS id FROM jobs
WHERE failures < 0 OR failures > max_attempts OR failures > attempt
   OR (failures >= max_attempts AND state NOT IN ('completed', 'failed', 'canceled'))
