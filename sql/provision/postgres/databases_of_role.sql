-- The databases in which something belongs to a role or is granted to it.
-- $1 role
SELECT DISTINCT b.datname::text AS name
FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid AND d.refclassid = 'pg_authid'::regclass
JOIN pg_database b ON b.oid = d.dbid
WHERE r.rolname = $1
ORDER BY 1
