-- The statement that creates a database as a copy of another one. Nothing can connect before `mark_database` has shut PUBLIC out.
-- $1 database  $2 source  $3 connection limit
SELECT format('CREATE DATABASE %I TEMPLATE %I ALLOW_CONNECTIONS false CONNECTION LIMIT %s', $1::text, $2::text, $3::integer) AS statement
