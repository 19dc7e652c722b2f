-- Whether schemas of the names that we need are here already.
SELECT count(*) AS n FROM pg_namespace WHERE nspname IN ('provost', 'ceiling')
