-- List the projects of which a condition is not true, with their conditions. What a look has to find out counts only if it began after
-- a time.
-- $1 max rows  $2 time
SELECT p.id, p.name, p.status, c.type, c.status AS condition, c.message
FROM conditions c JOIN projects p ON p.id = c.project_id
WHERE c.status <> 'true' AND (c.type NOT IN ('healthy', 'in_sync') OR p.observed_at >= $2)
ORDER BY p.id, c.type LIMIT $1
