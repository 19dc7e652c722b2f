-- The statements that let a role log in with this password.
-- $1 role  $2 verifier
SELECT 'SET LOCAL log_statement = ''none''' AS statement FROM pg_roles WHERE rolname = current_user AND rolsuper
UNION ALL SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)
