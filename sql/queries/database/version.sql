-- Read the version of the schema, and the oldest version that a program may know to run on it.
SELECT max(version) AS version, max(supports) AS supports FROM provost.schema_migrations
