-- List the databases and roles with the mark of an installation, databases first.
-- $1 beginning of the mark
SELECT kind, name, marker
FROM (SELECT 'database' AS kind, d.datname::text AS name, shobj_description(d.oid, 'pg_database') AS marker FROM pg_database d
      UNION ALL SELECT 'role', r.rolname, shobj_description(r.oid, 'pg_authid') FROM pg_roles r) AS objects
WHERE starts_with(marker, $1::text)
ORDER BY kind, length(name), name
