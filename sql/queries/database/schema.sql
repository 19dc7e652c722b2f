-- Check whether the schema exists, whether it has been migrated, and whether an unreleased version of the program made it.
SELECT to_regnamespace('provost') IS NOT NULL AS exists,
       to_regclass('provost.schema_migrations') IS NOT NULL AS migrated,
       to_regclass('provost.refinery_schema_history') IS NOT NULL AS is_prerelease
