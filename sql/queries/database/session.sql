-- Configure any other connection, whatever the defaults of the server are. JIT compilation takes longer than any statement of
-- this program runs; on a database without statistics it takes seconds.
SELECT set_config('search_path', 'provost', false),
       set_config('statement_timeout', '5s', false),
       set_config('lock_timeout', '2s', false),
       set_config('idle_in_transaction_session_timeout', '10s', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('synchronous_commit', 'on', false),
       set_config('jit', 'off', false),
       set_config('timezone', 'UTC', false)
