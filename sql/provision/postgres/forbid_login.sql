-- The statements that forbid credentials to log in. Sessions that are open stay.
-- $1 names of the credentials
SELECT format('ALTER ROLE %I NOLOGIN', r.rolname) AS statement FROM pg_roles r WHERE r.rolname = ANY ($1::text[]) AND r.rolcanlogin
