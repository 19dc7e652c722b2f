-- The statements that mark a new database as ours, revoke all access to it, and then allow connections: in one transaction.
-- $1 database  $2 marker
SELECT format('COMMENT ON DATABASE %I IS %L', $1::text, $2::text) AS statement
UNION ALL SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', $1)
UNION ALL SELECT format('ALTER DATABASE %I ALLOW_CONNECTIONS true', $1)
