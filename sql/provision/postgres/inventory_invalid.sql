-- List the databases whose DROP DATABASE was interrupted. One that is being dropped is locked.
SELECT d.datname::text AS name FROM pg_database d
WHERE d.datconnlimit = -2
  AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'object' AND l.classid = 'pg_database'::regclass AND l.objid = d.oid AND l.granted)
ORDER BY 1
