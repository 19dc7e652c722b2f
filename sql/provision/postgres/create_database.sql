-- The statement that creates a database. Its owner is the admin, so a tenant cannot drop, rename or limit it.
-- $1 database  $2 connection limit
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING ''UTF8'' ALLOW_CONNECTIONS true CONNECTION LIMIT %s', $1::text, $2::integer) AS statement
