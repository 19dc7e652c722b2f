-- No row ends before it begins.
SELECT id::text AS id FROM executions WHERE ended_at < claimed_at
UNION ALL
SELECT id::text FROM jobs WHERE finished_at < created_at OR updated_at < created_at
UNION ALL
SELECT id::text FROM projects WHERE updated_at < created_at
UNION ALL
SELECT id::text FROM workflows WHERE finished_at < created_at OR updated_at < created_at
