-- Whether the schema public of this database belongs to the role.
-- $1 owner role
SELECT pg_get_userbyid(n.nspowner) = $1::text AS is_owner FROM pg_namespace n WHERE n.nspname = 'public'
