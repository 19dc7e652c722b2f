-- The statements that block access to a project: no login, no right to connect. Sessions that are open stay.
-- $1 database  $2 owner role  $3 prefix of the credentials
SELECT format('ALTER ROLE %I NOLOGIN', r.rolname) AS statement FROM pg_roles r WHERE starts_with(r.rolname, $3::text) AND r.rolcanlogin
UNION ALL SELECT format('REVOKE CONNECT ON DATABASE %I FROM %I', d.datname, r.rolname)
FROM pg_database d CROSS JOIN pg_roles r WHERE d.datname = $1::text AND r.rolname = $2::text AND d.datconnlimit <> -2
