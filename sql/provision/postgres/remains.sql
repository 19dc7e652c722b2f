-- What is left of a project.
-- $1 database  $2 its name while it is set aside  $3 prefix of all roles
SELECT 'database ' || d.datname AS name FROM pg_database d WHERE d.datname IN ($1::text, $2::text)
UNION ALL SELECT 'role ' || r.rolname FROM pg_roles r WHERE starts_with(r.rolname, $3::text)
