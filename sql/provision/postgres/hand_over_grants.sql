-- The statements that revoke in a copy what was granted to the roles of the source on objects that they do not own.
-- $1 prefix of the roles of the source
WITH granted AS (
    SELECT DISTINCT r.rolname, o.type, o.identity, d.objid
    FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid AND d.refclassid = 'pg_authid'::regclass
    CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS o
    WHERE d.dbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()) AND d.deptype = 'a'
      AND d.classid <> 'pg_default_acl'::regclass AND starts_with(r.rolname, $1::text)
)
SELECT format('REVOKE ALL ON %s %s FROM %I CASCADE',
              CASE WHEN type IN ('table', 'view', 'materialized view', 'foreign table', 'sequence') THEN 'TABLE'
                   WHEN type IN ('function', 'procedure', 'aggregate') THEN 'ROUTINE'
                   WHEN type = 'server' THEN 'FOREIGN SERVER'
                   ELSE upper(type) END, identity, rolname) AS statement
FROM granted
