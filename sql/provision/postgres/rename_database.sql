-- The statement that renames a database, if it exists and the new name is free.
-- $1 name  $2 new name
SELECT format('ALTER DATABASE %I RENAME TO %I', $1::text, $2::text) AS statement
FROM pg_database d WHERE d.datname = $1 AND NOT EXISTS (SELECT FROM pg_database o WHERE o.datname = $2)
