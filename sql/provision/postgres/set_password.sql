-- The statements that let a role log in with this password. It is a SCRAM verifier, so the server never receives the password; the
-- verifier stays out of the log where the admin is a superuser.
-- $1 role  $2 verifier
SELECT statement FROM pg_roles CROSS JOIN (VALUES ('SET LOCAL log_statement = ''none'''), ('SET LOCAL log_min_error_statement = ''panic''')) AS v (statement)
WHERE rolname = current_user AND rolsuper
UNION ALL SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)
