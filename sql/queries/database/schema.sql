-- Is our schema there, and has anybody migrated it yet?
SELECT to_regnamespace('provost') IS NOT NULL AS exists,
       to_regclass('provost.refinery_schema_history') IS NOT NULL AS migrated
