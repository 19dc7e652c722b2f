-- List the payload schemas. $1 kind, or null for all
SELECT kind, version, schema::text AS schema, actor, created_at FROM schemas WHERE $1::text IS NULL OR kind = $1 ORDER BY kind, version
