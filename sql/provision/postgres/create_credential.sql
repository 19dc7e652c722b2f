-- The statements that create a login for a project. The role acts as the owner role, so what it creates survives it. The password
-- is a SCRAM verifier, so the server never sees the password; nor does its log, if this login may say so.
-- $1 role  $2 owner role  $3 verifier  $4 connection limit  $5 marker
SELECT 'SET LOCAL log_statement = ''none''' AS statement FROM pg_roles WHERE rolname = current_user AND rolsuper
UNION ALL SELECT format('CREATE ROLE %I LOGIN INHERIT PASSWORD %L CONNECTION LIMIT %s IN ROLE %I', $1::text, $3::text, $4::integer, $2::text)
UNION ALL SELECT format('ALTER ROLE %I SET role = %L', $1, $2)
UNION ALL SELECT format('COMMENT ON ROLE %I IS %L', $1, $5::text)
UNION ALL SELECT format('GRANT %I TO %I', $1, current_user)
               || CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN ' WITH SET TRUE, INHERIT TRUE' ELSE '' END
