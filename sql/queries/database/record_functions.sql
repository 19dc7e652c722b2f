-- Record all functions as applied by this program. Writes nothing if a newer program applied its own.
-- $1 names  $2 texts  $3 version of this program
INSERT INTO provost.schema_functions AS s (name, hash, program_version)
SELECT f.name, sha256(convert_to(f.text, 'UTF8')), $3::integer[]
FROM unnest($1::text[], $2::text[]) AS f (name, text)
WHERE NOT EXISTS (SELECT FROM provost.schema_functions WHERE program_version > $3)
ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, program_version = excluded.program_version
WHERE (s.hash, s.program_version) IS DISTINCT FROM (excluded.hash, excluded.program_version)
