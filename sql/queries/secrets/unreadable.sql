-- List the projects with a secret that none of these keys encrypts: the password of its user, or any secret of a project without one.
-- $1 ids of the keys that exist  $2 only after this project, or null  $3 max rows
SELECT p.id, p.name, p.status
FROM projects p LEFT JOIN LATERAL (
    SELECT u.name FROM outputs o JOIN secrets u ON u.project_id = o.project_id AND u.name = o.value #>> '{}'
    WHERE o.project_id = p.id AND o.name = 'user'
) AS login ON true
WHERE p.status <> 'deleted' AND ($2::uuid IS NULL OR p.id > $2) AND EXISTS (
    SELECT FROM secrets s
    WHERE s.project_id = p.id AND s.key_id <> ALL ($1::text[]) AND s.name NOT LIKE '%/%' AND s.name = coalesce(login.name, s.name))
ORDER BY p.id LIMIT $3
