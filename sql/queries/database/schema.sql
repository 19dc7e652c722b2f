-- Check the encoding of the database, whether the schema exists, whether it has been migrated, and whether an unreleased version of
-- the program made it. Reads the catalog itself: functions such as to_regclass may answer from a cache that is older than the lock of
-- another migration.
SELECT current_setting('server_encoding') AS encoding,
       EXISTS (SELECT FROM pg_namespace WHERE nspname = 'provost') AS exists,
       coalesce(bool_or(c.relname = 'schema_migrations'), false) AS migrated,
       coalesce(bool_or(c.relname = 'refinery_schema_history'), false) AS is_prerelease
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'provost' AND c.relname IN ('schema_migrations', 'refinery_schema_history')
