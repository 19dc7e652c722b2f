-- What in this database depends on a role of a project, in words.
-- $1 prefix of the roles
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS dependency
FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid AND d.refclassid = 'pg_authid'::regclass
WHERE d.dbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()) AND starts_with(r.rolname, $1::text)
ORDER BY 1
