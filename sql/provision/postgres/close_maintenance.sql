-- The statements that shut all roles but the owner out of a maintenance database, and then allow connections.
-- $1 name  $2 marker
SELECT format('REVOKE ALL ON DATABASE %I FROM %s', d.datname, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) AS statement
FROM pg_database d CROSS JOIN LATERAL (SELECT DISTINCT a.grantee FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a WHERE a.grantee <> d.datdba) AS a
WHERE d.datname = $1
UNION ALL SELECT format('COMMENT ON DATABASE %I IS %L', $1::text, $2::text)
UNION ALL SELECT format('ALTER DATABASE %I ALLOW_CONNECTIONS true', $1)
