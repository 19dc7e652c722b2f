-- The databases in which something belongs to a role (`owns`) or is granted to it.
-- $1 role
SELECT b.datname::text AS name, bool_or(d.deptype = 'o') AS owns
FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid AND d.refclassid = 'pg_authid'::regclass
JOIN pg_database b ON b.oid = d.dbid
WHERE r.rolname = $1
GROUP BY 1 ORDER BY 1
