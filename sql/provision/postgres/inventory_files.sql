-- List the directories that belong to no database. CREATE DATABASE copies the files before the database exists, so only those count
-- that have not changed for a while.
SELECT 'base/' || f AS name
FROM pg_ls_dir('base') AS f
WHERE f ~ '^[0-9]+$' AND NOT EXISTS (SELECT FROM pg_database d WHERE d.oid::text = f)
  AND (pg_stat_file('base/' || f, true)).modification < clock_timestamp() - interval '10 minutes'
ORDER BY 1
