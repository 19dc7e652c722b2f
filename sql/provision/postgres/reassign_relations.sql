-- The statements that give tables, views and sequences of this database to the owner role, at most 1000: each takes a lock until the
-- transaction ends, and PostgreSQL has room for a limited number.
-- $1 prefix of the roles that own them  $2 owner role
SELECT format('ALTER TABLE %s OWNER TO %I', c.oid::regclass, $2::text) AS statement
FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
WHERE starts_with(r.rolname, $1::text) AND r.rolname <> $2 AND c.relpersistence <> 't'
  AND (c.relkind IN ('r', 'p', 'v', 'm', 'f')
       OR c.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')))
ORDER BY c.oid LIMIT 1000
