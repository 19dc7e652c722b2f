-- List the differences, the oldest first.
-- $1 project or null  $2 max rows
SELECT f.id, f.kind, f.project_id, p.name AS project_name, f.provisioner, f.cluster, f.object, f.message, f.first_seen_at, f.last_seen_at
FROM findings f LEFT JOIN projects p ON p.id = f.project_id
WHERE $1::uuid IS NULL OR f.project_id = $1
ORDER BY f.first_seen_at, f.id
LIMIT $2
