-- The statements that create the extensions which this database lacks.
-- $1 names
SELECT format('CREATE EXTENSION %I SCHEMA public', wanted.name) AS statement
FROM unnest($1::text[]) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = wanted.name)
ORDER BY wanted.name
