-- No job has more failures than its budget or its attempts allow, or continues without budget left.
SELECT id::text AS id FROM jobs
WHERE failures < 0 OR failures > max_attempts OR failures > attempt
   OR (failures >= max_attempts AND state NOT IN ('completed', 'failed', 'canceled', 'superseded'))
