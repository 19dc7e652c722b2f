-- Count the ready and paused projects that were not looked at since a time. Those that workers serve over HTTP are not looked at.
-- $1 time
SELECT count(*) FROM projects p
WHERE p.status IN ('ready', 'paused') AND (p.observed_at < $1 OR p.observed_at IS NULL)
  AND coalesce((SELECT t.provisioner FROM templates t WHERE t.name = p.template AND t.version = p.template_version), p.template) <> 'remote'
