-- Whether schemas with the names of Provost or the ceiling exist.
SELECT count(*) AS n FROM pg_namespace WHERE nspname IN ('provost', 'ceiling')
