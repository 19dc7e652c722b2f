-- The statement that creates a database. Its owner is the admin, so a tenant cannot drop, rename or limit it. Nothing can connect
-- before `mark_database` has shut PUBLIC out: a session that is open would stay.
-- $1 database  $2 connection limit
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING ''UTF8'' ALLOW_CONNECTIONS false CONNECTION LIMIT %s', $1::text, $2::integer) AS statement
