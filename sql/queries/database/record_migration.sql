-- Record that a migration has been applied.
-- $1 version  $2 name
INSERT INTO provost.schema_migrations (version, name) VALUES ($1, $2)
