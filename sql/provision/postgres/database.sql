-- Look up a database. `is_invalid`: a DROP DATABASE was interrupted.
-- $1 name
SELECT d.oid::bigint AS oid, d.datconnlimit = -2 AS is_invalid, shobj_description(d.oid, 'pg_database') AS marker,
       pg_get_userbyid(d.datdba) = current_user AS is_own
FROM pg_database d WHERE d.datname = $1
