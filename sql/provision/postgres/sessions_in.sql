-- What keeps a database from being copied, by name.
-- $1 database
SELECT format('%s of %s', s.backend_type, s.usename) AS obstacle FROM pg_stat_activity s WHERE s.datname = $1::text AND s.usesysid IS NOT NULL
UNION ALL SELECT 'prepared transaction ' || p.gid FROM pg_prepared_xacts p WHERE p.database = $1
