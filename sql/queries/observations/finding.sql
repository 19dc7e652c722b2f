-- Get a difference.
-- $1 finding
SELECT f.id, f.kind, f.project_id, p.name AS project_name, f.provisioner, f.cluster, f.object, f.message, f.first_seen_at, f.last_seen_at
FROM findings f LEFT JOIN projects p ON p.id = f.project_id
WHERE f.id = $1
