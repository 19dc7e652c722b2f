-- No job or project failed without a reason.
SELECT id::text AS id FROM jobs WHERE state = 'failed' AND coalesce(error, '') = ''
UNION ALL
SELECT id::text FROM projects WHERE status = 'failed' AND coalesce(error_reason, '') = ''
