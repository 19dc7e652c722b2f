-- List the databases whose DROP DATABASE was interrupted.
SELECT d.datname::text AS name FROM pg_database d WHERE d.datconnlimit = -2 ORDER BY 1
