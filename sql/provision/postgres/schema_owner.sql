-- Whether the schema public of this database is given to the role. In PostgreSQL 14 it belongs to the superuser, and all roles in the
-- database may create in it; an admin without superuser rights cannot change that.
-- $1 owner role
SELECT pg_get_userbyid(n.nspowner) = $1::text
       OR NOT pg_has_role(n.nspowner, 'USAGE') AND has_schema_privilege($1, n.oid, 'CREATE') AS is_given
FROM pg_namespace n WHERE n.nspname = 'public'
