-- The statements that let the credentials of a project in again.
-- $1 database  $2 owner role  $3 prefix of the credentials
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', $1::text, $2::text) AS statement
UNION ALL SELECT format('ALTER ROLE %I LOGIN', r.rolname) FROM pg_roles r WHERE starts_with(r.rolname, $3::text) AND NOT r.rolcanlogin
