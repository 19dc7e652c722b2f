-- Read the version of the schema.
SELECT max(version) AS version FROM provost.schema_migrations
