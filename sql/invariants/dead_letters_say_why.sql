-- It is never the case that a job failed for good without a reason, or that a project did.
SELECT id::text AS id FROM jobs WHERE state = 'failed' AND coalesce(error, '') = ''
UNION ALL
SELECT id::text FROM projects WHERE status = 'failed' AND coalesce(error_reason, '') = ''
