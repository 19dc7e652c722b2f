-- The statements that move the default privileges of the roles of the source to the owner role of a copy. An entry that is as
-- PostgreSQL has it without one is removed by PostgreSQL.
-- $1 prefix of the roles of the source  $2 owner role
WITH source AS (
    SELECT r.oid, r.rolname FROM pg_roles r WHERE starts_with(r.rolname, $1::text)
), entries AS (
    SELECT s.rolname AS giver, CASE WHEN n.nspname IS NULL THEN '' ELSE format(' IN SCHEMA %I', n.nspname) END AS place, d.defaclnamespace = 0 AS is_global, d.defaclacl AS acl,
           CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END AS objects
    FROM pg_default_acl d JOIN source s ON s.oid = d.defaclrole LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
), privileges AS (
    SELECT e.giver, e.place, e.objects, a.privilege_type, a.is_grantable,
           CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee,
           CASE WHEN a.grantee = 0 THEN 'PUBLIC' WHEN a.grantee IN (SELECT s.oid FROM source s) THEN quote_ident($2::text) ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS receiver
    FROM entries e CROSS JOIN LATERAL aclexplode(e.acl) AS a
), statements AS (
    -- A global entry also says what is taken from the owner and from PUBLIC.
    SELECT 1 AS turn, format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE ALL ON %s FROM %I, PUBLIC', $2, e.objects, $2) AS statement
    FROM entries e WHERE e.is_global
    UNION ALL
    SELECT 2, format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s GRANT %s ON %s TO %s%s', $2, p.place, p.privilege_type, p.objects, p.receiver,
                     CASE WHEN p.is_grantable AND p.receiver <> 'PUBLIC' THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM privileges p
    UNION ALL
    SELECT 3, format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE ALL ON %s FROM %s', p.giver, p.place, p.objects, string_agg(DISTINCT p.grantee, ', '))
    FROM privileges p GROUP BY p.giver, p.place, p.objects
    UNION ALL
    SELECT 4, format('ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT ALL ON %s TO %I%s', e.giver, e.objects, e.giver,
                     CASE WHEN e.objects IN ('FUNCTIONS', 'TYPES') THEN ', PUBLIC' ELSE '' END)
    FROM entries e WHERE e.is_global
)
SELECT statement FROM statements ORDER BY turn
