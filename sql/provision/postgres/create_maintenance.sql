-- The statement that creates a maintenance database. Nobody may enter before PUBLIC is shut out.
-- $1 name
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING ''UTF8'' ALLOW_CONNECTIONS false', $1::text) AS statement
