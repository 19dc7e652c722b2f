-- End what earlier attempts still do in the database of a project, and wait until it has ended. The lock is held by another session.
-- $1 database  $2 its name while it is set aside
SELECT coalesce(bool_and(pg_terminate_backend(s.pid, 5000)), true) AS ended FROM pg_stat_activity s
WHERE s.datname IN ($1::text, $2::text) AND s.usename = current_user
  AND starts_with(s.application_name, 'provost:') AND s.application_name NOT IN (current_setting('application_name'), 'provost:observer')
