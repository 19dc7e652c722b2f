-- Configure a migrating connection: no limit on the duration of a statement, but no long wait for a lock that others need.
SELECT set_config('search_path', 'provost', false),
       set_config('statement_timeout', '0', false),
       set_config('lock_timeout', '10s', false),
       set_config('timezone', 'UTC', false)
