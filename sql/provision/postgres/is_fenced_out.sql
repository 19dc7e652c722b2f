-- Whether all access to a project is blocked: no login is allowed, and no session is open.
-- $1 database  $2 prefix of the credentials
SELECT NOT EXISTS (SELECT FROM pg_roles r WHERE starts_with(r.rolname, $2::text) AND r.rolcanlogin)
   AND NOT EXISTS (SELECT FROM pg_stat_activity s WHERE s.datname = $1::text AND starts_with(s.usename, $2)) AS is_fenced_out
