-- What still depends on a role, in words.
-- $1 role
SELECT CASE WHEN d.dbid = 0 THEN 'a shared object' ELSE 'an object in the database ' || coalesce(b.datname, d.dbid::text) END AS dependency, count(*) AS n
FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid AND d.refclassid = 'pg_authid'::regclass
LEFT JOIN pg_database b ON b.oid = d.dbid
WHERE r.rolname = $1
GROUP BY 1 ORDER BY 1
