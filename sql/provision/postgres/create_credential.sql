-- The statements that create a login for a project, without a password yet. It acts as the owner role, so what it creates survives
-- it. Its connections count against the limit of the database.
-- $1 role  $2 owner role
SELECT format('CREATE ROLE %I NOLOGIN INHERIT IN ROLE %I', $1::text, $2::text) AS statement
UNION ALL SELECT format('ALTER ROLE %I SET role = %L', $1, $2)
