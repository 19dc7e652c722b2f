-- List the functions whose file changed since it was last applied. Returns none if a newer program applied its own functions:
-- those also serve this one.
-- $1 names  $2 texts  $3 version of this program
SELECT f.name
FROM unnest($1::text[], $2::text[]) AS f (name, text) LEFT JOIN provost.schema_functions s USING (name)
WHERE s.hash IS DISTINCT FROM sha256(convert_to(f.text, 'UTF8'))
  AND NOT EXISTS (SELECT FROM provost.schema_functions WHERE program_version > $3::integer[])
