-- The statements that give the schemas of a copy to its owner role. They come first: who receives an object must be allowed to create
-- in its schema.
-- $1 prefix of the roles of the source  $2 owner role
SELECT format('ALTER SCHEMA %I OWNER TO %I', n.nspname, $2::text) AS statement
FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
WHERE starts_with(r.rolname, $1::text)
