-- List the projects of which a condition is not true, with their conditions.
-- $1 max rows
SELECT p.id, p.name, p.status, c.type, c.status AS condition, c.message
FROM conditions c JOIN projects p ON p.id = c.project_id
WHERE c.status <> 'true'
ORDER BY p.id, c.type LIMIT $1
