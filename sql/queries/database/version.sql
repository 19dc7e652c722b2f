-- How far is the schema migrated?
SELECT max(version) AS version FROM provost.refinery_schema_history
