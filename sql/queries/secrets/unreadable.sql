-- List the projects whose current credential is encrypted with none of these keys.
-- $1 ids of the keys that exist
SELECT p.id, p.name, p.status
FROM secrets s JOIN projects p ON p.id = s.project_id JOIN outputs o ON o.project_id = p.id AND o.name = 'user'
WHERE s.key_id <> ALL ($1::text[]) AND s.name = o.value #>> '{}' AND p.status <> 'deleted'
ORDER BY p.id
