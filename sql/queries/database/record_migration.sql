-- Record that a migration has been applied.
-- $1 version  $2 name  $3 the oldest version that a program may know to run on the schema after it
INSERT INTO provost.schema_migrations (version, name, supports) VALUES ($1, $2, $3)
