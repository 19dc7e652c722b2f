-- The statement that gives the schema public of this database to the role.
-- $1 owner role
SELECT format('ALTER SCHEMA public OWNER TO %I', $1::text) AS statement
