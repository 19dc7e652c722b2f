-- List the credentials of a project.
-- $1 prefix of their names
SELECT r.rolname::text AS name FROM pg_roles r WHERE starts_with(r.rolname, $1::text) ORDER BY length(r.rolname), r.rolname
