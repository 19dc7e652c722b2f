-- Look up a maintenance database. `is_closed`: only its owner may enter.
-- $1 name
SELECT pg_has_role(d.datdba, 'USAGE') AS is_own, pg_get_userbyid(d.datdba)::text AS owner, d.datallowconn AS allows_connections,
       NOT EXISTS (SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a WHERE a.grantee <> d.datdba) AS is_closed
FROM pg_database d WHERE d.datname = $1
