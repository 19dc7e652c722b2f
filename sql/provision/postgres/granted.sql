-- Whether a database is open only to its owner role, with these limits.
-- $1 database  $2 owner role  $3 connection limit  $4 statement timeout
SELECT has_database_privilege($2::text, d.oid, 'CONNECT') AND has_database_privilege($2, d.oid, 'CREATE') AND d.datconnlimit = $3::integer
       AND NOT EXISTS (SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a WHERE a.grantee = 0)
       AND coalesce('statement_timeout=' || $4::text = ANY (s.setconfig), false) AS is_granted
FROM pg_database d LEFT JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0
WHERE d.datname = $1
