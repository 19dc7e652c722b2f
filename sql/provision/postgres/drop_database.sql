-- The statement that drops a database together with the sessions in it.
-- $1 database
SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', $1::text) AS statement
