-- End the sessions of a project's credentials, and wait until they have ended.
-- $1 prefix of the credentials
SELECT coalesce(bool_and(pg_terminate_backend(s.pid, 5000)), true) AS ended FROM pg_stat_activity s WHERE starts_with(s.usename, $1::text)
