-- The statement that creates the role that owns everything in a database. It cannot log in.
-- $1 role
SELECT format('CREATE ROLE %I NOLOGIN', $1::text) AS statement
