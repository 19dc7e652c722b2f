-- The statements that give tables, views and sequences of this database to the owner role, in portions of at most 1000 locks: a
-- statement locks the relation with its indexes and sequences until the transaction ends, and PostgreSQL has room for a limited number.
-- $1 prefix of the roles that own them  $2 owner role
WITH owned AS (
    SELECT c.oid, 1 + CASE WHEN c.reltoastrelid <> 0 THEN 2 ELSE 0 END + (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid)
           + (SELECT count(*) FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')) AS locks
    FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
    WHERE starts_with(r.rolname, $1::text) AND r.rolname <> $2::text AND c.relpersistence <> 't'
      AND (c.relkind IN ('r', 'p', 'v', 'm', 'f')
           OR c.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')))
), portion AS (
    SELECT oid, sum(locks) OVER (ORDER BY oid) AS total, row_number() OVER (ORDER BY oid) AS place FROM owned
)
SELECT format('ALTER TABLE %s OWNER TO %I', oid::regclass, $2) AS statement FROM portion WHERE total <= 1000 OR place = 1 ORDER BY oid
