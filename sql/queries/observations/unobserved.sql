-- Count the ready and paused projects that were not looked at since a time.
-- $1 time
SELECT count(*) FROM projects WHERE status IN ('ready', 'paused') AND (observed_at < $1 OR observed_at IS NULL)
