-- Configure the connection that checks the invariants: long statements, read only.
SELECT set_config('search_path', 'provost', false),
       set_config('statement_timeout', '10min', false),
       set_config('lock_timeout', '5s', false),
       set_config('idle_in_transaction_session_timeout', '1min', false),
       set_config('default_transaction_isolation', 'repeatable read', false),
       set_config('default_transaction_read_only', 'on', false),
       set_config('application_name', 'provost doctor', false),
       set_config('timezone', 'UTC', false)
