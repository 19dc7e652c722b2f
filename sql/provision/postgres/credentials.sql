-- List the roles that can log in to a project, or could.
-- $1 prefix of their names
SELECT r.rolname::text AS name, r.rolcanlogin AS may_log_in FROM pg_roles r WHERE starts_with(r.rolname, $1::text) ORDER BY length(r.rolname), r.rolname
