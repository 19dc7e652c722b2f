-- List the statements that give a role the rights to use the schema, now and after later migrations.
-- $1 role  $2 only to read?
SELECT format(s.text, $1::text) AS statement
FROM (VALUES (1, true, 'GRANT USAGE ON SCHEMA provost TO %I'),
             (2, true, 'GRANT SELECT ON ALL TABLES IN SCHEMA provost TO %I'),
             (3, true, 'GRANT SELECT ON ALL SEQUENCES IN SCHEMA provost TO %I'),
             (4, false, 'GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA provost TO %I'),
             (5, false, 'GRANT USAGE ON ALL SEQUENCES IN SCHEMA provost TO %I'),
             (6, false, 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA provost TO %I'),
             (7, true, 'ALTER DEFAULT PRIVILEGES IN SCHEMA provost GRANT SELECT ON TABLES TO %I'),
             (8, true, 'ALTER DEFAULT PRIVILEGES IN SCHEMA provost GRANT SELECT ON SEQUENCES TO %I'),
             (9, false, 'ALTER DEFAULT PRIVILEGES IN SCHEMA provost GRANT INSERT, UPDATE, DELETE ON TABLES TO %I'),
             (10, false, 'ALTER DEFAULT PRIVILEGES IN SCHEMA provost GRANT USAGE ON SEQUENCES TO %I')) AS s (place, reads, text)
WHERE s.reads OR NOT $2::boolean
ORDER BY s.place
